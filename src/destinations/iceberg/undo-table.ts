/** One table as it was before a load. */
import type { LoadedTable, TableCommit } from '../../iceberg/catalog.ts';
import { applyUpdates, moveBranch } from '../../iceberg/metadata-update.ts';
import type { MetadataUpdate } from '../../iceberg/metadata-update.ts';
import { mainBranch, snapshotById, snapshotOf } from '../../iceberg/metadata.ts';
import type { TableMetadata } from '../../iceberg/metadata.ts';
import { produceSnapshot } from '../../iceberg/snapshot-producer.ts';
import { stringifyJson } from '../../model/index.ts';
import type { Lakehouse } from './lakehouse.ts';
import { putBackState, readState } from './state-properties.ts';
import { requirementsOf } from './table-commit.ts';
import { definitionProperty } from './table-shape.ts';
import { isAsLeft } from './undo-notes.ts';
import type { CursorNote, TableNote } from './undo-notes.ts';
import { undoRefused } from './undo-refused.ts';
import { WorkingTable } from './working-table.ts';

/** Of which load a table is to be freed. */
export interface UndoneLoad {
  readonly loadId: string;
  readonly pipeline: string;
  readonly startedAt: string;
}

/** In the summary of a snapshot without rows that stands for a table before its first one. */
const undoneProperty = 'plumbing.undone-load-id';
/** What to do about later loads. */
export const laterFirst = 'take back what came later first, latest first, or mend the table by hand';

/**
 * Makes a table's part of the commit that takes a load back: the main branch at the snapshot of before, with its columns and
 * cursors. A table that had no snapshot then gets one without rows: readers differ in what a table without a current one means to
 * them. `written` are files that are left over when the commit is given up.
 *
 * @throws PlumbingError `UNDO_REFUSED` when anything but a compaction has changed the table since
 */
export async function undoTable(
  house: Lakehouse,
  load: UndoneLoad,
  note: TableNote,
): Promise<{ readonly commit: TableCommit; readonly written: readonly string[] }> {
  const refuse = (why: string, advice = laterFirst): Error =>
    undoRefused(house.path, load.loadId, `table "${note.table}": ${why}`, advice);
  const base = await house.load(note.table);
  if (!base) throw refuse('it is not there any more', 'there are no rows of it to take back');
  const { metadata } = base;
  if (note.rows) {
    if (note.isMixed || !isAsLeft(note, metadata))
      throw refuse('its columns were changed by another writer since');
    requireOnlyOwn(metadata, load.loadId, note.rows.before, refuse);
  }
  requireCursors(metadata, load.pipeline, note.cursors, refuse);
  if (note.rows) requireUnread(metadata, load, refuse);
  const updates: MetadataUpdate[] = columnUpdates(metadata, note);
  const rows = note.rows ? await rowUpdates(house, base, updates, load, note.rows.before) : nothing;
  updates.push(...rows.updates, ...putBackState(metadata, load.pipeline, note.cursors));
  const commit = { identifier: base.identifier, base, requirements: requirementsOf(base, true), updates };
  return { commit, written: rows.written };
}

interface RowUpdates {
  readonly updates: readonly MetadataUpdate[];
  readonly written: readonly string[];
}

const nothing: RowUpdates = { updates: [], written: [] };

/** Makes the error that says why. */
export type Refuse = (why: string, advice?: string) => Error;

/** Goes back from what readers see to the snapshot of before: on the way there may only be the load itself, and compactions. */
function requireOnlyOwn(
  metadata: TableMetadata,
  loadId: string,
  before: string | null,
  refuse: Refuse,
): void {
  let stranger: string | undefined;
  let isCut = false;
  let current = snapshotOf(metadata);
  while (current && current['snapshot-id'].toString() !== before) {
    const { summary } = current;
    if (before === null && summary[undoneProperty] !== undefined) break;
    const by = summary['plumbing.load-id'];
    if (by !== loadId && summary.operation !== 'replace')
      stranger ??= by === undefined ? 'another program has changed it since' : `load ${by} came after it`;
    const parent = current['parent-snapshot-id'];
    current = parent === undefined ? undefined : snapshotById(metadata, parent);
    isCut = parent !== undefined && !current;
  }
  if (!current && before !== null && !isCut)
    throw refuse('another program has put it at another snapshot since');
  if (stranger !== undefined) throw refuse(stranger);
  if (isCut) throw refuse('the snapshots of then have been expired', 'mend the table by hand');
}

/** Refuses when a cursor of the load is no longer what it has left. */
export function requireCursors(
  metadata: TableMetadata,
  pipeline: string,
  cursors: readonly CursorNote[],
  refuse: Refuse,
): void {
  const known = readState(metadata, pipeline);
  for (const { stream, partition, after } of cursors) {
    const entry = known.find((candidate) => candidate.stream === stream && candidate.partition === partition);
    if (entry && stringifyJson(entry.state) === stringifyJson(after)) continue;
    throw refuse(`the cursor of stream "${stream}" was moved since`);
  }
}

/** Another pipeline that has read the same rows since, and found them there, would never read them again. */
function requireUnread(metadata: TableMetadata, load: UndoneLoad, refuse: Refuse): void {
  for (const { pipeline, stream, updatedAt } of readState(metadata)) {
    if (pipeline === load.pipeline || updatedAt <= load.startedAt) continue;
    throw refuse(`pipeline "${pipeline}" has moved its cursor of stream "${stream}" since`);
  }
}

function columnUpdates(metadata: TableMetadata, { columns }: TableNote): MetadataUpdate[] {
  if (!columns) return [];
  const { schema, definition } = columns.before;
  return [
    ...(schema === metadata['current-schema-id']
      ? []
      : [{ action: 'set-current-schema', 'schema-id': schema } as const]),
    definition === null
      ? { action: 'remove-properties', removals: [definitionProperty] }
      : { action: 'set-properties', updates: { [definitionProperty]: definition } },
  ];
}

async function rowUpdates(
  house: Lakehouse,
  { metadata }: LoadedTable,
  columns: readonly MetadataUpdate[],
  { loadId }: UndoneLoad,
  before: string | null,
): Promise<RowUpdates> {
  const current = snapshotOf(metadata);
  if ((current?.['snapshot-id'].toString() ?? null) === before) return nothing;
  if (before !== null) return { updates: [moveBranch(metadata, mainBranch, BigInt(before))], written: [] };
  const { io, manifests, filePolicy } = house;
  const shape = applyUpdates(metadata, columns, Date.now());
  const work = new WorkingTable(io, manifests, shape, current, filePolicy);
  work.leaveBase();
  const changes = await work.finish();
  if (changes.removed.length === 0) return nothing;
  const summary = { [undoneProperty]: loadId };
  const { snapshot, written } = await produceSnapshot(io, manifests, shape, mainBranch, {
    ...changes,
    summary,
  });
  return {
    updates: [
      { action: 'add-snapshot', snapshot },
      moveBranch(metadata, mainBranch, snapshot['snapshot-id']),
    ],
    written,
  };
}
