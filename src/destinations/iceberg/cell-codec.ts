/** Logical types in Iceberg: the column type, and the exact way in and out. */
import type { Cell, PrimitiveType } from '../../iceberg/types.ts';
import { decimalShape, toTimestamp } from '../../model/index.ts';
import type { LogicalType, Value } from '../../model/index.ts';
import { decodeJson, encodeJson } from '../../model/json-text.ts';

type Present = Exclude<Cell, null>;

/** How values of one logical type are stored. Neither direction is given a NULL. */
export interface CellCodec {
  readonly icebergType: PrimitiveType;
  /** What a value must be, as words for an error. */
  readonly expected: string;
  /** The stored form; `undefined` when the value does not fit. */
  readonly encode: (value: Value) => Present | undefined;
  /** The value again. Absent: the stored form is the value. */
  readonly decode?: (cell: Present) => Value;
}

const uuidForm = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

const codecs = new Map<string, CellCodec>(
  Object.entries({
    string: {
      icebergType: 'string',
      expected: 'a text without half characters (lone surrogates)',
      encode: (value) => (typeof value === 'string' && value.isWellFormed() ? value : undefined),
    },
    boolean: {
      icebergType: 'boolean',
      expected: 'true or false',
      encode: (value) => (typeof value === 'boolean' ? value : undefined),
    },
    int64: {
      icebergType: 'long',
      expected: 'a 64-bit integer',
      encode(value) {
        if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
        return typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? value : undefined;
      },
      decode: (cell) => narrow(cell as bigint),
    },
    float64: {
      icebergType: 'double',
      expected: 'a number',
      encode(value) {
        if (typeof value === 'number') return value;
        return typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : undefined;
      },
    },
    date: {
      icebergType: 'date',
      expected: 'a date YYYY-MM-DD',
      encode: (value) => (typeof value === 'string' ? daysOf(value) : undefined),
      decode: (cell) => dateOf(cell as number),
    },
    time: {
      icebergType: 'time',
      expected: 'a time HH:MM:SS[.ffffff]',
      encode: (value) => (typeof value === 'string' ? microsOfTime(value) : undefined),
      decode: (cell) => timeOf(cell as bigint),
    },
    timestamp: {
      icebergType: 'timestamptz',
      expected: 'an ISO 8601 timestamp with a time zone',
      encode: microsOf,
      decode: (cell) => timestampOf(cell as bigint),
    },
    uuid: {
      icebergType: 'uuid',
      expected: 'a UUID',
      encode: (value) =>
        typeof value === 'string' && uuidForm.test(value) ? value.toLowerCase() : undefined,
    },
    json: {
      icebergType: 'string',
      expected: 'a JSON value without NaN, Infinity and half characters',
      encode(value) {
        const text = encodeJson(value);
        return text?.isWellFormed() ? text : undefined;
      },
      decode: (cell) => decodeJson(cell as string),
    },
    binary: {
      icebergType: 'binary',
      expected: 'bytes',
      encode: (value) => (value instanceof Uint8Array ? value : undefined),
    },
  } satisfies Record<Exclude<LogicalType, `decimal(${string}`>, CellCodec>),
);

/** The codec of a logical type. */
export function codecOf(type: LogicalType): CellCodec {
  let codec = codecs.get(type);
  if (!codec) {
    codec = decimalCodec(type);
    codecs.set(type, codec);
  }
  return codec;
}

/** The logical type that holds the values of a column which another program has made; `undefined` for nested ones. */
export function logicalTypeOf(type: PrimitiveType): LogicalType {
  const decimal = /^decimal\((\d+), ?(\d+)\)$/.exec(type);
  if (decimal) return `decimal(${Number(decimal[1])},${Number(decimal[2])})`;
  switch (type) {
    case 'int':
    case 'long':
      return 'int64';
    case 'float':
    case 'double':
      return 'float64';
    case 'timestamp':
    case 'timestamptz':
      return 'timestamp';
    case 'boolean':
    case 'date':
    case 'time':
    case 'uuid':
    case 'string':
      return type;
    default:
      return 'binary';
  }
}

