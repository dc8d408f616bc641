/** Cursor arithmetic: the larger of two, and the start of the next read. */
import Big from 'big.js';
import { decimalShape } from '../model/index.ts';
import type { CursorOptions, JsonValue, LogicalType, Value } from '../model/index.ts';

/** Whether cursor value `a` lies after `b`, by the column's type. */
export function isAfter(a: JsonValue, b: JsonValue, type: LogicalType): boolean {
  if (decimalShape(type)) return new Big(a as string).gt(new Big(b as string));
  return (a as string | number | bigint) > (b as string | number | bigint);
}

/** Follows the largest cursor value of the rows of one partition. */
export class CursorTracker {
  readonly #type: LogicalType;
  #largest: JsonValue | undefined;

  constructor(type: LogicalType, start?: JsonValue) {
    this.#type = type;
    this.#largest = start;
  }

  /** Takes the cursor value of one row; rows without one are ignored. */
  take(value: Value | undefined): void {
    if (value === null || value === undefined || value instanceof Uint8Array) return;
    if (this.#largest === undefined || isAfter(value, this.#largest, this.#type)) this.#largest = value;
  }

  /** The largest value so far; `undefined` when no row had one. */
  get value(): JsonValue | undefined {
    return this.#largest;
  }
}

const dayMs = 86_400_000;

/** Where the next read begins, inclusive: the cursor less the lookback. */
export function startAfter(cursor: JsonValue, type: LogicalType, options: CursorOptions): JsonValue {
  const lookback = options.lookback ?? 0;
  if (lookback === 0) return cursor;
  if (typeof cursor === 'number') return cursor - lookback;
  if (typeof cursor === 'bigint') return cursor - BigInt(Math.ceil(lookback));
  if (typeof cursor !== 'string') return cursor;
  if (decimalShape(type)) return new Big(cursor).minus(lookback).toFixed();
  const startMs = Date.parse(cursor) - lookback * dayMs;
  if (Number.isNaN(startMs)) return cursor;
  if (type === 'date') return new Date(startMs).toISOString().slice(0, 10);
  return type === 'timestamp' ? new Date(startMs).toISOString() : cursor;
}
