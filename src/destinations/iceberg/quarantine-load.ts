/** Rows of a load that did not fit, on their way to the table of all such rows. */
import type { LoadInfo, Row } from '../../model/index.ts';
import { RowKeys } from '../../model/index.ts';
import type { Lakehouse } from './lakehouse.ts';
import { quarantineDefinition, quarantineRows } from './quarantine-table.ts';
import { supersededRows } from './quarantine-watch.ts';
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

  /** Takes over what tables have set aside, released and superseded, to be committed with them; gives what has to be committed. */
  async take(tables: readonly TableLoad[]): Promise<readonly TableLoad[]> {
    const due = tables.filter(
      ({ quarantined, released, seen }) => quarantined.length + released.size + seen.keys.size > 0,
    );
    if (due.length === 0) return [];
    this.#table ??= await TableLoad.open(this.#house, this.#info, quarantineDefinition, 'bookkeeping');
    for (const table of due) {
      const { name } = table.definition;
      const keys = this.#keys.get(name) ?? new RowKeys('');
      this.#keys.set(name, keys);
      this.#table.removeKeys(table.released);
      // Rows that a replay takes out of quarantine are as old as they were, and say nothing about those that stay.
      if (table.released.size === 0) this.#table.write(await this.#superseded(table), []);
      const sequence = Number(this.#table.loaded?.metadata['last-sequence-number'] ?? 0) + 1;
      const { definition, quarantined } = table;
      this.#table.write(quarantineRows(definition, quarantined, this.#info, keys, sequence), []);
    }
    return [this.#table];
  }

  async #superseded({ definition, seen }: TableLoad): Promise<readonly Row[]> {
    if (seen.keys.size === 0) return [];
    return supersededRows(this.#house, definition.name, seen.keys, this.#info.loadId);
  }

  /** Drops what was taken over and not committed. */
  discard(): void {
    this.#table?.discard();
  }
}
