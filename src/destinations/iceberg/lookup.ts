/** Looking many keys up at once. */
import { compareCells } from '../../iceberg/compare-cells.ts';
import type { CellCondition } from '../../iceberg/conditions.ts';
import type { Cell, NestedField } from '../../iceberg/types.ts';
import type { CellRow, RowSpool } from './row-spool.ts';

/** Rows that are looked up together. */
export const lookupRows = 50_000;

/** Lists of at most `size` rows. */
export function* chunksOf(spool: RowSpool, size: number): Generator<readonly CellRow[]> {
  let waiting: CellRow[] = [];
  for (const rows of spool.chunks()) {
    waiting.push(...rows);
    if (waiting.length + rows.length > size) {
      yield waiting;
      waiting = [];
    }
  }
  if (waiting.length > 0) yield waiting;
}

/** Conditions that every row of the list meets, to pass over files that can hold none of their keys. */
export function rangeOf(fields: readonly NestedField[], keys: Iterable<readonly Cell[]>): CellCondition[] {
  const lows: Cell[] = fields.map(() => null);
  const highs: Cell[] = fields.map(() => null);
  for (const key of keys) {
    for (let i = 0; i < fields.length; i++) {
      const cell = key[i] ?? null;
      if (cell === null || Number.isNaN(cell)) return [];
      const [low = null, high = null] = [lows[i], highs[i]];
      if (low === null || compareCells(cell, low) < 0) lows[i] = cell;
      if (high === null || compareCells(cell, high) > 0) highs[i] = cell;
    }
  }
  return fields.flatMap((field, i): CellCondition[] => {
    const [low = null, high = null] = [lows[i], highs[i]];
    if (low === null || high === null) return [];
    return [
      { field, op: '>=', value: low },
      { field, op: '<=', value: high },
    ];
  });
}
