/** The run record of a load that is to be taken back. */
import type { LoadedTable, TableCommit } from '../../iceberg/catalog.ts';
import type { StateEntry, UndoReport } from '../../model/index.ts';
import type { Lakehouse } from './lakehouse.ts';
import { loadsTable, readNotes, readRecords, recordUpdates } from './load-records.ts';
import type { StoredRecord } from './load-records.ts';
import { quarantineTable } from './quarantine-table.ts';
import { putBackState } from './state-properties.ts';
import type { CursorNote, TableNote } from './undo-notes.ts';
import { undoRefused } from './undo-refused.ts';

/** A load, and what is known of how everything was before it. */
export interface UndoableLoad {
  /** The table of all records, as it was read. */
  readonly records: LoadedTable;
  readonly record: StoredRecord;
  /** Of tables; those of cursors that have no table are apart. */
  readonly notes: readonly TableNote[];
  readonly homeless: readonly CursorNote[];
}

/** The record as it is now; `undefined` when there is none. */
export async function findRecord(
  house: Lakehouse,
  loadId: string,
): Promise<{ readonly records: LoadedTable; readonly record: StoredRecord } | undefined> {
  const records = await house.load(loadsTable);
  const record = readRecords(records?.metadata).find((candidate) => candidate.loadId === loadId);
  return records && record && { records, record };
}

/**
 * Reads what is known of a load.
 *
 * @throws PlumbingError `UNDO_REFUSED` for one that is unknown, was taken back already, or of which nothing was kept.
 */
export async function undoableLoad(house: Lakehouse, loadId: string): Promise<UndoableLoad> {
  const { path } = house;
  const found = await findRecord(house, loadId);
  if (!found) {
    throw undoRefused(
      path,
      loadId,
      'there is no record of it; the latest 50 are kept',
      '`plumbing status` shows them',
    );
  }
  const { records, record } = found;
  if (record.status === 'undone')
    throw undoRefused(path, loadId, 'it was taken back already', 'there is nothing to do');
  const notes = readNotes(records.metadata, loadId);
  if (!notes) {
    throw undoRefused(
      path,
      loadId,
      'nothing was kept of how its tables were before it: it is too old, or an earlier version of this package made it',
      'mend the tables by hand',
    );
  }
  return {
    records,
    record,
    notes: notes.filter(({ table }) => table !== loadsTable),
    homeless: notes.find(({ table }) => table === loadsTable)?.cursors ?? [],
  };
}

/** The change that closes the record, and puts back the cursors that are kept beside it. */
export function undoneRecord({ records, record, homeless }: UndoableLoad, token: string): TableCommit {
  const { identifier, metadata } = records;
  return {
    identifier,
    base: records,
    requirements: [{ type: 'assert-table-uuid', uuid: metadata['table-uuid'] }],
    updates: [
      ...recordUpdates(metadata, { ...record, status: 'undone', commitToken: token }, undefined),
      ...putBackState(metadata, record.pipeline, homeless),
    ],
  };
}

/** What was done. */
export function undoReport({ record, notes, homeless }: UndoableLoad): UndoReport {
  const cursors = [...notes.flatMap((note) => note.cursors), ...homeless];
  const state = cursors.map(({ stream, partition, before }): StateEntry => ({
    stream,
    partition,
    state: before?.state ?? {},
  }));
  const tables = notes
    .filter(({ table, rows }) => rows && table !== quarantineTable)
    .map(({ table }) => {
      const { inserted = 0, updated = 0, deleted = 0 } = record.counts[table] ?? {};
      return { table, removed: inserted, restored: updated + deleted };
    });
  return { loadId: record.loadId, pipeline: record.pipeline, tables, state };
}
