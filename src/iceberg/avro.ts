/** Avro files, as manifests and manifest lists are written: one schema, blocks of records, 64-bit integers exact. */
import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as zlib from 'node:zlib';
import avro from 'avsc';
import { PlumbingError } from '../errors/index.ts';

/** An Avro schema as JSON, with the `field-id`s that Iceberg adds. */
export type AvroSchema = Readonly<Record<string, unknown>>;

/** A record, by field name. */
export type AvroRecord = Record<string, unknown>;

/** What an Avro file holds. */
export interface AvroFile {
  readonly schema: AvroSchema;
  /** Entries of the header that do not start with `avro.`, e.g. `format-version`. */
  readonly header: ReadonlyMap<string, string>;
  readonly records: readonly AvroRecord[];
}

const magic = Buffer.from('Obj\u0001', 'latin1');
const syncLength = 16;

const longType = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: (value: number) => BigInt(value),
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : Number(a > b)),
});
const headerType = avro.Type.forSchema({ type: 'map', values: 'bytes' });
const countType = avro.Type.forSchema('long');

function typeOf(schema: AvroSchema): avro.Type {
  return avro.Type.forSchema(structuredClone(schema) as avro.Schema, { registry: { long: longType } });
}

/** The bytes of an Avro file; records are compressed with deflate. */
export function encodeAvro(
  schema: AvroSchema,
  header: Readonly<Record<string, string>>,
  records: readonly AvroRecord[],
): Uint8Array {
  const type = typeOf(schema);
  const entries = { ...header, 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate' };
  const sync = randomBytes(syncLength);
  const parts = [
    magic,
    headerType.toBuffer(
      Object.fromEntries(Object.entries(entries).map(([key, text]) => [key, Buffer.from(text)])),
    ),
    sync,
  ];
  if (records.length > 0) {
    const block = deflateRawSync(Buffer.concat(records.map((record) => type.toBuffer(record))));
    parts.push(countType.toBuffer(records.length), countType.toBuffer(block.length), block, sync);
  }
  return Buffer.concat(parts);
}

/**
 * Reads the bytes of an Avro file.
 *
 * @throws PlumbingError `DEST_CORRUPT` when they are none, are cut off, or are compressed in a way that this Node does not know.
 */
export function decodeAvro(bytes: Uint8Array, location: string): AvroFile {
  try {
    return decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    const { message } = cause as Error;
    throw new PlumbingError('DEST_CORRUPT', `${location} is no whole Avro file: ${message}`, { cause });
  }
}

function decode(bytes: Buffer): AvroFile {
  if (!bytes.subarray(0, magic.length).equals(magic)) throw new Error('it does not begin as one');
  const head = read(headerType, bytes, magic.length);
  const entries = Object.entries(head.value as Record<string, Buffer>);
  const header = new Map(entries.map(([key, value]) => [key, value.toString('utf8')]));
  const schema = JSON.parse(header.get('avro.schema') ?? '') as AvroSchema;
  const decompress = decompressorOf(header.get('avro.codec') ?? 'null');
  const type = typeOf(schema);
  const sync = bytes.subarray(head.end, head.end + syncLength);
  if (sync.length < syncLength) throw new Error('its header is cut off');
  const records: AvroRecord[] = [];
  let at = head.end + syncLength;
  while (at < bytes.length) {
    const count = read(countType, bytes, at);
    const length = read(countType, bytes, count.end);
    const end = length.end + Number(length.value);
    if (!bytes.subarray(end, end + syncLength).equals(sync)) throw new Error('a block is cut off');
    const block = decompress(bytes.subarray(length.end, end));
    let place = 0;
    for (let i = 0; i < Number(count.value); i++) {
      const record = read(type, block, place);
      records.push(record.value as AvroRecord);
      place = record.end;
    }
    at = end + syncLength;
  }
  const own = [...header].filter(([key]) => !key.startsWith('avro.'));
  return { schema, header: new Map(own), records };
}

function read(type: avro.Type, bytes: Buffer, at: number): { value: unknown; end: number } {
  const { value, offset }: { value: unknown; offset: number } = type.decode(bytes, at);
  if (offset < 0) throw new Error('it is cut off');
  return { value, end: offset };
}

function decompressorOf(codec: string): (bytes: Buffer) => Buffer {
  if (codec === 'null') return (bytes) => bytes;
  if (codec === 'deflate') return (bytes) => inflateRawSync(bytes);
  // Node has zstd from 22.15 on.
  const { zstdDecompressSync } = zlib as Partial<Pick<typeof zlib, 'zstdDecompressSync'>>;
  if (codec === 'zstandard' && zstdDecompressSync) return (bytes) => zstdDecompressSync(bytes);
  throw new Error(`it is compressed with ${codec}, which this version of Node does not know`);
}
