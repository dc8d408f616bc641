/** What a load keeps so that it can be taken back: in each of its commits, all that the commit changes, as it was before the load. */
import type { DatabaseSync } from 'node:sqlite';
import type { LoadInfo, StateEntry, TableDefinition } from '../../model/index.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';
import { isVersioned } from '../../model/table-layout.ts';
import type { Tally } from './row-writers.ts';
import { keepImages } from './undo-images.ts';
import type { KeptRows } from './undo-images.ts';
import { keepQuarantined, keepState } from './undo-state.ts';
import { openUndo } from './undo-store.ts';

/**
 * The undo log of one load. All its methods belong into the transaction of a commit: what they keep is there exactly when
 * the change is. Nothing is remembered outside the database, so a commit that failed leaves nothing to forget.
 */
export class UndoLog {
  readonly #db: DatabaseSync;
  readonly #info: LoadInfo;
  readonly #loads: number;

  /** `loads`: how many of the latest loads of the pipeline can be taken back. With 0 nothing is kept. */
  constructor(db: DatabaseSync, info: LoadInfo, loads: number) {
    this.#db = db;
    this.#info = info;
    this.#loads = loads;
  }

  /** Begins the log, unless it is begun, and ends those of loads that are too long ago. To be called first in each commit. */
  open(): void {
    openUndo(this.#db, this.#info, this.#loads);
  }

  /** Does `write`, which changes rows of `table` and counts them in `tally`, and keeps what was there before. */
  keepRows(table: TableDefinition, tally: Tally, write: () => void): void {
    if (this.#loads === 0) {
      write();
      return;
    }
    const kept = keepImages(this.#db, this.#info.loadId, table, write);
    if (tally.inserted + tally.updated + tally.deleted > 0) this.#noteLeft(table, tally, kept);
  }

  /** Does `write`, which stores `entries`, and keeps the cursors that were there before. */
  keepState(entries: readonly StateEntry[], write: () => void): void {
    if (this.#loads === 0) write();
    else keepState(this.#db, this.#info, entries, write);
  }

  /** Keeps rows that are about to leave the quarantine. */
  keepQuarantined(table: string, ids: Iterable<number>): void {
    if (this.#loads > 0) keepQuarantined(this.#db, this.#info.loadId, table, ids);
  }

  /** Later it tells whether the rows that the load left are all there still. */
  #noteLeft(table: TableDefinition, tally: Tally, kept: KeptRows): void {
    const { loadId } = this.#info;
    const upsert = this.#db.prepare(
      `INSERT INTO _plumbing_undo_tables (load_id, table_name, write, rows_left, open_left) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (load_id, table_name) DO UPDATE SET write = excluded.write, open_left = excluded.open_left,
         rows_left = excluded.rows_left + ${isVersioned(table) ? '0' : 'rows_left'}`,
    );
    const write = JSON.stringify(table.write);
    if (isVersioned(table)) {
      const left = countVersions(this.#db, table.name, loadId);
      upsert.run(loadId, table.name, write, left.rows, left.open);
      return;
    }
    // Rows of other loads are kept when they go; what else was deleted was the load's own.
    const ownDeleted = tally.deleted - kept.deleted;
    upsert.run(loadId, table.name, write, tally.inserted + kept.changed - ownDeleted, 0);
  }
}

/** The rows of a load in a table that keeps versions, and those of them that are open. */
export function countVersions(
  db: DatabaseSync,
  table: string,
  loadId: string,
): { readonly rows: number; readonly open: number } {
  const row = db
    .prepare(
      `SELECT count(*) AS n, count(*) - count("_valid_to_ts") AS open FROM ${quoteIdentifier(table)}
       WHERE "_plumbing_load_id" = ?`,
    )
    .get(loadId);
  return { rows: Number(row?.['n']), open: Number(row?.['open']) };
}
