/** Manifests: Avro files that list data files or delete files. Written in format version 2, read in 1 and 2. */
import { PlumbingError } from '../errors/index.ts';
import { decodeAvro, encodeAvro } from './avro.ts';
import type { AvroRecord, AvroSchema } from './avro.ts';
import type { DataFile, FileContent, ManifestEntry, ManifestFile } from './data-file.ts';
import type { PartitionSpec } from './metadata.ts';
import { avroName, avroTypeOf, bindSpec, fromAvro, toAvro } from './partition.ts';
import type { BoundField } from './partition.ts';
import type { Schema } from './types.ts';

const statuses = ['existing', 'added', 'deleted'] as const;
const contents = ['data', 'position-deletes', 'equality-deletes'] as const;

/** What a manifest is written for. */
export interface ManifestContext {
  readonly spec: PartitionSpec;
  readonly schema: Schema;
  /** Of the snapshot that is being made. */
  readonly snapshotId: bigint;
}

/**
 * The bytes of a manifest. Added entries leave their sequence numbers to the manifest list: they are known when the
 * snapshot is committed, and may grow when it has to be tried again.
 */
export function encodeManifest(
  context: ManifestContext,
  content: 'data' | 'deletes',
  entries: readonly ManifestEntry[],
): Uint8Array {
  const bound = bindSpec(context.spec, context.schema);
  const header = {
    schema: JSON.stringify(context.schema),
    'schema-id': String(context.schema['schema-id']),
    'partition-spec': JSON.stringify(context.spec.fields),
    'partition-spec-id': String(context.spec['spec-id']),
    'format-version': '2',
    content,
  };
  const records = entries.map((entry): AvroRecord => {
    const isAdded = entry.status === 'added';
    return {
      status: statuses.indexOf(entry.status),
      snapshot_id: entry.snapshotId,
      sequence_number: isAdded ? null : entry.sequenceNumber,
      file_sequence_number: isAdded ? null : entry.fileSequenceNumber,
      data_file: fileRecord(entry.file, bound),
    };
  });
  return encodeAvro(entrySchema(bound), header, records);
}

