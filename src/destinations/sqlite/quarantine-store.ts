/** Rows that did not fit, with the reason, until they are replayed. */
import type { DatabaseSync } from 'node:sqlite';
import { RowKeys } from '../../model/index.ts';
import type { QuarantinedRow, StoredQuarantinedRow } from '../../model/index.ts';
import type { KeyTexts } from '../../model/key-text.ts';
import { iterate } from './iterate.ts';
import { decodeJson } from '../../model/json-text.ts';
import { quarantineText } from '../../model/quarantine-text.ts';
import type { SqlRow } from './codec.ts';
import type { LoadStamp } from './row-writers.ts';

/** A row for quarantine in stored form: index, reason, JSON, text of its key. */
export function encodeQuarantined({ index, reason, raw }: QuarantinedRow, keys: KeyTexts): SqlRow {
  return [index, reason.toWellFormed(), quarantineText(raw), keys.ofRaw(raw) ?? null];
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
    // A row that comes again gets a new id: the order of ids is that in which the source gave the rows last.
    const upsert = this.#db.prepare(
      `INSERT OR REPLACE INTO _plumbing_quarantine
         (load_id, table_name, row_index, reason, raw_json, key_text, row_hash, quarantined_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const { loadId, startedAt } = this.#stamp;
    for (const [index, reason, raw, key] of rows as Iterable<[number, string, string, string | null]>) {
      upsert.run(loadId, this.#table, index, reason, raw, key, this.#keys.keyFor(raw), startedAt);
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
      // A file that no load of this version has written to has no such columns.
      ...(typeof row['key_text'] === 'string' && { key: row['key_text'] }),
      isSuperseded: typeof row['superseded_by'] === 'string',
    };
  }
}
