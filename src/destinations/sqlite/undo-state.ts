/** Cursors that a load moved and rows that it took out of quarantine: kept as they were, and put back. */
import type { DatabaseSync } from 'node:sqlite';
import { addKeyColumns, createBookkeeping } from './bookkeeping.ts';
import type { LoadInfo, LoadRecord, PartitionState, StateEntry } from '../../model/index.ts';
import { decodeJson } from '../../model/json-text.ts';

/** Does `write`, which stores `entries`, and keeps what was there before the load's first commit of each. */
export function keepState(
  db: DatabaseSync,
  { loadId, pipeline }: LoadInfo,
  entries: readonly StateEntry[],
  write: () => void,
): void {
  const stored = 'FROM _plumbing_state WHERE pipeline = ? AND stream = ? AND partition = ?';
  const before = db.prepare(`SELECT state, updated_at, load_id ${stored}`);
  const olds = entries.map(({ stream, partition }) => before.get(pipeline, stream, partition));
  write();
  const keep = db.prepare(
    `INSERT INTO _plumbing_undo_state (load_id, stream, partition, state, updated_at, state_load_id, state_left)
     SELECT ?, stream, partition, ?, ?, ?, state ${stored}
     ON CONFLICT (load_id, stream, partition) DO UPDATE SET state_left = excluded.state_left`,
  );
  for (const [index, { stream, partition, state }] of entries.entries()) {
    // Such an entry was not stored.
    if (state.cursor === undefined && state.custom === undefined) continue;
    const old = olds[index];
    const values = [old?.['state'] ?? null, old?.['updated_at'] ?? null, old?.['load_id'] ?? null];
    keep.run(loadId, ...values, pipeline, stream, partition);
  }
}

/** The stream and partition of a cursor that is no longer what the load left. */
export function movedState(
  db: DatabaseSync,
  loadId: string,
  pipeline: string,
): { readonly stream: string; readonly partition: string } | undefined {
  const row = db
    .prepare(
      `SELECT kept.stream, kept.partition FROM _plumbing_undo_state AS kept
       LEFT JOIN _plumbing_state AS now ON now.pipeline = ? AND now.stream = kept.stream AND now.partition = kept.partition
       WHERE kept.load_id = ? AND now.state IS NOT kept.state_left LIMIT 1`,
    )
    .get(pipeline, loadId);
  return row && { stream: String(row['stream']), partition: String(row['partition']) };
}

/** Another pipeline that has moved its cursor of one of the tables since: it has found the rows there, and would never read them again. */
export function laterReader(
  db: DatabaseSync,
  { loadId, pipeline, startedAt, finishedAt }: LoadRecord,
): { readonly pipeline: string; readonly stream: string } | undefined {
  const row = db
    .prepare(
      `SELECT pipeline, stream FROM _plumbing_state WHERE pipeline <> ? AND updated_at > ?
       AND stream IN (SELECT table_name FROM _plumbing_undo_tables WHERE load_id = ?) LIMIT 1`,
    )
    .get(pipeline, finishedAt ?? startedAt, loadId);
  return row && { pipeline: String(row['pipeline']), stream: String(row['stream']) };
}

/** Puts the cursors back, in the caller's transaction; an entry that was not there before goes. */
export function restoreState(db: DatabaseSync, loadId: string, pipeline: string): StateEntry[] {
  const kept = db
    .prepare('SELECT * FROM _plumbing_undo_state WHERE load_id = ? ORDER BY stream, partition')
    .all(loadId);
  const remove = db.prepare(
    'DELETE FROM _plumbing_state WHERE pipeline = ? AND stream = ? AND partition = ?',
  );
  const insert = db.prepare(
    `INSERT INTO _plumbing_state (pipeline, stream, partition, state, updated_at, load_id) VALUES (?, ?, ?, ?, ?, ?)`,
  );
  return kept.map((row) => {
    const { stream, partition, state, updated_at: updatedAt, state_load_id: stateLoadId } = row;
    const place = [pipeline, stream ?? null, partition ?? null];
    remove.run(...place);
    if (state !== null) insert.run(...place, state ?? null, updatedAt ?? null, stateLoadId ?? null);
    return {
      stream: String(stream),
      partition: String(partition),
      state: state === null ? {} : (decodeJson(String(state)) as PartitionState),
    };
  });
}

const quarantineColumns =
  'table_name, row_index, reason, raw_json, row_hash, quarantined_at, key_text, superseded_by';

/** Keeps rows that are about to leave the quarantine, in the caller's transaction. */
export function keepQuarantined(
  db: DatabaseSync,
  loadId: string,
  table: string,
  ids: Iterable<number>,
): void {
  const keep = db.prepare(
    `INSERT OR IGNORE INTO _plumbing_undo_quarantine (load_id, id, row_load_id, ${quarantineColumns})
     SELECT ?, id, load_id, ${quarantineColumns} FROM _plumbing_quarantine WHERE id = ? AND table_name = ?`,
  );
  for (const id of ids) keep.run(loadId, id, table);
}

/** Puts them back, in the caller's transaction, but for those that are there again; and what the load has superseded waits again. */
export function restoreQuarantined(db: DatabaseSync, loadId: string): void {
  // The load may be of an earlier version, and the last that touched the file.
  createBookkeeping(db);
  addKeyColumns(db, '_plumbing_undo_quarantine');
  db.prepare(
    `INSERT OR IGNORE INTO _plumbing_quarantine (id, load_id, ${quarantineColumns})
     SELECT id, row_load_id, ${quarantineColumns} FROM _plumbing_undo_quarantine WHERE load_id = ? ORDER BY id`,
  ).run(loadId);
  for (const table of ['_plumbing_quarantine', '_plumbing_undo_quarantine'])
    db.prepare(`UPDATE ${table} SET superseded_by = NULL WHERE superseded_by = ?`).run(loadId);
}
