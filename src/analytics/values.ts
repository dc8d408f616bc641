/** Values on their way into DuckDB and out of it. Both sides know the logical types; nothing is rounded in between. */
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { isWideDecimal } from '../destinations/sqlite/codec.ts';
import { decimalShape } from '../model/index.ts';
import type { LogicalType, Value } from '../model/index.ts';
import type { DuckDb } from './duckdb.ts';
import type { Cell } from './row-batches.ts';

/** How a logical type looks in DuckDB. */
export interface DuckColumn {
  readonly type: DuckDBType;
  /** Takes a value that is not null. */
  readonly toDuck: (value: Value) => DuckDBValue;
  /** The same from what this library stores for the value, where that is quicker than to decode it first. */
  readonly fromCell?: (cell: Exclude<Cell, null>) => DuckDBValue;
  /** Where what is stored can also be read out of many values in one text, separated by commas. */
  readonly packing?: Packing;
}

/** How a cell is written into such a text, and read again. NULL is nothing between two commas. */
export interface Packing {
  /** The SQL expression, of that for the cell. */
  readonly sql: (cell: string) => string;
  readonly read: (text: string, from: number, to: number) => DuckDBValue;
}

/** Days of a year that begins in March before each month. Index 1 is January. */
const daysBefore = [Number.NaN, 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];
/** From 1 March of the year 0, less one as days of a month count from 1. */
const daysToEpoch = 719_469;
/** The character code of `-`. */
const minus = 45;

/** The DuckDB type of a logical one, and the way into it. JSON is text, on which DuckDB's JSON functions work. */
export function duckColumn(duck: DuckDb, type: LogicalType): DuckColumn {
  switch (type) {
    case 'boolean':
      return { type: duck.BOOLEAN, toDuck: Boolean };
    case 'int64':
      return {
        type: duck.BIGINT,
        toDuck: (value) => BigInt(value as number),
        fromCell: (cell) => cell as bigint,
        packing: { sql: (cell) => numberOnly(cell, cell), read: bigintOf },
      };
    case 'float64':
      return { type: duck.DOUBLE, toDuck: Number };
    case 'date':
      return {
        type: duck.DATE,
        toDuck: (value) => new duck.DuckDBDateValue(daysOf(value as string, 0, (value as string).length)),
        packing: {
          sql: (cell) => cell,
          read: (text, from, to) => new duck.DuckDBDateValue(daysOf(text, from, to)),
        },
      };
    case 'time':
      return { type: duck.TIME, toDuck: (value) => new duck.DuckDBTimeValue(microsOfDay(value as string)) };
    case 'timestamp':
      return {
        type: duck.TIMESTAMPTZ,
        toDuck: (value) => new duck.DuckDBTimestampTZValue(microsOf(value as string)),
      };
    case 'uuid':
      return {
        type: duck.UUID,
        toDuck: (value) =>
          duck.DuckDBUUIDValue.fromUint128(BigInt(`0x${(value as string).replaceAll('-', '')}`)),
      };
    case 'binary':
      return { type: duck.BLOB, toDuck: (value) => new duck.DuckDBBlobValue(value as Uint8Array) };
    case 'json':
      return {
        type: duck.DuckDBVarCharType.create('JSON'),
        toDuck: (value) => value as string,
        fromCell: String,
      };
    default:
      return decimalColumn(duck, type) ?? { type: duck.VARCHAR, toDuck: (value) => value as string };
  }
}

function decimalColumn(duck: DuckDb, type: LogicalType): DuckColumn | undefined {
  const shape = decimalShape(type);
  if (!shape) return undefined;
  const { precision, scale } = shape;
  // All digits of the scale are there.
  const fromDigits = (text: unknown): DuckDBValue =>
    new duck.DuckDBDecimalValue(BigInt((text as string).replace('.', '')), precision, scale);
  const column = {
    type: duck.DECIMAL(precision, scale),
    toDuck: fromDigits as DuckColumn['toDuck'],
  };
  // Wider ones are stored as text.
  if (isWideDecimal(type)) return column;
  // The double and the product are each off by at most 2^-53 of the value: together by less than a quarter of a unit
  // with 15 digits, so that rounding gives the very digits.
  const factor = 10 ** scale;
  return {
    ...column,
    fromCell: (cell) =>
      typeof cell === 'number' || typeof cell === 'bigint'
        ? new duck.DuckDBDecimalValue(within(Math.round(Number(cell) * factor), precision), precision, scale)
        : fromDigits(cell),
    packing: {
      // Texts and bytes, which another program may have put there, come after all numbers.
      sql: (cell) =>
        `CASE WHEN ${cell} >= '' THEN 'text' ELSE CAST(round(${cell} * ${factor}) AS INTEGER) END`,
      read: (text, from, to) =>
        new duck.DuckDBDecimalValue(digitsOf(text, from, to, precision), precision, scale),
    },
  };
}

