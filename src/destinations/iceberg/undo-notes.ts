/** What has to be known of a load to take it back: how its tables and cursors were before it. */
import { createHash } from 'node:crypto';
import type { TableCommit } from '../../iceberg/catalog.ts';
import { applyUpdates } from '../../iceberg/metadata-update.ts';
import { mainBranch } from '../../iceberg/metadata.ts';
import type { TableMetadata } from '../../iceberg/metadata.ts';
import { stringifyJson } from '../../model/index.ts';
import type { PartitionState, StateEntry } from '../../model/index.ts';
import { readState } from './state-properties.ts';
import type { StoredState } from './state-properties.ts';
import { definitionProperty } from './table-shape.ts';

/** A cursor that a load has moved. */
export interface CursorNote extends Pick<StateEntry, 'stream' | 'partition'> {
  /** `null`: there was none. */
  readonly before: Pick<StoredState, 'state' | 'updatedAt'> | null;
  readonly after: PartitionState;
}

/** A table whose rows, columns or cursors a load has changed, for its readers. */
export interface TableNote {
  readonly table: string;
  /** The schema that the load has left. */
  readonly schema: number;
  /** The snapshot that readers saw before, `null` for none; absent when only cursors have moved. */
  readonly rows?: { readonly before: string | null };
  /** Absent when the columns stayed, or the load has made the table. `after` is the digest of the definition that it has left. */
  readonly columns?: {
    readonly before: { readonly schema: number; readonly definition: string | null };
    readonly after: string;
  };
  readonly cursors: readonly CursorNote[];
  /** Between two commits of the load another writer has changed the columns. */
  readonly isMixed?: true;
}

/** The notes of a load with those of one more commit of it. Changes of other branches than `main` are none. */
export function noteCommits(
  notes: readonly TableNote[],
  pipeline: string,
  commits: readonly TableCommit[],
): TableNote[] {
  const next = new Map(notes.map((note) => [note.table, note]));
  for (const { identifier, base, updates } of commits) {
    const before = base?.metadata;
    const after = applyUpdates(before, updates, Date.now());
    const note = noteTable(next.get(identifier.name), identifier.name, pipeline, before, after);
    if (note) next.set(identifier.name, note);
  }
  return [...next.values()];
}

/** Tells definitions apart. */
export function definitionDigest(metadata: TableMetadata): string {
  return createHash('sha256')
    .update(metadata.properties[definitionProperty] ?? '')
    .digest('hex')
    .slice(0, 16);
}

function noteTable(
  known: TableNote | undefined,
  table: string,
  pipeline: string,
  before: TableMetadata | undefined,
  after: TableMetadata,
): TableNote | undefined {
  const movesRows = mainOf(before) !== mainOf(after);
  const movesColumns = before !== undefined && !sameColumns(before, after);
  const cursors = movedCursors(known?.cursors ?? [], pipeline, before, after);
  if (!known && !movesRows && !movesColumns && cursors.length === 0) return undefined;
  const rows = known?.rows ?? (movesRows || movesColumns ? { before: mainOf(before) } : undefined);
  const columns = movesColumns
    ? { before: known?.columns?.before ?? columnsOf(before), after: definitionDigest(after) }
    : known?.columns;
  const isMixed = known?.isMixed === true || (known && before && !isAsLeft(known, before)) === true;
  return {
    table,
    schema: after['current-schema-id'],
    ...(rows && { rows }),
    ...(columns && { columns }),
    cursors,
    ...(isMixed && { isMixed: true as const }),
  };
}

/** Whether the columns are as the load has left them. */
export function isAsLeft({ schema, columns }: TableNote, metadata: TableMetadata): boolean {
  return (
    metadata['current-schema-id'] === schema && (!columns || definitionDigest(metadata) === columns.after)
  );
}

function mainOf(metadata: TableMetadata | undefined): string | null {
  return metadata?.refs[mainBranch]?.['snapshot-id'].toString() ?? null;
}

function columnsOf(metadata: TableMetadata): NonNullable<TableNote['columns']>['before'] {
  return {
    schema: metadata['current-schema-id'],
    definition: metadata.properties[definitionProperty] ?? null,
  };
}

function sameColumns(a: TableMetadata, b: TableMetadata): boolean {
  const [of, and] = [columnsOf(a), columnsOf(b)];
  return of.schema === and.schema && of.definition === and.definition;
}

function movedCursors(
  known: readonly CursorNote[],
  pipeline: string,
  before: TableMetadata | undefined,
  after: TableMetadata,
): CursorNote[] {
  const old = before ? readState(before, pipeline) : [];
  const notes = new Map(known.map((note) => [cursorKey(note), note]));
  for (const entry of readState(after, pipeline)) {
    const key = cursorKey(entry);
    const was = old.find((candidate) => cursorKey(candidate) === key);
    if (was && stringifyJson(was.state) === stringifyJson(entry.state)) continue;
    const first = was ? { state: was.state, updatedAt: was.updatedAt } : null;
    const { stream, partition, state } = entry;
    const earlier = notes.get(key);
    notes.set(key, { stream, partition, before: earlier ? earlier.before : first, after: state });
  }
  return [...notes.values()];
}

function cursorKey({ stream, partition }: Pick<StateEntry, 'stream' | 'partition'>): string {
  return JSON.stringify([stream, partition]);
}
