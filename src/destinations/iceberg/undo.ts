/** Takes back a load by the snapshots of before it, in one commit of the catalog. */
import { removeQuietly } from '../../iceberg/snapshot-producer.ts';
import type { TableCommit } from '../../iceberg/catalog.ts';
import type { UndoReport } from '../../model/index.ts';
import { commitTables } from './commit-tables.ts';
import type { PreparedCommit } from './commit-tables.ts';
import type { Lakehouse } from './lakehouse.ts';
import { findRecord, undoReport, undoableLoad, undoneRecord } from './undo-record.ts';
import type { UndoableLoad } from './undo-record.ts';
import { undoRefused } from './undo-refused.ts';
import { laterFirst, requireCursors, undoTable } from './undo-table.ts';

/** Takes back a load of which nothing runs any more: the caller holds the lock of its pipeline. */
export type Undo = (house: Lakehouse, loadId: string, signal: AbortSignal) => Promise<UndoReport>;

interface PreparedUndo extends PreparedCommit {
  readonly load: UndoableLoad | undefined;
}

/**
 * The catalog has to keep the snapshots of its tables. When another commit comes first, all is looked at again.
 *
 * @throws PlumbingError `UNDO_REFUSED`, as `commitTables`, and as reading the warehouse
 */
export const undoBySnapshots: Undo = async (house, loadId, signal) => {
  const tokens = new Set<string>();
  const isThere = async (...some: string[]): Promise<boolean> => {
    const found = await findRecord(house, loadId);
    return found !== undefined && some.includes(found.record.commitToken);
  };
  const prepare = async (token: string): Promise<PreparedUndo> => {
    try {
      return await prepareUndo(house, loadId, token);
    } catch (error) {
      // An earlier try that nobody answered may have come late, and is what stands in the way; it is found by its token.
      if (await isThere(...tokens)) return { load: undefined, commits: [], discard: async () => {} };
      throw error;
    } finally {
      tokens.add(token);
    }
  };
  const { prepared } = await commitTables(house, { prepare, isThere }, signal);
  return undoReport(prepared.load as UndoableLoad);
};

async function prepareUndo(house: Lakehouse, loadId: string, token: string): Promise<PreparedUndo> {
  const load = await undoableLoad(house, loadId);
  const { records, record, homeless } = load;
  requireCursors(records.metadata, record.pipeline, homeless, (why, advice = laterFirst) =>
    undoRefused(house.path, loadId, why, advice),
  );
  const commits: TableCommit[] = [];
  const written: string[] = [];
  const discard = (): Promise<void> => removeQuietly(house.io, written);
  try {
    for (const note of load.notes) {
      const { commit, written: files } = await undoTable(house, load.record, note);
      written.push(...files);
      if (commit.updates.length > 0) commits.push(commit);
    }
  } catch (error) {
    await discard();
    throw error;
  }
  return { load, commits: [...commits, undoneRecord(load, token)], discard };
}
