/** JSON text that gives back exactly the value it was made from: digits of `bigint`, and which numbers were `bigint`. */
import { isPlainObject } from './plain.ts';
import type { JsonValue } from './value.ts';

// Node 22 has both; the ES2024 library types do not name them yet.
const { rawJSON: rawJson } = JSON as unknown as { rawJSON: (text: string) => unknown };
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/**
 * `value` as JSON text, a `Date` as its ISO text, an object of a class as its `toJSON` gives it; `undefined` when it holds
 * what JSON can't: NaN, Infinity, bytes, a `Map`, a function, an object in a circle.
 */
export function encodeJson(value: unknown): string | undefined {
  if (holdsNoNumber(value)) return JSON.stringify(value);
  let isExact = true;
  function exact(this: Record<string, unknown>, key: string, item: unknown): unknown {
    if (typeof item === 'string' || typeof item === 'boolean') return item;
    if (typeof item === 'bigint') return rawJson(item.toString());
    if (typeof item === 'number') {
      if (!Number.isFinite(item)) isExact = false;
      else if (Object.is(item, -0)) return rawJson('-0');
      // An exponent tells a large number from a bigint of the same digits.
      else if (Number.isInteger(item) && !Number.isSafeInteger(item)) return rawJson(item.toExponential());
    } else if (!isJsonItem(item, this, key)) isExact = false;
    // What is refused need not be walked through.
    return isExact ? item : null;
  }
  try {
    const text = JSON.stringify(value, exact);
    return isExact ? (text ?? 'null') : undefined;
  } catch {
    // A circle, more levels than the stack has, a toJSON that fails.
    return undefined;
  }
}

/** Whether JSON can say `item`, which is no text, number or boolean and what `holder[key]` says of itself. */
function isJsonItem(item: unknown, holder: Record<string, unknown>, key: string): boolean {
  // A date that is none says null.
  if (item === null || item === undefined) return holder[key] === item;
  if (typeof item !== 'object') return false;
  // Bytes in a Buffer call themselves an object with a list.
  return (Array.isArray(item) || isPlainObject(item)) && !ArrayBuffer.isView(holder[key]);
}

/** Whether JSON can say `value`. */
export function isJson(value: unknown): boolean {
  return holdsNoNumber(value) || encodeJson(value) !== undefined;
}

/** Whether a value is surely made of texts, a list of them perhaps: then there is nothing to keep exact. */
function holdsNoNumber(value: unknown): boolean {
  if (typeof value === 'string') return true;
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

const longDigits = /\d{16}/;
const integer = /^-?\d+$/;

/** The value of {@link encodeJson}'s text. */
export function decodeJson(text: string): JsonValue {
  if (!longDigits.test(text)) return JSON.parse(text) as JsonValue;
  return parseWithSource(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined || Number.isSafeInteger(value)) return value;
    return integer.test(source) ? BigInt(source) : value;
  }) as JsonValue;
}
