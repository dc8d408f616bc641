/** Cursors, in the same file as the rows. */
import type { DatabaseSync } from 'node:sqlite';
import { PlumbingError } from '../../errors/index.ts';
import { PipelineState } from '../../model/index.ts';
import type { PartitionState, StateEntry } from '../../model/index.ts';
import { hasBookkeeping } from './bookkeeping.ts';
import { decodeJson, encodeJson } from '../../model/json-text.ts';

/** A state entry with the pipeline it belongs to. */
export interface StoredState extends StateEntry {
  readonly pipeline: string;
  readonly updatedAt: string;
}

/** The state of one pipeline; empty when it never ran. */
export function readPipelineState(db: DatabaseSync, pipeline: string, path: string): PipelineState {
  if (!hasBookkeeping(db)) return new PipelineState();
  const rows = db.prepare('SELECT * FROM _plumbing_state WHERE pipeline = ?').all(pipeline);
  return new PipelineState(rows.map((row) => toEntry(row, path)));
}

/** The state of all pipelines. */
export function readAllState(db: DatabaseSync, path: string): StoredState[] {
  if (!hasBookkeeping(db)) return [];
  const rows = db.prepare('SELECT * FROM _plumbing_state ORDER BY pipeline, stream, partition').all();
  return rows.map((row) => ({
    ...toEntry(row, path),
    pipeline: String(row['pipeline']),
    updatedAt: String(row['updated_at']),
  }));
}

function toEntry(row: Record<string, unknown>, path: string): StateEntry {
  const stream = String(row['stream']);
  const partition = String(row['partition']);
  try {
    const state = decodeJson(String(row['state']));
    if (typeof state === 'object' && state !== null)
      return { stream, partition, state: state as PartitionState };
  } catch {
    // Reported below.
  }
  throw new PlumbingError(
    'STATE_CORRUPT',
    `${path}: the state of stream "${stream}" in _plumbing_state is not JSON; restore the file from a backup, or delete that row to read the stream anew`,
    { context: { path, stream } },
  );
}

/** Stores state, in the caller's transaction. What an entry does not say (no cursor, no custom state) stays as it was. */
export function writeState(
  db: DatabaseSync,
  pipeline: string,
  loadId: string,
  updatedAt: string,
  entries: readonly StateEntry[],
): void {
  if (entries.length === 0) return;
  const select = db.prepare(
    'SELECT state FROM _plumbing_state WHERE pipeline = ? AND stream = ? AND partition = ?',
  );
  const upsert = db.prepare(
    `INSERT INTO _plumbing_state (pipeline, stream, partition, state, updated_at, load_id) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (pipeline, stream, partition) DO UPDATE SET
       state = excluded.state, updated_at = excluded.updated_at, load_id = excluded.load_id`,
  );
  for (const { stream, partition, state } of entries) {
    const { cursor, custom } = state;
    if (cursor === undefined && custom === undefined) continue;
    const known = select.get(pipeline, stream, partition);
    const before = known === undefined ? {} : (decodeJson(String(known['state'])) as PartitionState);
    const merged: PartitionState = {
      ...before,
      ...(cursor !== undefined && { cursor }),
      ...(custom !== undefined && { custom }),
    };
    const text = encodeJson(merged);
    if (text === undefined) {
      throw new PlumbingError(
        'ROW_INVALID',
        `stream "${stream}": its cursor or custom state holds NaN or Infinity`,
      );
    }
    upsert.run(pipeline, stream, partition, text, updatedAt, loadId);
  }
}

/** Forgets the cursors of a stream, in the caller's transaction. */
export function deleteState(db: DatabaseSync, stream: string): void {
  db.prepare('DELETE FROM _plumbing_state WHERE stream = ?').run(stream);
}
