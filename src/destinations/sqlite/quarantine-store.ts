/** Rows that did not fit, with the reason, until they are replayed. */
import type { DatabaseSync } from 'node:sqlite';
import { RowKeys } from '../../model/index.ts';
import type { QuarantinedRow, StoredQuarantinedRow } from '../../model/index.ts';
import { iterate } from './iterate.ts';
import { decodeJson } from '../../model/json-text.ts';
import { quarantineText } from '../../model/quarantine-text.ts';
import type { SqlRow } from './codec.ts';
import type { LoadStamp } from './row-writers.ts';

/** A row for quarantine in stored form: index, reason, JSON. */
export function encodeQuarantined({ index, reason, raw }: QuarantinedRow): SqlRow {
  return [index, reason.toWellFormed(), quarantineText(raw)];
}

/**
 * Writes the quarantined rows of one table. A row that is in quarantine already, because the source gives it at each run,
 * is not kept twice; of equal rows in one load each is kept.
 */
export class QuarantineWriter {
  readonly #db: DatabaseSync;
  readonly #table: string;
  readonly #stamp: LoadStamp;
  /** Tells equal rows of this load apart. */
  readonly #keys = new RowKeys('');

  constructor(db: DatabaseSync, table: string, stamp: LoadStamp) {
    this.#db = db;
    this.#table = table;
    this.#stamp = stamp;
  }

  /** Deletes released rows, in the caller's transaction. */
  release(ids: Iterable<number>): void {
    const remove = this.#db.prepare('DELETE FROM _plumbing_quarantine WHERE id = ? AND table_name = ?');
    for (const id of ids) remove.run(id, this.#table);
  }

  /** Adds rows in stored form, in the caller's transaction. */
  write(rows: Iterable<SqlRow>): void {
    const upsert = this.#db.prepare(
      `INSERT INTO _plumbing_quarantine (load_id, table_name, row_index, reason, raw_json, row_hash, quarantined_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (table_name, row_hash) DO UPDATE SET load_id = excluded.load_id, row_index = excluded.row_index,
         reason = excluded.reason, quarantined_at = excluded.quarantined_at`,
    );
    const { loadId, startedAt } = this.#stamp;
    for (const [index, reason, raw] of rows as Iterable<[number, string, string]>) {
      upsert.run(loadId, this.#table, index, reason, raw, this.#keys.keyFor(raw), startedAt);
    }
  }
}

/** Streams the quarantined rows of a table, oldest first. */
export function* readQuarantined(db: DatabaseSync, table: string): Iterable<StoredQuarantinedRow> {
  const select = db.prepare('SELECT * FROM _plumbing_quarantine WHERE table_name = ? ORDER BY id');
  for (const row of iterate(select, table)) {
    yield {
      id: Number(row['id']),
      loadId: String(row['load_id']),
      index: Number(row['row_index']),
      reason: String(row['reason']),
      raw: decodeJson(String(row['raw_json'])),
      quarantinedAt: String(row['quarantined_at']),
    };
  }
}
