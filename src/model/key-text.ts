/** Keys of rows as texts: what ties a row in quarantine to the rows that later loads bring. */
import type { TableDefinition } from './table.ts';
import type { Row } from './value.ts';

/** Gives the text of a key; `undefined` when a part of it is missing, or is no plain value. */
export class KeyTexts {
  readonly #paths: readonly (readonly string[])[];
  readonly #indexes: readonly number[];

  constructor({ primaryKey, columns }: TableDefinition) {
    this.#indexes = primaryKey.map((key) => columns.findIndex(({ name }) => name === key));
    this.#paths = this.#indexes.map((index) => columns[index]?.path ?? []);
  }

  /** The key of a row in the order of the table's columns. */
  ofRow(row: Row): string | undefined {
    return textOf(this.#indexes.map((index) => row[index]));
  }

  /**
   * The key of a row as a source gives it, taken from where its columns have their values. The schema may make another value of
   * it, so it says nothing before it was compared with {@link ofRow} of the same row.
   */
  ofRaw(raw: unknown): string | undefined {
    return textOf(this.#paths.map((path) => valueAt(raw, path)));
  }
}

function textOf(values: readonly unknown[]): string | undefined {
  if (values.length === 0) return undefined;
  const texts: string[] = [];
  for (const value of values) {
    if (typeof value === 'string') texts.push(value.toWellFormed());
    else if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
      texts.push(String(value));
    else return undefined;
  }
  return JSON.stringify(texts);
}

function valueAt(raw: unknown, path: readonly string[]): unknown {
  let value = raw;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
