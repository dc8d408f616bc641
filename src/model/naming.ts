/** From field names of a vendor to column names that every destination can hold. */
import { createHash } from 'node:crypto';
import { bookkeepingColumns, scd2Columns } from './table.ts';
import type { Column } from './table.ts';

/** Longest column name that is made; a longer one is cut and ends in a hash of the whole. */
export const maxNameLength = 100;

const reserved = /^(_plumbing_|_inserted_at_|_valid_(from|to)_ts$|__proto__)/;

/**
 * The column name of a field: `snake_case`, nesting joined by `__`. Stable and idempotent, but not yet unique in a
 * table (`id` and `Id` give the same); {@link ColumnNames} settles that.
 *
 * @example
 * ```ts
 * columnName(['amount', 'value']);       // 'amount__value'
 * columnName(['availableCashAmountEUR']); // 'available_cash_amount_eur'
 * ```
 */
export function columnName(path: readonly string[]): string {
  let name = path.map(snakeCase).join('__');
  if (name === '') name = '_';
  if (reserved.test(name)) name = `x${name}`;
  if (name.length > maxNameLength) name = `${name.slice(0, maxNameLength - 11)}_${hash(name, 10)}`;
  return name;
}

function snakeCase(field: string): string {
  const snake = field
    .normalize('NFC')
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1_$2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_]+/gu, '_');
  return /^\p{N}/u.test(snake) ? `_${snake}` : snake;
}

function hash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

/** Text that stands for a path as a map key. */
export function pathKey(path: readonly string[]): string {
  return path.length === 1 ? `.${path[0] as string}` : JSON.stringify(path);
}

/**
 * Gives each path of one table a name of its own. A path that has a column already keeps its name, whatever
 * the order in which fields arrive; a name that another path took gets a hash of the path at its end.
 */
export class ColumnNames {
  readonly #byPath = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor(columns: readonly Column[] = []) {
    for (const column of [...bookkeepingColumns, ...scd2Columns]) this.#taken.add(column.name);
    for (const column of columns) {
      this.#taken.add(column.name.toLowerCase());
      this.#byPath.set(pathKey(column.path), column.name);
    }
  }

  /** The column name of `path`. */
  nameFor(path: readonly string[]): string {
    const key = pathKey(path);
    const known = this.#byPath.get(key);
    if (known !== undefined) return known;
    const wanted = columnName(path);
    let name = wanted;
    // More than once only where a source names a field after the hash of another.
    for (let seed = key; this.#taken.has(name); seed = `${seed}\0`)
      name = `${wanted.slice(0, maxNameLength - 9)}_${hash(seed, 8)}`;
    this.#taken.add(name);
    this.#byPath.set(key, name);
    return name;
  }
}
