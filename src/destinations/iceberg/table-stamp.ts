/** Where the columns of a definition lie in the table, and what a load puts into those that the library adds. */
import type { Cell, NestedField } from '../../iceberg/types.ts';
import type { LoadInfo, TableDefinition } from '../../model/index.ts';
import { codecOf } from './cell-codec.ts';
import { sameCell } from './row-keys.ts';
import type { CellRow } from './row-spool.ts';

/** Completes rows. */
export class TableStamp {
  /** Places of the key's columns. */
  readonly keys: readonly number[];
  /** The load's start, in stored form. */
  readonly startedAt: Cell;
  readonly #places: readonly number[];
  readonly #data: readonly number[];
  readonly #template: CellRow;
  readonly #byName: ReadonlyMap<string, number>;

  constructor(
    fields: readonly NestedField[],
    definition: TableDefinition,
    stamp: Pick<LoadInfo, 'loadId' | 'startedAt' | 'day'>,
  ) {
    this.#byName = new Map(fields.map(({ name }, index) => [name, index]));
    const keys = new Set(definition.primaryKey);
    this.#places = definition.columns.map(({ name }) => this.indexOf(name));
    this.keys = definition.primaryKey.map((name) => this.indexOf(name));
    this.#data = definition.columns.flatMap(({ name }) => (keys.has(name) ? [] : [this.indexOf(name)]));
    this.startedAt = codecOf('timestamp').encode(stamp.startedAt) ?? null;
    const template: Cell[] = fields.map(() => null);
    template[this.indexOf('_inserted_at_ts')] = this.startedAt;
    template[this.indexOf('_inserted_at_day')] = codecOf('date').encode(stamp.day) ?? null;
    template[this.indexOf('_plumbing_load_id')] = stamp.loadId;
    this.#template = template;
  }

  /** The place of a column. */
  indexOf(name: string): number {
    return this.#byName.get(name) as number;
  }

  /** A row of the load, in the order of the table's fields, with all that the library adds. */
  complete(row: CellRow): Cell[] {
    const complete = this.#template.slice();
    for (let i = 0; i < this.#places.length; i++) complete[this.#places[i] as number] = row[i] ?? null;
    return complete;
  }

  /** A row that has only the cells of a scope. */
  scopeRow(scope: readonly string[], cells: CellRow): Cell[] {
    const row = this.#template.slice();
    let next = 0;
    for (const name of scope) {
      const index = this.indexOf(name);
      if (this.#places.includes(index)) row[index] = cells[next++] ?? null;
    }
    return row;
  }

  /** Whether two rows agree in all columns that come from the source and are no key. */
  sameData(a: CellRow, b: CellRow): boolean {
    for (const index of this.#data) if (!sameCell(a[index] ?? null, b[index] ?? null)) return false;
    return true;
  }

  /** The stored row with the new row's data: when it was inserted stays as it is, the load id is the new one. */
  updated(stored: CellRow, row: CellRow): Cell[] {
    const updated = [...stored];
    for (const index of this.#places) updated[index] = row[index] ?? null;
    const id = this.indexOf('_plumbing_load_id');
    updated[id] = row[id] ?? null;
    return updated;
  }
}
