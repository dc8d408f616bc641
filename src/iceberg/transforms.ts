/** Partition transforms (Iceberg specification, "Partition Transforms" and appendix B). */
import { PlumbingError } from '../errors/index.ts';
import { bigIntBytes, uuidBytes } from './single-value.ts';
import { decimalOf } from './types.ts';
import type { Cell, PrimitiveType } from './types.ts';

/** A transform of one source type. */
export interface Transform {
  /** What the partition holds; the type of its values. */
  readonly resultType: PrimitiveType;
  /** The partition value of a cell; null stays null. */
  readonly apply: (value: Cell) => Cell;
}

const microsPerHour = 3_600_000_000n;
const microsPerDay = 24n * microsPerHour;
const hashable = /^(int|long|date|time|timestamp|timestamptz|string|uuid|binary|fixed.*|decimal.*)$/;
const truncatable = /^(int|long|string|binary|decimal.*)$/;

/**
 * The transform of the given name, e.g. `bucket[16]`, for columns of `type`.
 *
 * @throws PlumbingError `SCHEMA_INVALID` for a transform that is unknown, or that does not take the type.
 */
export function transformOf(name: string, type: PrimitiveType): Transform {
  const [, kind = name, parameter] = /^(bucket|truncate)\[(\d+)\]$/.exec(name) ?? [];
  const width = Number(parameter);
  const isTime = type === 'timestamp' || type === 'timestamptz';
  if (kind === 'identity') return { resultType: type, apply: (value) => value };
  if (kind === 'void') return { resultType: type, apply: () => null };
  if (kind === 'bucket' && width > 0 && hashable.test(type)) {
    return transform('int', (value) => (hashOf(type, value) & 0x7fffffff) % width);
  }
  if (kind === 'truncate' && width > 0 && truncatable.test(type)) {
    return transform(type, (value) => truncate(type, value, width));
  }
  if ((kind === 'year' || kind === 'month' || kind === 'day') && (isTime || type === 'date')) {
    const days = (value: Exclude<Cell, null>): number =>
      isTime ? Number(floorDivide(value as bigint, microsPerDay)) : Number(value);
    if (kind === 'day') return transform('date', days);
    return transform('int', (value) => {
      const day = new Date(days(value) * 86_400_000);
      const years = day.getUTCFullYear() - 1970;
      return kind === 'year' ? years : years * 12 + day.getUTCMonth();
    });
  }
  if (kind === 'hour' && isTime)
    return transform('int', (value) => Number(floorDivide(value as bigint, microsPerHour)));
  throw new PlumbingError(
    'SCHEMA_INVALID',
    `partition transform "${name}" does not take values of type ${type}`,
  );
}

function transform(resultType: PrimitiveType, apply: (value: Exclude<Cell, null>) => Cell): Transform {
  return { resultType, apply: (value) => (value === null ? null : apply(value)) };
}

function truncate(type: PrimitiveType, value: Exclude<Cell, null>, width: number): Cell {
  if (typeof value === 'string') return Array.from(value).slice(0, width).join('');
  if (value instanceof Uint8Array) return value.subarray(0, width);
  if (type === 'int') {
    const number = Number(value);
    return number - (((number % width) + width) % width);
  }
  const long = value as bigint;
  return floorDivide(long, BigInt(width)) * BigInt(width);
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n ? quotient - 1n : quotient;
}

/** The hash that `bucket` is made of: integers, dates and times as a long, so that a promoted column keeps its buckets. */
function hashOf(type: PrimitiveType, value: Exclude<Cell, null>): number {
  if (typeof value === 'string')
    return murmur3(type === 'uuid' ? uuidBytes(value) : new TextEncoder().encode(value));
  if (value instanceof Uint8Array) return murmur3(value);
  if (decimalOf(type)) return murmur3(bigIntBytes(value as bigint));
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigInt64(0, BigInt(value as number | bigint), true);
  return murmur3(new Uint8Array(bytes.buffer));
}

/** MurmurHash3, x86, 32 bits, seed 0. */
function murmur3(bytes: Uint8Array): number {
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  let hash = 0;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    hash ^= scramble(view.getUint32(i, true));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let j = length - 1; j >= i; j--) tail = (tail << 8) | (bytes[j] as number);
  if (i < length) hash ^= scramble(tail);
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function scramble(k: number): number {
  const mixed = Math.imul(k, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
