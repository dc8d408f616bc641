/** Keys of rows, as keys of maps. */
import type { Cell } from '../../iceberg/types.ts';

/** What stands for the key of a row. Equal keys give equal values, others don't. */
export type MapKey = string | number | bigint | boolean | null;

/** Makes the key of a row from the cells at the given places. */
export function keyReader(indexes: readonly number[]): (row: readonly Cell[]) => MapKey {
  const [first] = indexes;
  if (indexes.length === 1 && first !== undefined) return (row) => keyOf(row[first] ?? null);
  return (row) => indexes.map((index) => textOf(row[index] ?? null)).join();
}

/** The same for row `i` of some columns, one for each part of the key. */
export function columnKey(columns: readonly (readonly Cell[])[], i: number): MapKey {
  if (columns.length === 1) return keyOf(columns[0]?.[i] ?? null);
  return columns.map((cells) => textOf(cells[i] ?? null)).join();
}

function keyOf(cell: Cell): MapKey {
  return typeof cell === 'object' && cell !== null ? textOf(cell) : cell;
}

function textOf(cell: Cell): string {
  if (cell instanceof Uint8Array) return `x${Buffer.from(cell).toString('hex')}`;
  const text = String(cell);
  return `${cell === null ? 'n' : typeof cell}${text.length}:${text}`;
}

/** Whether two cells hold the same value. */
export function sameCell(a: Cell, b: Cell): boolean {
  if (a === b) return true;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((cell, i) => sameCell(cell as Cell, b[i] as Cell));
  }
  return Number.isNaN(a) && Number.isNaN(b);
}
