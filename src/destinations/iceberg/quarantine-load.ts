/** Rows of a load that did not fit, on their way to the table of all such rows. */
import type { LoadInfo } from '../../model/index.ts';
import { RowKeys } from '../../model/index.ts';
import type { Lakehouse } from './lakehouse.ts';
import { quarantineDefinition, quarantineRows } from './quarantine-table.ts';
import { TableLoad } from './table-load.ts';

/** See the module's title. */
export class QuarantineLoad {
  readonly #house: Lakehouse;
  readonly #info: LoadInfo;
  /** Tell equal rows of this load apart. */
  readonly #keys = new Map<string, RowKeys>();
  #table: TableLoad | undefined;

  constructor(house: Lakehouse, info: LoadInfo) {
    this.#house = house;
    this.#info = { ...info, staged: false };
  }

  /** Takes over the rows that tables have set aside and released, to be committed with them; gives what has to be committed. */
  async take(tables: readonly TableLoad[]): Promise<readonly TableLoad[]> {
    const due = tables.filter(({ quarantined, released }) => quarantined.length > 0 || released.size > 0);
    if (due.length === 0) return [];
    this.#table ??= await TableLoad.open(this.#house, this.#info, quarantineDefinition, 'bookkeeping');
    for (const table of due) {
      const { name } = table.definition;
      const keys = this.#keys.get(name) ?? new RowKeys('');
      this.#keys.set(name, keys);
      this.#table.removeKeys(table.released);
      this.#table.write(quarantineRows(name, table.quarantined, this.#info, keys), []);
    }
    return [this.#table];
  }

  /** Drops what was taken over and not committed. */
  discard(): void {
    this.#table?.discard();
  }
}
