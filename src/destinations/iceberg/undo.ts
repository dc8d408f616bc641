/** Takes back a load by the snapshots of before it, in one commit of the catalog. */
import { removeQuietly } from '../../iceberg/snapshot-producer.ts';
import type { TableCommit } from '../../iceberg/catalog.ts';
import type { UndoReport } from '../../model/index.ts';
import { commitTables } from './commit-tables.ts';
import type { PreparedCommit } from './commit-tables.ts';
import type { Lakehouse } from './lakehouse.ts';
import { findRecord, undoReport, undoableLoad, undoneRecord } from './undo-record.ts';
import type { UndoableLoad } from './undo-record.ts';
import { undoTable } from './undo-table.ts';

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
  const prepare = async (token: string): Promise<PreparedUndo> => {
    // A try that nobody answered may have come late; then it is found by its token.
    const found = await findRecord(house, loadId);
    if (found && tokens.has(found.record.commitToken))
      return { load: undefined, commits: [], discard: async () => {} };
    tokens.add(token);
    const load = await undoableLoad(house, loadId);
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
  };
  const isThere = async (token: string): Promise<boolean> =>
    (await findRecord(house, loadId))?.record.commitToken === token;
  const { prepared } = await commitTables(house, { prepare, isThere }, signal);
  return undoReport(prepared.load as UndoableLoad);
};
