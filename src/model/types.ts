/** zod types that carry a logical type: what plain zod types can't say. */
import Big from 'big.js';
import { z } from 'zod';
import type { LogicalType } from './value.ts';

/** Key under which a zod type's metadata names its logical type. */
export const logicalTypeKey = 'logicalType';

function typed<T extends z.ZodType>(schema: T, type: LogicalType): T {
  return schema.meta({ [logicalTypeKey]: type });
}

/** A rule for one cell: takes what was sent, gives what is stored, or a sentence on what was expected. */
function cell<Out>(
  type: LogicalType,
  convert: (value: unknown) => Out | undefined,
  expected: string,
): z.ZodType<Out> {
  const schema = z.unknown().transform((value, context): Out => {
    const converted = convert(value);
    if (converted !== undefined) return converted;
    context.issues.push({ code: 'custom', message: `expected ${expected}`, input: value });
    return z.NEVER;
  });
  const given = typed(schema, type);
  converters.set(given, convert);
  return given;
}

const converters = new WeakMap<z.ZodType, (value: unknown) => unknown>();

/** The rule of one of this module's types, which zod would call in the end; `undefined` for any other zod type. */
export function converterOf(schema: z.ZodType): ((value: unknown) => unknown) | undefined {
  return converters.get(schema);
}

const plainDecimal = /^(-?)0*(\d+)(?:\.(\d+?)0*)?$/;
const exponentDecimal = /^-?\d+(\.\d+)?[eE][+-]?\d{1,3}$/;
/** Longer texts are not looked at: no decimal of 38 digits needs as many, and the pattern would take a square of their length. */
const maxDecimalLength = 100;

/**
 * An exact decimal of `precision` digits, `scale` of them after the point (1 to 38). Takes strings, numbers and bigints; gives
 * a string. A value with more digits than declared is invalid; it is never rounded.
 *
 * @example
 * ```ts
 * z.object({ price: decimal(15, 2) }).parse({ price: '12.5' }); // { price: '12.5' }
 * ```
 */
export function decimal(precision: number, scale: number): z.ZodType<string> {
  if (
    !Number.isInteger(precision) ||
    precision < 1 ||
    precision > 38 ||
    !(scale >= 0 && scale <= precision)
  ) {
    throw new TypeError(`decimal(${precision},${scale}): precision is 1 to 38 and scale 0 to precision`);
  }
  const wholeDigits = precision - scale;
  const convert = (value: unknown): string | undefined => {
    let text: string;
    if (typeof value === 'string') text = value;
    else if (typeof value === 'number' && Number.isFinite(value)) text = String(value);
    else if (typeof value === 'bigint') text = value.toString();
    else return undefined;
    if (text.length > maxDecimalLength) return undefined;
    if (exponentDecimal.test(text)) text = new Big(text).toFixed();
    const match = text.length > maxDecimalLength ? null : plainDecimal.exec(text);
    if (!match) return undefined;
    const whole = match[2] as string;
    const fraction = match[3] ?? '';
    if (whole !== '0' && whole.length > wholeDigits) return undefined;
    if (fraction === '0' || fraction === '') return whole === '0' ? '0' : `${match[1]}${whole}`;
    if (fraction.length > scale) return undefined;
    return `${match[1]}${whole}.${fraction}`;
  };
  return cell(
    `decimal(${precision},${scale})`,
    convert,
    `a decimal of at most ${precision} digits, ${scale} after the point`,
  );
}

/** A 64-bit integer: a `number` when safe, else a `bigint`. */
export function int64(): z.ZodType<number | bigint> {
  return cell(
    'int64',
    (value) => {
      if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : undefined;
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) return undefined;
      return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
    },
    'a 64-bit integer',
  );
}

/** zod's days without those of the year 0, which SQL does not have: what reads the tables fails at one, or calls it 1 BC. */
const day = new RegExp(`(?!0000)${z.regexes.date.source}`);
/** The types do not offer the pattern; a check beside it would be no short way for the usual row. */
const dayOf = z.iso.date as (rule: { readonly pattern: RegExp }) => z.ZodISODate;

/** A calendar day, `YYYY-MM-DD`, years 0001 to 9999. */
export function date(): z.ZodType<string, string> {
  return typed(dayOf({ pattern: day }), 'date');
}

/** A time of day, `HH:MM:SS` with up to six digits of a second. */
export function time(): z.ZodType<string, string> {
  return typed(
    z.string().regex(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$/, 'expected a time HH:MM:SS[.ffffff]'),
    'time',
  );
}

const timestampForm =
  /^(\d{4})-(\d\d)-(\d\d)[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6})0*)?)?(Z|z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)$/;

/**
 * An instant: ISO 8601 with a time zone, or a `Date`. Gives UTC with exactly six digits of a second
 * (`2026-11-23T07:00:00.000000Z`), so that text order is time order. Finer fractions are invalid, not rounded.
 */
export function timestamp(): z.ZodType<string> {
  return cell('timestamp', toTimestamp, 'an ISO 8601 timestamp with a time zone');
}

/** `value` as a timestamp in UTC with six fraction digits, or `undefined`. */
export function toTimestamp(value: unknown): string | undefined {
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? undefined : toTimestamp(value.toISOString());
  }
  if (typeof value !== 'string') return undefined;
  const match = timestampForm.exec(value);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone] = match as unknown as string[];
  const utc = new Date(0);
  utc.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (utc.getUTCDate() !== Number(day) || utc.getUTCMonth() !== Number(month) - 1) return undefined;
  utc.setUTCHours(Number(hour), Number(minute) - offsetMinutes(zone as string), Number(second));
  const utcYear = utc.getUTCFullYear();
  if (utcYear < 1 || utcYear > 9999) return undefined;
  return `${utc.toISOString().slice(0, 19)}.${fraction.padEnd(6, '0')}Z`;
}

function offsetMinutes(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0;
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return zone.startsWith('-') ? -minutes : minutes;
}

/** Any JSON value, kept as it is in one column. Also where a nested object should not become columns. */
export function json(): z.ZodType {
  return typed(z.unknown(), 'json');
}

/** Bytes. */
export function binary(): z.ZodType<Uint8Array, Uint8Array> {
  return typed(z.instanceof(Uint8Array), 'binary');
}

/** A UUID in its usual form; given in lower case. */
export function uuid(): z.ZodType<string, string> {
  return typed(
    z.guid().transform((text) => text.toLowerCase()),
    'uuid',
  );
}
