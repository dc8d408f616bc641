/** Cursor arithmetic: the larger of two, and the start of the next read. */
import Big from 'big.js';
import { decimalShape, toTimestamp } from '../model/index.ts';
import type { CursorOptions, JsonValue, LogicalType, Value } from '../model/index.ts';

/** Whether cursor value `a` lies after `b`, by the column's type. */
export function isAfter(a: JsonValue, b: JsonValue, type: LogicalType): boolean {
  if (decimalShape(type)) return new Big(a as string).gt(new Big(b as string));
  return (a as string | number | bigint) > (b as string | number | bigint);
}

/**
 * Follows the largest cursor value of the rows of one partition.
 *
 * `ceiling` is the moment of the run, in the form of the column: a row that is dated ahead moves the cursor there and not further,
 * or later runs would begin after rows that are yet to come.
 */
export class CursorTracker {
  readonly #type: LogicalType;
  readonly #ceiling: JsonValue | undefined;
  #largest: JsonValue | undefined;

  constructor(type: LogicalType, start?: JsonValue, ceiling?: JsonValue) {
    this.#type = type;
    this.#ceiling = ceiling;
    this.#largest = start;
  }

  /** Takes the cursor value of one row; rows without one are ignored. */
  takeRow(value: Value | undefined): void {
    if (value === null || value === undefined || value instanceof Uint8Array) return;
    this.take(notAhead(value, this.#ceiling, this.#type));
  }

  /** Takes a cursor that the source gives itself. */
  take(value: JsonValue): void {
    if (this.#largest === undefined || isAfter(value, this.#largest, this.#type)) this.#largest = value;
  }

  /** The largest value so far; `undefined` when no row had one. */
  get value(): JsonValue | undefined {
    return this.#largest;
  }
}

/** The moment of a run in the form of a cursor; `undefined` for cursors that are no time. */
export function momentOf(type: LogicalType, day: string, now: Date): JsonValue | undefined {
  if (type === 'date') return day;
  return type === 'timestamp' ? toTimestamp(now) : undefined;
}

/** The earlier of a cursor and the moment of the run. What a source gives as a cursor may be in another form, or no time at all. */
export function notAhead(cursor: JsonValue, ceiling: JsonValue | undefined, type: LogicalType): JsonValue {
  if (ceiling === undefined) return cursor;
  const moment = type === 'date' ? dayOf(cursor) : toTimestamp(cursor);
  return moment !== undefined && isAfter(moment, ceiling, type) ? ceiling : cursor;
}

function dayOf(cursor: JsonValue): JsonValue | undefined {
  return typeof cursor === 'string' && /^\d{4}-\d\d-\d\d$/.test(cursor) ? cursor : undefined;
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
