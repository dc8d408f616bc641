/** Takes back a load: rows, cursors and quarantine are what they were before it, in one transaction. */
import { PlumbingError, isPlumbingError } from '../../errors/index.ts';
import { failpoint } from '../../failpoints/index.ts';
import { toTimestamp } from '../../model/index.ts';
import type { LoadRecord, UndoReport } from '../../model/index.ts';
import { hasBookkeeping } from './bookkeeping.ts';
import type { SqliteConnection } from './connection.ts';
import { markUndone, readRecord } from './load-records.ts';
import { laterReader, movedState, restoreQuarantined, restoreState } from './undo-state.ts';
import { forgetLoad, isKept, keptTables } from './undo-store.ts';
import { TableUndo } from './undo-table.ts';
import type { Refusal } from './undo-table.ts';

/** SQLite's result code. */
const constraint = 19;

/**
 * Takes back a load that has ended, or whose process was killed. To be called with the lock of loads held.
 *
 * @throws PlumbingError `UNDO_REFUSED` when that can not be done; then, as after any other error, nothing is changed.
 */
export function takeBack(connection: SqliteConnection, loadId: string): UndoReport {
  const { db, path } = connection;
  const refusal: Refusal = (what, cause) =>
    new PlumbingError(
      'UNDO_REFUSED',
      `${path}: load ${loadId} can not be taken back: ${what}. Nothing was changed`,
      {
        context: { path, loadId },
        cause,
      },
    );
  return connection.transaction(() => {
    try {
      const record = requireRecord(connection, loadId, refusal);
      const { pipeline } = record;
      const tables = keptTables(db, loadId).map((kept) => new TableUndo(connection, loadId, kept, refusal));
      for (const table of tables) table.check();
      const moved = movedState(db, loadId, pipeline);
      if (moved)
        throw refusal(`a later load has moved the cursor of "${moved.stream}"; take that back first`);
      const reader = laterReader(db, record);
      if (reader)
        throw refusal(`pipeline "${reader.pipeline}" has moved its cursor of "${reader.stream}" since`);
      failpoint('sqlite.undo_checked');
      const undone = tables.map((table) => {
        const done = table.restore();
        failpoint('sqlite.undo_rows_restored');
        return done;
      });
      const state = restoreState(db, loadId, pipeline);
      restoreQuarantined(db, loadId);
      failpoint('sqlite.undo_state_restored');
      markUndone(db, loadId, toTimestamp(new Date()) as string);
      forgetLoad(db, loadId);
      return { loadId, pipeline, tables: undone, state };
    } catch (error) {
      if (error instanceof SyntaxError) throw refusal('what was kept of it can not be read', error);
      if (isPlumbingError(error, 'SCHEMA_DRIFT')) throw refusal(error.message, error);
      if (((error as { errcode?: number }).errcode ?? 0) % 256 !== constraint) throw error;
      throw refusal(
        'a rule that somebody added to a table, or another table that points to it, forbids it',
        error,
      );
    }
  });
}

/** The record of a load that can be taken back. */
function requireRecord({ db }: SqliteConnection, loadId: string, refusal: Refusal): LoadRecord {
  const record = hasBookkeeping(db) ? readRecord(db, loadId) : undefined;
  if (!record) throw refusal('the run log knows no such load; `plumbing status` shows the latest');
  if (record.status === 'undone') throw refusal('that was done already');
  if (isKept(db, loadId)) return record;
  throw refusal(
    'it had changed nothing, or it is not known how the rows were before it. ' +
      'That is kept only for the latest loads of a pipeline, as many as undoLoads (SQLITE_UNDO_LOADS) says at the time of loading',
  );
}
