/** Rows in quarantine whose key has come since in a row that fits, changed or not: a replay must not put them over it. */
import type { DatabaseSync } from 'node:sqlite';
import type { Row, TableDefinition } from '../../model/index.ts';
import { SeenKeys } from '../../model/seen-keys.ts';

/** Watches the rows that one load brings for one table. Where nothing of the table is in quarantine it does nothing. */
export class QuarantineWatch {
  readonly #db: DatabaseSync;
  readonly #table: string;
  readonly #loadId: string;
  readonly #seen = new SeenKeys();

  constructor(db: DatabaseSync, table: string, loadId: string) {
    this.#db = db;
    this.#table = table;
    this.#loadId = loadId;
    const find = 'SELECT 1 FROM _plumbing_quarantine WHERE table_name = ? AND key_text';
    // Rows that come into quarantine meanwhile are of the load itself, which has the lock.
    if (db.prepare(`${find} IS NOT NULL LIMIT 1`).get(table) === undefined) return;
    const statement = db.prepare(`${find} = ? LIMIT 1`);
    this.#seen.watch((key) => statement.get(table, key) !== undefined);
  }

  /** Looks at rows that the load takes. */
  see(definition: TableDefinition, rows: readonly Row[]): void {
    this.#seen.see(definition, rows);
  }

  /** Notes at the rows in quarantine what was seen, in the caller's transaction. */
  note(): void {
    const { keys } = this.#seen;
    if (keys.size === 0) return;
    // Of two rows of one load nobody knows which is the newer one. The first mark stays: it goes when its load is taken back.
    const mark = this.#db.prepare(
      'UPDATE _plumbing_quarantine SET superseded_by = ? WHERE table_name = ? AND key_text = ? AND load_id <> ? AND superseded_by IS NULL',
    );
    for (const key of keys) mark.run(this.#loadId, this.#table, key, this.#loadId);
  }

  /** What was seen is noted, or is not taken after all. */
  clear(): void {
    this.#seen.keys.clear();
  }
}
