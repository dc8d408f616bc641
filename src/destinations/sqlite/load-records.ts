/** Run records: what each load did, and how it ended. */
import type { DatabaseSync } from 'node:sqlite';
import type { LoadInfo, LoadRecord, TableCounts } from '../../model/index.ts';
import { hasBookkeeping } from './bookkeeping.ts';
import type { SqlValue } from './codec.ts';

/** Records kept for each pipeline. */
const maxRecords = 500;
/** Reasons are for people; a huge one would be a dump. */
const maxErrorLength = 1_000;

/** Counts by table. */
export type CountsByTable = Readonly<Record<string, TableCounts>>;

/** Opens the record of a load, in the caller's transaction. A record that is still open belongs to a process that died. */
export function openRecord(db: DatabaseSync, { loadId, pipeline, startedAt }: LoadInfo, now: string): void {
  db.prepare(
    `UPDATE _plumbing_loads SET status = 'failed', finished_at = ?, error = 'the process ended before the load did'
     WHERE status = 'running'`,
  ).run(now);
  db.prepare(
    `INSERT OR REPLACE INTO _plumbing_loads (load_id, pipeline, status, started_at, counts) VALUES (?, ?, 'running', ?, '{}')`,
  ).run(loadId, pipeline, startedAt);
  db.prepare(
    `DELETE FROM _plumbing_loads WHERE pipeline = ? AND load_id NOT IN
       (SELECT load_id FROM _plumbing_loads WHERE pipeline = ? ORDER BY started_at DESC, load_id DESC LIMIT ${maxRecords})`,
  ).run(pipeline, pipeline);
}

/** Notes what was committed so far, in the caller's transaction. */
export function updateRecord(db: DatabaseSync, loadId: string, counts: CountsByTable): void {
  db.prepare('UPDATE _plumbing_loads SET counts = ? WHERE load_id = ?').run(JSON.stringify(counts), loadId);
}

/** Closes a record, in the caller's transaction. */
export function closeRecord(
  db: DatabaseSync,
  loadId: string,
  end: {
    readonly status: LoadRecord['status'];
    readonly finishedAt: string;
    readonly error?: string | undefined;
  },
): void {
  db.prepare('UPDATE _plumbing_loads SET status = ?, finished_at = ?, error = ? WHERE load_id = ?').run(
    end.status,
    end.finishedAt,
    end.error?.toWellFormed().slice(0, maxErrorLength) ?? null,
    loadId,
  );
}

/** The latest records of all pipelines, latest first. */
export function readRecords(db: DatabaseSync, limit: number): LoadRecord[] {
  if (!hasBookkeeping(db)) return [];
  const rows = db
    .prepare('SELECT * FROM _plumbing_loads ORDER BY started_at DESC, load_id DESC LIMIT ?')
    .all(limit);
  return rows.map(toRecord);
}

/** The record of one load. */
export function readRecord(db: DatabaseSync, loadId: string): LoadRecord | undefined {
  const row = db.prepare('SELECT * FROM _plumbing_loads WHERE load_id = ?').get(loadId);
  return row && toRecord(row);
}

/** Notes, in the caller's transaction, that a load was taken back. The record of one that was killed ends with it. */
export function markUndone(db: DatabaseSync, loadId: string, now: string): void {
  db.prepare(
    "UPDATE _plumbing_loads SET status = 'undone', finished_at = coalesce(finished_at, ?) WHERE load_id = ?",
  ).run(now, loadId);
}

function toRecord(row: Readonly<Record<string, SqlValue>>): LoadRecord {
  return {
    loadId: String(row['load_id']),
    pipeline: String(row['pipeline']),
    status: row['status'] as LoadRecord['status'],
    startedAt: String(row['started_at']),
    finishedAt: row['finished_at'] === null ? null : String(row['finished_at']),
    counts: JSON.parse(String(row['counts'])) as CountsByTable,
    error: row['error'] === null ? null : String(row['error']),
  };
}
