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

/** A row that a store can't hold exactly. */
export interface Misfit {
  /** Position among the rows that were given together. */
  readonly offset: number;
  /** Names the column, never the value. */
  readonly reason: string;
}

/**
 * Rows that a store can't hold exactly: code `ROW_INVALID`. None of those given with them was taken.
 *
 * @example
 * ```ts
 * throw new MisfitError('orders', 0, [{ offset: 2, reason: 'column "total": expected at most 15 digits' }]);
 * ```
 */
export class MisfitError extends PlumbingError {
  /** All of them, one each row. */
  readonly misfits: readonly Misfit[];

  /** `firstIndex`: index of the first row that was given, among all rows of the table in this load. */
  constructor(table: string, firstIndex: number, misfits: readonly Misfit[]) {
    const [{ offset, reason }] = misfits as readonly [Misfit];
    const row = firstIndex + offset;
    super('ROW_INVALID', `table "${table}", row ${row}: ${reason}`, { context: { table, row } });
    this.misfits = misfits;
  }
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
   * @throws MisfitError `ROW_INVALID`, naming table, row and column, never the value.
   */
  encode(rows: readonly Row[], firstIndex: number): (Cell | null)[][] {
    const encoded: (Cell | null)[][] = [];
    const misfits: Misfit[] = [];
    for (let offset = 0; offset < rows.length; offset++) {
      const cells = this.#encodeRow(rows[offset] as Row);
      if (typeof cells === 'string') misfits.push({ offset, reason: cells });
      else encoded.push(cells);
    }
    if (misfits.length > 0) throw new MisfitError(this.#table, firstIndex, misfits);
    return encoded;
  }

  /** The cells of a row, or why they do not fit. */
  #encodeRow(row: Row): (Cell | null)[] | string {
    const width = this.#columns.length;
    const encoders = this.#encoders;
    if (row.length > width) return `${row.length} cells for ${width} columns`;
    const encoded = Array<Cell | null>(width);
    for (let i = 0; i < width; i++) {
      const value = row[i];
      if (value === null || value === undefined) {
        const { name, nullable } = this.#columns[i] as Column;
        if (!nullable) return `column "${name}" must have a value`;
        encoded[i] = null;
        continue;
      }
      const cell = (encoders[i] as CellEncoder<Cell>['encode'])(value);
      if (cell === undefined) return this.#misfit(i);
      encoded[i] = cell;
    }
    return encoded;
  }

  #misfit(index: number): string {
    const { name, type } = this.#columns[index] as Column;
    const { expected } = this.#codecs[index] as CellEncoder<Cell>;
    return `column "${name}" (${type}): expected ${expected}`;
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
