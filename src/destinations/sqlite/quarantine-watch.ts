/** Rows in quarantine whose key has come since in a row that fits, changed or not: a replay must not put them over it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { KeyTexts } from '../../model/key-text.ts';
import type { Row, TableDefinition } from '../../model/index.ts';

/** Watches the rows that one load brings for one table. Where nothing of the table is in quarantine it does nothing. */
export class QuarantineWatch {
  readonly #db: DatabaseSync;
  readonly #table: string;
  readonly #loadId: string;
  /** Absent where no row waits. Rows that come into quarantine meanwhile are of the load itself, which has the lock. */
  readonly #find: StatementSync | undefined;
  readonly #seen = new Set<string>();
  #definition: TableDefinition | undefined;
  #keys: KeyTexts | undefined;

  constructor(db: DatabaseSync, table: string, loadId: string) {
    this.#db = db;
    this.#table = table;
    this.#loadId = loadId;
    const find = 'SELECT 1 FROM _plumbing_quarantine WHERE table_name = ? AND key_text';
    const waits = db.prepare(`${find} IS NOT NULL LIMIT 1`).get(table) !== undefined;
    if (waits) this.#find = db.prepare(`${find} = ? LIMIT 1`);
  }

  /** Looks at rows that the load takes. */
  see(definition: TableDefinition, rows: readonly Row[]): void {
    if (!this.#find) return;
    if (definition !== this.#definition) this.#keys = new KeyTexts(definition);
    this.#definition = definition;
    for (const row of rows) {
      const key = this.#keys?.ofRow(row);
      if (key !== undefined && this.#find.get(this.#table, key)) this.#seen.add(key);
    }
  }

  /** Notes at the rows in quarantine what was seen, in the caller's transaction. */
  note(): void {
    if (this.#seen.size === 0) return;
    // Of two rows of one load nobody knows which is the newer one.
    const mark = this.#db.prepare(
      'UPDATE _plumbing_quarantine SET superseded_by = ? WHERE table_name = ? AND key_text = ? AND load_id <> ?',
    );
    for (const key of this.#seen) mark.run(this.#loadId, this.#table, key, this.#loadId);
  }

  /** What was seen is noted, or is not taken after all. */
  clear(): void {
    this.#seen.clear();
  }
}
