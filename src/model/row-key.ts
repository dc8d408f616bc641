/** Keys for rows that have none of their own. */
import { createHash } from 'node:crypto';
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

  /** The key of `row`. The order of the object's fields does not matter. */
  keyFor(row: unknown): string {
    const digest = createHash('sha256')
      .update(this.#partition)
      .update('\0')
      .update(stringifyJson(sorted(row)))
      .digest('hex')
      .slice(0, 32);
    const occurrence = (this.#seen.get(digest) ?? 0) + 1;
    this.#seen.set(digest, occurrence);
    return `${digest}-${occurrence}`;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]);
}
