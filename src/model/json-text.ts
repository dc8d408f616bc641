/** JSON text that gives back exactly the value it was made from: digits of `bigint`, and which numbers were `bigint`. */
import type { JsonValue } from './value.ts';

// Node 22 has both; the ES2024 library types do not name them yet.
const { rawJSON: rawJson } = JSON as unknown as { rawJSON: (text: string) => unknown };
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/** `value` as JSON text; `undefined` when it holds a number that JSON can't (NaN, Infinity). */
export function encodeJson(value: unknown): string | undefined {
  if (holdsNoNumber(value)) return JSON.stringify(value);
  let isExact = true;
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return rawJson(item.toString());
    if (typeof item !== 'number') return item;
    if (!Number.isFinite(item)) isExact = false;
    else if (Object.is(item, -0)) return rawJson('-0');
    // An exponent tells a large number from a bigint of the same digits.
    else if (Number.isInteger(item) && !Number.isSafeInteger(item)) return rawJson(item.toExponential());
    return item;
  });
  return isExact ? (text ?? 'null') : undefined;
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