/** The entries of a manifest; `manifest` is its line in the manifest list, from which added entries take their numbers. */
export function decodeManifest(
  bytes: Uint8Array,
  manifest: ManifestFile,
  spec: PartitionSpec,
  schema: Schema,
): ManifestEntry[] {
  const { records, schema: avro } = decodeAvro(bytes, manifest.location);
  const bound = bindSpec(spec, schema);
  const partitionNames = partitionFieldNames(avro, bound);
  try {
    return records.map((record) => {
      const file = record['data_file'] as AvroRecord;
      const snapshotId = (record['snapshot_id'] as bigint | null) ?? manifest.addedSnapshotId;
      const inherited = record['status'] === 1 ? manifest.sequenceNumber : 0n;
      return {
        status: statuses[record['status'] as number] as ManifestEntry['status'],
        snapshotId,
        sequenceNumber: (record['sequence_number'] as bigint | null | undefined) ?? inherited,
        fileSequenceNumber: (record['file_sequence_number'] as bigint | null | undefined) ?? inherited,
        file: fileOf(file, manifest.specId, bound, partitionNames),
      };
    });
  } catch (cause) {
    throw new PlumbingError(
      'DEST_CORRUPT',
      `${manifest.location} is no Iceberg manifest: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function fileRecord(file: DataFile, bound: readonly BoundField[]): AvroRecord {
  const { statistics } = file;
  const partition = Object.fromEntries(
    bound.map(({ field, transform }, i) => [
      avroName(field.name),
      toAvro(transform.resultType, file.partition[i] ?? null),
    ]),
  );
  return {
    content: contents.indexOf(file.content),
    file_path: file.location,
    file_format: file.format,
    partition,
    record_count: file.recordCount,
    file_size_in_bytes: file.fileSizeBytes,
    column_sizes: pairs(statistics.columnSizes),
    value_counts: pairs(statistics.valueCounts),
    null_value_counts: pairs(statistics.nullCounts),
    nan_value_counts: pairs(statistics.nanCounts),
    lower_bounds: pairs(statistics.lowerBounds),
    upper_bounds: pairs(statistics.upperBounds),
    key_metadata: null,
    split_offsets: file.splitOffsets ? [...file.splitOffsets] : null,
    equality_ids: file.equalityIds ? [...file.equalityIds] : null,
    sort_order_id: file.sortOrderId ?? null,
  };
}

function fileOf(
  record: AvroRecord,
  specId: number,
  bound: readonly BoundField[],
  partitionNames: readonly (string | undefined)[],
): DataFile {
  const partition = record['partition'] as AvroRecord;
  const splitOffsets = record['split_offsets'] as bigint[] | null | undefined;
  const equalityIds = record['equality_ids'] as number[] | null | undefined;
  const sortOrderId = record['sort_order_id'] as number | null | undefined;
  const bytesMap = (name: string): Map<number, Uint8Array> =>
    new Map([...mapOf<Buffer>(record[name])].map(([id, bytes]) => [id, Uint8Array.from(bytes)]));
  return {
    content: contents[(record['content'] as number | undefined) ?? 0] as FileContent,
    location: record['file_path'] as string,
    format: record['file_format'] as string,
    specId,
    partition: bound.map(({ transform }, i) => {
      const name = partitionNames[i];
      return name === undefined ? null : fromAvro(transform.resultType, partition[name]);
    }),
    recordCount: record['record_count'] as bigint,
    fileSizeBytes: record['file_size_in_bytes'] as bigint,
    statistics: {
      columnSizes: mapOf(record['column_sizes']),
      valueCounts: mapOf(record['value_counts']),
      nullCounts: mapOf(record['null_value_counts']),
      nanCounts: mapOf(record['nan_value_counts']),
      lowerBounds: bytesMap('lower_bounds'),
      upperBounds: bytesMap('upper_bounds'),
    },
    ...(splitOffsets && { splitOffsets }),
    ...(equalityIds && { equalityIds }),
    ...(typeof sortOrderId === 'number' && { sortOrderId }),
  };
}

/** Avro's form of a map with integer keys. An empty one is absent. */
function pairs(map: ReadonlyMap<number, bigint | Uint8Array>): AvroRecord[] | null {
  if (map.size === 0) return null;
  return [...map].map(([key, value]) => ({
    key,
    value: value instanceof Uint8Array ? Buffer.from(value) : value,
  }));
}

function mapOf<T>(value: unknown): Map<number, T> {
  return new Map(
    ((value as { key: number; value: T }[] | null | undefined) ?? []).map((pair) => [pair.key, pair.value]),
  );
}

/** The names of the partition fields in a manifest, by field id: another writer may have named them otherwise. */
function partitionFieldNames(avro: AvroSchema, bound: readonly BoundField[]): (string | undefined)[] {
  const fields = (schema: unknown): AvroRecord[] =>
    ((schema as AvroRecord)['fields'] as AvroRecord[] | undefined) ?? [];
  const file = fields(avro).find(({ name }) => name === 'data_file');
  const partition = fields(file?.['type']).find(({ name }) => name === 'partition');
  const known = fields(partition?.['type']);
  return bound.map(({ field }) => {
    const found =
      known.find((candidate) => candidate['field-id'] === field['field-id']) ??
      known.find((candidate) => candidate['name'] === avroName(field.name));
    return found?.['name'] as string | undefined;
  });
}

const optional = (type: unknown): unknown[] => ['null', type];

function field(id: number, name: string, type: unknown): AvroSchema {
  return Array.isArray(type) ? { name, type, default: null, 'field-id': id } : { name, type, 'field-id': id };
}

/** An array of pairs, which is how Iceberg stores maps with integer keys. */
function intMap(name: string, id: number, keyId: number, valueId: number, value: string): AvroSchema {
  const pair = {
    type: 'record',
    name: `k${keyId}_v${valueId}`,
    fields: [field(keyId, 'key', 'int'), field(valueId, 'value', value)],
  };
  return field(id, name, optional({ type: 'array', items: pair, logicalType: 'map' }));
}

function entrySchema(bound: readonly BoundField[]): AvroSchema {
  const partition = {
    type: 'record',
    name: 'r102',
    fields: bound.map(({ field: { 'field-id': id, name }, transform }) =>
      field(id, avroName(name), optional(avroTypeOf(transform.resultType, id))),
    ),
  };
  const list = (id: number, items: string): unknown[] => optional({ type: 'array', items, 'element-id': id });
  const file = {
    type: 'record',
    name: 'r2',
    fields: [
      field(134, 'content', 'int'),
      field(100, 'file_path', 'string'),
      field(101, 'file_format', 'string'),
      field(102, 'partition', partition),
      field(103, 'record_count', 'long'),
      field(104, 'file_size_in_bytes', 'long'),
      intMap('column_sizes', 108, 117, 118, 'long'),
      intMap('value_counts', 109, 119, 120, 'long'),
      intMap('null_value_counts', 110, 121, 122, 'long'),
      intMap('nan_value_counts', 137, 138, 139, 'long'),
      intMap('lower_bounds', 125, 126, 127, 'bytes'),
      intMap('upper_bounds', 128, 129, 130, 'bytes'),
      field(131, 'key_metadata', optional('bytes')),
      field(132, 'split_offsets', list(133, 'long')),
      field(135, 'equality_ids', list(136, 'int')),
      field(140, 'sort_order_id', optional('int')),
    ],
  };
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      field(0, 'status', 'int'),
      field(1, 'snapshot_id', optional('long')),
      field(3, 'sequence_number', optional('long')),
      field(4, 'file_sequence_number', optional('long')),
      field(2, 'data_file', file),
    ],
  };
}