function decimalCodec(type: LogicalType): CellCodec {
  const shape = decimalShape(type);
  if (!shape) throw new TypeError(`"${type}" is not a logical type`);
  const { precision, scale } = shape;
  const limit = 10n ** BigInt(precision);
  return {
    icebergType: `decimal(${precision}, ${scale})`,
    expected: `a decimal of at most ${precision} digits, ${scale} after the point`,
    encode(value) {
      const unscaled = unscaledOf(value, scale);
      return unscaled !== undefined && unscaled < limit && unscaled > -limit ? unscaled : undefined;
    },
    decode: (cell) => decimalText(cell as bigint, scale),
  };
}

const decimalForm = /^(-?)0*(\d+?)(?:\.(?=\d)(\d*?)0*)?$/;
/** Longer texts are not looked at: no decimal of 38 digits needs as many. */
const maxDecimalLength = 100;

function unscaledOf(value: Value, scale: number): bigint | undefined {
  if (typeof value === 'bigint') return value * 10n ** BigInt(scale);
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? BigInt(value) * 10n ** BigInt(scale) : undefined;
  }
  if (typeof value !== 'string' || value.length > maxDecimalLength) return undefined;
  const match = decimalForm.exec(value);
  if (!match) return undefined;
  const [, minus, whole, fraction = ''] = match as unknown as [string, string, string, string | undefined];
  if (fraction.length > scale) return undefined;
  const digits = BigInt(`${whole}${fraction.padEnd(scale, '0')}`);
  return minus === '-' ? -digits : digits;
}

function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const isNegative = unscaled < 0n;
  const digits = (isNegative ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  return `${isNegative ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const dayMs = 86_400_000;
/** The same few days come again and again. */
const knownDays = new Map<string, number>();
const maxKnownDays = 10_000;

function daysOf(text: string): number | undefined {
  const known = knownDays.get(text);
  if (known !== undefined) return known;
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) return undefined;
  if (knownDays.size >= maxKnownDays) knownDays.clear();
  const days = ms / dayMs;
  knownDays.set(text, days);
  return days;
}

function dateOf(days: number): string {
  return new Date(days * dayMs).toISOString().slice(0, 10);
}

const timeForm = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?$/;

function microsOfTime(text: string): bigint | undefined {
  const match = timeForm.exec(text);
  if (!match) return undefined;
  const [, hour, minute, second, fraction = ''] = match;
  const seconds = Number(hour) * 3_600 + Number(minute) * 60 + Number(second);
  return BigInt(seconds * 1_000_000 + Number(fraction.padEnd(6, '0')));
}

function timeOf(micros: bigint): string {
  const total = Number(micros);
  const text = new Date(Math.floor(total / 1_000)).toISOString().slice(11, 19);
  const fraction = total % 1_000_000;
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(6, '0')}`;
}

const utcForm = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;

function microsOf(value: Value): bigint | undefined {
  const text = typeof value === 'string' && utcForm.test(value) ? value : toTimestamp(value);
  const days = text === undefined ? undefined : daysOf(text.slice(0, 10));
  if (text === undefined || days === undefined) return undefined;
  const seconds =
    days * 86_400 +
    Number(text.slice(11, 13)) * 3_600 +
    Number(text.slice(14, 16)) * 60 +
    Number(text.slice(17, 19));
  const micros = seconds * 1_000_000 + Number(text.slice(20, 26));
  // Exact up to the year 2255; beyond, a double has not enough digits.
  return Number.isSafeInteger(micros)
    ? BigInt(micros)
    : BigInt(seconds) * 1_000_000n + BigInt(text.slice(20, 26));
}

function timestampOf(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = Number((micros - fraction) / 1_000n);
  return `${new Date(seconds).toISOString().slice(0, 19)}.${String(fraction).padStart(6, '0')}Z`;
}