/** SQL for a number. Texts and bytes, which another program may have put there, are above all numbers. */
function numberOnly(cell: string, sql: string): string {
  return `CASE WHEN ${cell} >= '' THEN 'no number' ELSE ${sql} END`;
}

/** The units of a decimal; SQLite itself does not hold a column to its digits. */
function within(units: number, precision: number): bigint {
  if (!(Math.abs(units) < 10 ** precision)) throw new RangeError('more digits than the column has');
  return BigInt(units);
}

function digitsOf(text: string, from: number, to: number, precision: number): bigint {
  const length = text.charCodeAt(from) === minus ? to - from - 1 : to - from;
  if (length > precision) throw new RangeError('more digits than the column has');
  return bigintOf(text, from, to);
}

/** Of `YYYY-MM-DD` in a text. `Date.parse` takes ten times as long. */
function daysOf(text: string, from: number, to: number): number {
  // Below 0 as soon as one character is no digit.
  let flaw = 0;
  const digit = (at: number): number => {
    const value = text.charCodeAt(from + at) - 48;
    flaw |= value | (9 - value);
    return value;
  };
  const year = digit(0) * 1000 + digit(1) * 100 + digit(2) * 10 + digit(3);
  const month = digit(5) * 10 + digit(6);
  // Years that begin in March: the leap day is their last.
  const years = month > 2 ? year : year - 1;
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  const day = digit(8) * 10 + digit(9);
  const isDate = to - from === 10 && flaw >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
  if (!isDate) throw new RangeError('not a date');
  return years * 365 + leapDays + (daysBefore[month] as number) + day - daysToEpoch;
}

/** Of the digits of an integer in a text. */
function bigintOf(text: string, from: number, to: number): bigint {
  if (to - from > 15) return BigInt(text.slice(from, to));
  const isNegative = text.charCodeAt(from) === minus;
  let number = 0;
  for (let i = isNegative ? from + 1 : from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) throw new RangeError('not an integer');
    number = number * 10 + digit;
  }
  return BigInt(isNegative ? -number : number);
}

function microsOfDay(time: string): bigint {
  const [whole = '', fraction = ''] = time.split('.');
  const [hours = 0, minutes = 0, seconds = 0] = whole.split(':').map(Number);
  return BigInt((hours * 60 + minutes) * 60 + seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

/** `2026-11-23T07:00:00.000000Z`, the one form in which timestamps are stored. */
function microsOf(timestamp: string): bigint {
  return BigInt(Date.parse(`${timestamp.slice(0, 19)}Z`)) * 1000n + BigInt(timestamp.slice(20, 26));
}

/** A value of a result: decimals as text, 64-bit integers as `number` where safe, dates and times as ISO text, nested ones as arrays and objects. */
export function fromDuck(duck: DuckDb, value: DuckDBValue): unknown {
  if (typeof value === 'bigint') return narrow(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof duck.DuckDBTimestampTZValue) return `${isoOf(value.micros)}Z`;
  if (value instanceof duck.DuckDBTimestampValue) return isoOf(value.micros);
  if (value instanceof duck.DuckDBBlobValue) return value.bytes;
  if (value instanceof duck.DuckDBListValue || value instanceof duck.DuckDBArrayValue) {
    return value.items.map((item) => fromDuck(duck, item));
  }
  if (value instanceof duck.DuckDBStructValue) {
    return Object.fromEntries(
      Object.entries(value.entries).map(([name, item]) => [name, fromDuck(duck, item)]),
    );
  }
  return value.toString();
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function isoOf(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19);
  return `${seconds}.${fraction.toString().padStart(6, '0')}`;
}

/** A parameter as DuckDB binds it. */
export function toParameter(duck: DuckDb, value: unknown): DuckDBValue {
  if (value instanceof Uint8Array) return new duck.DuckDBBlobValue(value);
  if (value instanceof Date) return new duck.DuckDBTimestampTZValue(BigInt(value.getTime()) * 1000n);
  return value === undefined ? null : (value as DuckDBValue);
}
