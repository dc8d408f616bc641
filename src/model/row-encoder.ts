/** Turns rows into what a store holds, and refuses the ones that a table can't hold exactly. */
import { PlumbingError } from '../errors/index.ts';
import type { Column, TableDefinition } from './table.ts';
import type { LogicalType, Row, Value } from './value.ts';

/** How a store keeps values of one logical type. It is given no NULL. */
export interface CellEncoder<Cell> {
  /** What a value must be, as words for an error. */
  readonly expected: string;
  /** The stored form; `undefined` when the value does not fit. */
  readonly encode: (value: Value) => Cell | undefined;
}

/** Encodes the rows of one table. */
export class RowEncoder<Cell> {
  readonly #table: string;
  readonly #columns: readonly Column[];
  readonly #codecs: readonly CellEncoder<Cell>[];
  readonly #encoders: readonly CellEncoder<Cell>['encode'][];

  constructor(table: TableDefinition, codecOf: (type: LogicalType) => CellEncoder<Cell>) {
    this.#table = table.name;
    this.#columns = table.columns;
    this.#codecs = table.columns.map((column) => codecOf(column.type));
    this.#encoders = this.#codecs.map(({ encode }) => encode);
  }

  /**
   * Encodes a batch; `firstIndex` is the index of its first row among all rows of the table in this load.
   *
   * @throws PlumbingError `ROW_INVALID`, naming table, row and column, never the value.
   */
  encode(rows: readonly Row[], firstIndex: number): (Cell | null)[][] {
    const width = this.#columns.length;
    const encoders = this.#encoders;
    return rows.map((row, offset) => {
      if (row.length > width)
        throw this.#invalid(firstIndex + offset, `${row.length} cells for ${width} columns`);
      const encoded = Array<Cell | null>(width);
      for (let i = 0; i < width; i++) {
        const value = row[i];
        if (value === null || value === undefined) {
          encoded[i] = this.#empty(i, firstIndex + offset);
          continue;
        }
        const cell = (encoders[i] as CellEncoder<Cell>['encode'])(value);
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
    const { expected } = this.#codecs[index] as CellEncoder<Cell>;
    return this.#invalid(row, `column "${name}" (${type}): expected ${expected}`);
  }

  #invalid(row: number, what: string): PlumbingError {
    return new PlumbingError('ROW_INVALID', `table "${this.#table}", row ${row}: ${what}`, {
      context: { table: this.#table, row },
    });
  }
}

/**
 * One value in the form in which a condition on the column compares it.
 *
 * @throws PlumbingError `ROW_INVALID` for a value that no row of the column can have.
 */
export function encodeValue<Cell>(
  table: string,
  column: Column,
  value: Value,
  codecOf: (type: LogicalType) => CellEncoder<Cell>,
): Cell | null {
  const { encode, expected } = codecOf(column.type);
  const encoded = value === null ? null : encode(value);
  if (encoded !== undefined) return encoded;
  throw new PlumbingError(
    'ROW_INVALID',
    `table "${table}": a condition on column "${column.name}" (${column.type}) expected ${expected}`,
    { context: { table } },
  );
}
