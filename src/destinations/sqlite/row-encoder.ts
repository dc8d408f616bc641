/** Turns rows into what statements bind, and refuses the ones that the table can't hold exactly. */
import { PlumbingError } from '../../errors/index.ts';
import type { Column, Row, TableDefinition, Value } from '../../model/index.ts';
import { codecOf } from './codec.ts';
import type { Codec, SqlValue } from './codec.ts';

/** A row in stored form, in the order of the table's columns. */
export type SqlRow = SqlValue[];

/** Encodes the rows of one table. */
export class RowEncoder {
  readonly #table: string;
  readonly #columns: readonly Column[];
  readonly #encoders: readonly Codec['encode'][];

  constructor(table: TableDefinition) {
    this.#table = table.name;
    this.#columns = table.columns;
    this.#encoders = table.columns.map((column) => codecOf(column.type).encode);
  }

  /**
   * Encodes a batch; `firstIndex` is the index of its first row among all rows of the table in this load.
   *
   * @throws PlumbingError `ROW_INVALID`, naming table, row and column, never the value.
   */
  encode(rows: readonly Row[], firstIndex: number): SqlRow[] {
    const width = this.#columns.length;
    const encoders = this.#encoders;
    return rows.map((row, offset) => {
      if (row.length > width)
        throw this.#invalid(firstIndex + offset, `${row.length} cells for ${width} columns`);
      const encoded = Array<SqlValue>(width);
      for (let i = 0; i < width; i++) {
        const value = row[i];
        if (value === null || value === undefined) {
          encoded[i] = this.#empty(i, firstIndex + offset);
          continue;
        }
        const cell = (encoders[i] as Codec['encode'])(value);
        if (cell === undefined) throw this.#misfit(i, firstIndex + offset);
        encoded[i] = cell;
      }
      return encoded;
    });
  }

  #empty(index: number, row: number): null {
    const { name, nullable } = this.#columns[index] as Column;
    if (!nullable) throw this.#invalid(row, `column "${name}" must have a value`);
    return null;
  }

  #misfit(index: number, row: number): PlumbingError {
    const { name, type } = this.#columns[index] as Column;
    return this.#invalid(row, `column "${name}" (${type}): expected ${codecOf(type).expected}`);
  }

  #invalid(row: number, what: string): PlumbingError {
    return new PlumbingError('ROW_INVALID', `table "${this.#table}", row ${row}: ${what}`, {
      context: { table: this.#table, row },
    });
  }
}

/**
 * One value in the form that a condition on the column binds.
 *
 * @throws PlumbingError `ROW_INVALID` for a value that no row of the column can have.
 */
export function encodeValue(table: string, column: Column, value: Value): SqlValue {
  const { encode, expected } = codecOf(column.type);
  const encoded = value === null ? null : encode(value);
  if (encoded !== undefined) return encoded;
  throw new PlumbingError(
    'ROW_INVALID',
    `table "${table}": a condition on column "${column.name}" (${column.type}) expected ${expected}`,
    { context: { table } },
  );
}
