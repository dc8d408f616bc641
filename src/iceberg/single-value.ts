/** One value as bytes, the way bounds and partition summaries hold it (Iceberg specification, appendix D). */
import { decimalOf, fixedLengthOf } from './types.ts';
import type { Cell, PrimitiveType } from './types.ts';
import { textOfUtf8 } from './utf8.ts';

/** The bytes of a value that is not null. NaN has none, as no bound may be one. */
export function encodeSingleValue(type: PrimitiveType, value: Exclude<Cell, null>): Uint8Array | undefined {
  switch (type) {
    case 'boolean':
      return Uint8Array.of(value === true ? 1 : 0);
    case 'int':
    case 'date': {
      const bytes = new DataView(new ArrayBuffer(4));
      bytes.setInt32(0, Number(value), true);
      return new Uint8Array(bytes.buffer);
    }
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz': {
      const bytes = new DataView(new ArrayBuffer(8));
      bytes.setBigInt64(0, value as bigint, true);
      return new Uint8Array(bytes.buffer);
    }
    case 'float':
    case 'double': {
      if (Number.isNaN(value)) return undefined;
      const bytes = new DataView(new ArrayBuffer(type === 'float' ? 4 : 8));
      if (type === 'float') bytes.setFloat32(0, Number(value), true);
      else bytes.setFloat64(0, Number(value), true);
      return new Uint8Array(bytes.buffer);
    }
    case 'string':
      return new TextEncoder().encode(String(value));
    case 'uuid':
      return uuidBytes(String(value));
    default:
      if (decimalOf(type)) return bigIntBytes(value as bigint);
      return value as Uint8Array;
  }
}

/** The value of the bytes; `undefined` for a type that this version does not know, or bytes of a wrong length. */
export function decodeSingleValue(type: PrimitiveType, bytes: Uint8Array): Exclude<Cell, null> | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { byteLength } = bytes;
  switch (type) {
    case 'boolean':
      return byteLength === 1 ? bytes[0] !== 0 : undefined;
    case 'int':
    case 'date':
      return byteLength === 4 ? view.getInt32(0, true) : undefined;
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      // Files that are older than the promotion of an int to a long hold four bytes.
      if (byteLength === 4) return BigInt(view.getInt32(0, true));
      return byteLength === 8 ? view.getBigInt64(0, true) : undefined;
    case 'float':
      return byteLength === 4 ? view.getFloat32(0, true) : undefined;
    case 'double':
      if (byteLength === 4) return view.getFloat32(0, true);
      return byteLength === 8 ? view.getFloat64(0, true) : undefined;
    case 'string':
      return textOfUtf8(bytes);
    case 'uuid':
      return byteLength === 16 ? uuidText(bytes) : undefined;
    case 'binary':
      return bytes;
    default:
      if (decimalOf(type)) return bigIntOf(bytes);
      return fixedLengthOf(type) === byteLength ? bytes : undefined;
  }
}

/** Two's complement, big-endian, in as few bytes as hold the value (at least `width`). */
export function bigIntBytes(value: bigint, width = 1): Uint8Array {
  let length = width;
  while (BigInt.asIntN(8 * length, value) !== value) length++;
  const bytes = new Uint8Array(length);
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(BigInt.asUintN(8, rest));
    rest >>= 8n;
  }
  return bytes;
}

/** The integer of big-endian two's complement bytes. */
export function bigIntOf(bytes: Uint8Array): bigint {
  if (bytes.byteLength === 0) return 0n;
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return BigInt.asIntN(8 * bytes.byteLength, BigInt(`0x${hex}`));
}

/** The 16 bytes of a UUID's text. */
export function uuidBytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll('-', ''), 'hex'));
}

/** The text of a UUID's bytes, in lower case. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
