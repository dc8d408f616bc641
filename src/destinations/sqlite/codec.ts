/** Logical types in SQLite: the declared column type, and the exact way in and out. */
import { decimalShape, toTimestamp } from '../../model/index.ts';
import type { LogicalType, Value } from '../../model/index.ts';
import { decodeJson, encodeJson } from '../../model/json-text.ts';

/** What a statement can bind and give back. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** A row in stored form, in the order of the table's columns. */
export type SqlRow = SqlValue[];

/** How values of one logical type are stored. Neither direction is given a NULL. */
export interface Codec {
  /** The type in `CREATE TABLE`. */
  readonly sqlType: string;
  /** What a value must be, as words for an error. */
  readonly expected: string;
  /** The stored form; `undefined` when the value does not fit. */
  readonly encode: (value: Value) => SqlValue | undefined;
  /** The value again. Absent: the stored form is the value. */
  readonly decode?: (stored: SqlValue) => Value;
}

/** Node 22 binds empty bytes as NULL when no memory is behind them. */
const noBytes = new Uint8Array(new ArrayBuffer(1), 0, 0);

const dateForm = /^\d{4}-\d\d-\d\d$/;
const timeForm = /^\d\d:\d\d:\d\d(\.\d{1,6})?$/;
const timestampForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const uuidForm = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

function matching(expected: string, form: RegExp): Codec {
  return {
    sqlType: 'TEXT',
    expected,
    encode: (value) => (typeof value === 'string' && form.test(value) ? value : undefined),
  };
}

const codecs = new Map<string, Codec>(
  Object.entries({
    string: {
      sqlType: 'TEXT',
      expected: 'a text without half characters (lone surrogates)',
      encode: (value) => (typeof value === 'string' && value.isWellFormed() ? value : undefined),
    },
    boolean: {
      sqlType: 'BOOLEAN',
      expected: 'true or false',
      encode: (value) => (typeof value === 'boolean' ? Number(value) : undefined),
      decode: (stored) => Number(stored) !== 0,
    },
    int64: {
      sqlType: 'INTEGER',
      expected: 'a 64-bit integer',
      encode(value) {
        if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
        if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) return undefined;
        return narrow(value);
      },
      decode: (stored) => (typeof stored === 'bigint' ? narrow(stored) : stored),
    },
    float64: {
      sqlType: 'REAL',
      // SQLite has no NaN (it would become NULL), and keeps -0 as 0: the same number.
      expected: 'a number that is not NaN',
      encode(value) {
        if (typeof value === 'number') return Number.isNaN(value) ? undefined : value;
        return typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : undefined;
      },
      decode: Number,
    },
    date: matching('a date YYYY-MM-DD', dateForm),
    time: matching('a time HH:MM:SS[.ffffff]', timeForm),
    timestamp: {
      sqlType: 'TEXT',
      expected: 'an ISO 8601 timestamp with a time zone',
      encode: (value) =>
        typeof value === 'string' && timestampForm.test(value) ? value : toTimestamp(value),
    },
    uuid: {
      sqlType: 'TEXT',
      expected: 'a UUID',
      encode: (value) =>
        typeof value === 'string' && uuidForm.test(value) ? value.toLowerCase() : undefined,
    },
    json: {
      sqlType: 'TEXT',
      expected: 'a JSON value without NaN and Infinity',
      encode: encodeJson,
      decode: (stored) => decodeJson(String(stored)),
    },
    binary: {
      sqlType: 'BLOB',
      expected: 'bytes',
      encode(value) {
        if (!(value instanceof Uint8Array)) return undefined;
        return value.byteLength === 0 ? noBytes : value;
      },
    },
  } satisfies Record<Exclude<LogicalType, `decimal(${string}`>, Codec>),
);

/** The codec of a logical type. */
export function codecOf(type: LogicalType): Codec {
  let codec = codecs.get(type);
  if (!codec) {
    codec = decimalCodec(type);
    codecs.set(type, codec);
  }
  return codec;
}

/** Whether a type is stored as plain text, the value being the text. */
export function isPlainText(type: LogicalType): boolean {
  const codec = codecOf(type);
  return codec.sqlType === 'TEXT' && codec.decode === undefined;
}

/** Decimal digits that a REAL keeps, whatever they are (IEEE 754 binary64). */
const exactDigits = 15;

/** Whether a type is a decimal too wide for SQLite's numbers. It is stored as text, which SQL does not compare as a number. */
export function isWideDecimal(type: LogicalType): boolean {
  const shape = decimalShape(type);
  return shape !== undefined && shape.precision > exactDigits;
}

function decimalCodec(type: LogicalType): Codec {
  const shape = decimalShape(type);
  if (!shape) throw new TypeError(`"${type}" is not a logical type`);
  const { precision, scale } = shape;
  const expected = `a decimal of at most ${precision} digits, ${scale} after the point`;
  const canonical = (value: Value): string | undefined => canonicalDecimal(value, precision - scale, scale);
  if (isWideDecimal(type)) return { sqlType: 'TEXT', expected, encode: canonical };
  const whole = precision === scale ? '0' : `\\d{1,${precision - scale}}`;
  const usualForm = new RegExp(`^-?${whole}${scale === 0 ? '' : `(\\.\\d{1,${scale}})?`}$`);
  return {
    sqlType: `DECIMAL(${precision},${scale})`,
    expected,
    encode(value) {
      if (typeof value === 'string' && usualForm.test(value)) return Number(value);
      const text = canonical(value);
      return text === undefined ? undefined : Number(text);
    },
    // At most 15 digits: the nearest double gives exactly these digits back.
    decode: (stored) => (typeof stored === 'string' ? stored : Number(stored).toFixed(scale)),
  };
}

const decimalForm = /^(-?)0*(\d+?)(?:\.(?=\d)(\d*?)0*)?$/;
/** Longer texts are not looked at: no decimal of 38 digits needs as many. */
const maxDecimalLength = 100;

/** The one text of a decimal: no leading zeros, all `scale` digits after the point; `undefined` when it has more digits. */
function canonicalDecimal(value: Value, wholeDigits: number, scale: number): string | undefined {
  let text: string;
  if (typeof value === 'string') text = value;
  else if (typeof value === 'bigint') text = value.toString();
  else if (typeof value === 'number' && Number.isSafeInteger(value)) text = value.toString();
  else return undefined;
  const match = text.length > maxDecimalLength ? null : decimalForm.exec(text);
  if (!match) return undefined;
  const [, minus, whole, fraction = ''] = match as unknown as [string, string, string, string | undefined];
  if (fraction.length > scale || (whole !== '0' && whole.length > wholeDigits)) return undefined;
  const digits = scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`;
  return minus === '-' && (whole !== '0' || fraction !== '') ? `-${digits}` : digits;
}

/** A text that sorts as the number does, for the canonical text of a wide decimal. */
export function decimalSortKey(canonical: string): string {
  const isNegative = canonical.startsWith('-');
  const digits = canonical.replace('-', '').padStart(sortWidth, '0');
  if (!isNegative) return `1${digits}`;
  return `0${digits.replace(/\d/g, (digit) => String(9 - Number(digit)))}`;
}

/** 38 digits and a point. */
const sortWidth = 39;

/** A number where that is exact. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
