/** Values as they travel from a source to a destination, and their logical types. */

/** Any value that JSON can hold; 64-bit integers beyond 2^53 are `bigint`. */
export type JsonValue =
  null | string | number | bigint | boolean | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: JsonValue };

/**
 * One cell. By logical type: `decimal` is a string (`"-52.50"`), `int64` a number when safe and a `bigint` otherwise,
 * `date` is `YYYY-MM-DD`, `time` is `HH:MM:SS[.ffffff]`, `timestamp` is ISO 8601 in UTC, `json` the parsed value,
 * `binary` a `Uint8Array`, `uuid` a lower-case string.
 */
export type Value = JsonValue | Uint8Array;

/** One row, its cells in the order of the table's columns; a missing tail means NULL. */
export type Row = readonly (Value | undefined)[];

/** The type of a column, independent of any destination. `decimal(p,s)` has 1 to 38 digits. */
export type LogicalType =
  | 'string'
  | 'boolean'
  | 'int64'
  | 'float64'
  | `decimal(${number},${number})`
  | 'date'
  | 'time'
  | 'timestamp'
  | 'json'
  | 'binary'
  | 'uuid';

/** Precision and scale of a `decimal(p,s)`, or `undefined` for any other type. */
export function decimalShape(
  type: LogicalType,
): { readonly precision: number; readonly scale: number } | undefined {
  const match = /^decimal\((\d+),(\d+)\)$/.exec(type);
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined;
}

/** A JSON text of `value` in which `bigint` keeps all its digits. */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, keepDigits) ?? 'null';
}

// Node 22 has JSON.rawJSON; the ES2024 library types do not name it yet.
const { rawJSON: rawJson } = JSON as unknown as { rawJSON: (text: string) => unknown };

function keepDigits(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return rawJson(value.toString());
  return value;
}
