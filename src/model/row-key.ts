/** Keys for rows that have none of their own. */
import { createHash } from 'node:crypto';
import { PlumbingError } from '../errors/index.ts';
import { isPlainObject, isRecord } from './plain.ts';
import { stringifyJson } from './value.ts';

/**
 * Deterministic keys: a hash of the row's content and its occurrence number among equal rows of one partition. Two
 * equal rows stay two, and reading them again gives the same two keys, in whatever order they come.
 * Holds one hash a distinct row, for one partition at a time.
 */
export class RowKeys {
  readonly #partition: string;
  readonly #seen = new Map<string, number>();

  constructor(partition: string) {
    this.#partition = partition;
  }

  /**
   * The key of `row`. The order of the object's fields does not matter; numbers that are equal are one value, whether
   * `bigint` or not, and `-0` is 0.
   *
   * @throws PlumbingError `ROW_INVALID` for a row that holds an object of which nothing can be seen.
   */
  keyFor(row: unknown): string {
    const digest = createHash('sha256')
      .update(this.#partition)
      .update('\0')
      .update(stringifyJson(isRecord(row) ? fieldsOf(row) : canonical(row)))
      .digest('hex')
      .slice(0, 32);
    const occurrence = (this.#seen.get(digest) ?? 0) + 1;
    this.#seen.set(digest, occurrence);
    return `${digest}-${occurrence}`;
  }
}

/**
 * `value` in a form whose JSON text is another for another value. That of plain JSON is stored in tables and can't change.
 * It holds lists in place of objects: an object marks a value that JSON does not have.
 */
function canonical(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : { number: String(value) };
  if (typeof value === 'function' || typeof value === 'symbol') return { [typeof value]: String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(canonical);
  if (isPlainObject(value)) return fieldsOf(value);
  return value instanceof Uint8Array ? value : marked(value);
}

function fieldsOf(value: Record<string, unknown>): unknown[] {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, canonical(item)]);
}

/** What can be told of an object that is not plain. */
function marked(value: object): unknown {
  if (value instanceof Date) return { date: value.getTime() };
  if (value instanceof Map) return { map: sortedTexts([...value]) };
  if (value instanceof Set) return { set: sortedTexts([...value]) };
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (ArrayBuffer.isView(value))
    return { [tag]: hexOf(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer)
    return { [tag]: hexOf(new Uint8Array(value)) };
  const { toJSON: toJson } = value as { toJSON?: unknown };
  if (typeof toJson === 'function') return { json: canonical(toJson.call(value)) };
  if (isRecord(value) && Object.keys(value).length > 0) return fieldsOf(value);
  // The text that says nothing is seen to below.
  // oxlint-disable-next-line typescript/no-base-to-string
  const text = String(value);
  if (text.startsWith('[object ')) {
    throw new PlumbingError(
      'ROW_INVALID',
      'a row without a key of its own holds an object that shows no field: nothing tells it from others',
    );
  }
  return { [tag]: text };
}

/** In an order that does not come from the order of insertion. */
function sortedTexts(values: readonly unknown[]): string[] {
  return values.map((value) => stringifyJson(canonical(value))).toSorted();
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
