/** Cursor arithmetic: the larger of two, and the start of the next read. */
import Big from 'big.js';
import { decimalShape, toTimestamp } from '../model/index.ts';
import type { CursorOptions, JsonValue, LogicalType, Value } from '../model/index.ts';

/** What a cursor is that has an order. */
type Digits = string | number | bigint;

/** Whether cursor value `a` lies after `b`, by the column's type. */
export function isAfter(a: JsonValue, b: JsonValue, type: LogicalType): boolean {
  const one = a as Digits;
  const other = b as Digits;
  return decimalShape(type) ? new Big(String(one)).gt(new Big(String(other))) : one > other;
}

/** The cursor column of a stream, as the table has it now. */
export interface CursorColumn {
  readonly type: LogicalType;
  /**
   * The moment of the run, in the form of the column: a row that is dated ahead moves the cursor there and not further,
   * or later runs would begin after rows that are yet to come.
   */
  readonly ceiling?: JsonValue | undefined;
}

/**
 * Follows the cursor of one partition: the largest value of its rows, and what the source says of itself. Both are kept
 * apart: rows may lie far beyond the place up to which all have been given.
 */
export class CursorTracker {
  readonly #start: JsonValue | undefined;
  #column: CursorColumn | undefined;
  #given: JsonValue | undefined;
  #largest: JsonValue | undefined;

  constructor(start: JsonValue | undefined, column: CursorColumn | undefined) {
    this.#start = start;
    this.#column = column;
  }

  /** The column has appeared, or has another type now. */
  follow(column: CursorColumn | undefined): void {
    this.#column = column;
  }

  /** Takes the cursor value of one row; rows without one are ignored. */
  takeRow(value: Value | undefined): void {
    if (!this.#column || value === null || value === undefined || value instanceof Uint8Array) return;
    const { type, ceiling } = this.#column;
    const reached = notAhead(value, ceiling, type);
    if (this.#largest === undefined || isAfter(reached, this.#largest, type)) this.#largest = reached;
  }

  /** Takes a cursor that the source gives itself: the last one counts. */
  take(value: JsonValue): void {
    this.#given = value;
  }

  /** What may be stored before the partition has been read to its end; rows count only where they come in order. */
  settled(isAscending: boolean): JsonValue | undefined {
    return this.#latest(isAscending ? this.#largest : undefined);
  }

  /** What may be stored once everything has been read; `undefined` when there is no cursor. */
  get value(): JsonValue | undefined {
    return this.#latest(this.#largest);
  }

  /** Never before the start, as far as an order is known: a token of the source has none, so its last one counts. */
  #latest(ofRows: JsonValue | undefined): JsonValue | undefined {
    const given = this.#given;
    if (!this.#column) return given ?? this.#start;
    const { type } = this.#column;
    if (given !== undefined && !isOrdered(given, type)) return given;
    let latest = this.#start;
    if (latest !== undefined && !isOrdered(latest, type) && !isText(latest, type)) {
      // A token of an earlier run. Rows say nothing of where it stands.
      if (given === undefined) return latest;
      latest = undefined;
    }
    for (const cursor of [given, ofRows]) {
      if (cursor === undefined) continue;
      if (latest === undefined || isAfter(inForm(cursor, type), inForm(latest, type), type)) latest = cursor;
    }
    return latest;
  }
}

/** Whether a cursor is one of those values of the column's type that are numbers or times, in whatever spelling. */
function isOrdered(cursor: JsonValue, type: LogicalType): boolean {
  if (type === 'date') return dayOf(cursor) !== undefined;
  if (type === 'timestamp') return toTimestamp(cursor) !== undefined;
  if (!isNumeric(type)) return false;
  if (typeof cursor === 'string') return decimalShape(type) !== undefined && /^-?\d+(\.\d+)?$/.test(cursor);
  return typeof cursor === 'number' || typeof cursor === 'bigint';
}

/** Whether a column holds texts, which may be anything, and the cursor is one of them. */
function isText(cursor: JsonValue, type: LogicalType): boolean {
  return !isNumeric(type) && type !== 'date' && type !== 'timestamp' && typeof cursor !== 'object';
}

function isNumeric(type: LogicalType): boolean {
  return type === 'int64' || type === 'float64' || decimalShape(type) !== undefined;
}

/** Timestamps in the one form that sorts as text. */
function inForm(cursor: JsonValue, type: LogicalType): JsonValue {
  return type === 'timestamp' ? (toTimestamp(cursor) ?? cursor) : cursor;
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

/** Where the next read begins, inclusive: the cursor less the lookback; a cursor that is no number and no time stays as it is. */
export function startAfter(cursor: JsonValue, type: LogicalType, options: CursorOptions): JsonValue {
  const lookback = options.lookback ?? 0;
  if (lookback === 0) return cursor;
  if (typeof cursor === 'number') return cursor - lookback;
  if (typeof cursor === 'bigint') return cursor - BigInt(Math.ceil(lookback));
  if (typeof cursor !== 'string') return cursor;
  if (decimalShape(type)) return isOrdered(cursor, type) ? new Big(cursor).minus(lookback).toFixed() : cursor;
  // A stream without a schema has its days and moments as texts.
  const isDay = type !== 'timestamp' && dayOf(cursor) !== undefined;
  if (!isDay && (type === 'date' || toTimestamp(cursor) === undefined)) return cursor;
  const startMs = Date.parse(cursor) - lookback * dayMs;
  if (Number.isNaN(startMs)) return cursor;
  const start = new Date(startMs).toISOString();
  return isDay ? start.slice(0, 10) : start;
}
