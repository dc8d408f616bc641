/** Run records, in the properties of a bookkeeping table. */
import type { TableMetadata } from '../../iceberg/metadata.ts';
import type { MetadataUpdate } from '../../iceberg/metadata-update.ts';
import type { LoadRecord } from '../../model/index.ts';
import { decodeJson, encodeJson } from '../../model/json-text.ts';
import type { TableNote } from './undo-notes.ts';

/** The table whose properties hold run records, and cursors that belong to no table. It has no rows. */
export const loadsTable = '_plumbing_loads';

/** A record as it is stored: with the token of the commit that wrote it, by which a lost answer is looked up. */
export interface StoredRecord extends LoadRecord {
  readonly commitToken: string;
}

const prefix = 'plumbing.load.';
const notesPrefix = 'plumbing.undo.';
/** Records kept. */
const maxRecords = 50;
/** Characters of notes kept: every commit writes all of them. */
const maxNotesLength = 1_000_000;
/** Reasons are for people; a huge one would be a dump. */
const maxErrorLength = 1_000;

/** All records, latest first. */
export function readRecords(metadata: TableMetadata | undefined): StoredRecord[] {
  return Object.entries(metadata?.properties ?? {})
    .filter(([key]) => key.startsWith(prefix))
    .map(([, text]) => JSON.parse(text) as StoredRecord)
    .toSorted((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1));
}

/** The loads that have been taken back, of those whose records are kept. */
export function undoneLoads(metadata: TableMetadata | undefined): ReadonlySet<string> {
  const undone = readRecords(metadata).filter(({ status }) => status === 'undone');
  return new Set(undone.map(({ loadId }) => loadId));
}

/** What undo has to know of a load; `undefined` when nothing was kept. */
export function readNotes(metadata: TableMetadata | undefined, loadId: string): TableNote[] | undefined {
  const text = metadata?.properties[`${notesPrefix}${loadId}`];
  return text === undefined ? undefined : (decodeJson(text) as unknown as TableNote[]);
}

/** The changes that store a record with its notes, and forget the oldest ones. Without `notes` its own are forgotten as well. */
export function recordUpdates(
  metadata: TableMetadata | undefined,
  record: StoredRecord,
  notes: readonly TableNote[] | undefined,
): MetadataUpdate[] {
  const { error } = record;
  const stored: StoredRecord = {
    ...record,
    error: error === null ? null : error.toWellFormed().slice(0, maxErrorLength),
  };
  const others = readRecords(metadata).filter(({ loadId }) => loadId !== record.loadId);
  const old = others.slice(maxRecords - 1).map(({ loadId }) => `${prefix}${loadId}`);
  const ownNotes = `${notesPrefix}${record.loadId}`;
  // Cursors that are no JSON have been refused before.
  const text = notes && encodeJson(notes);
  const kept = keptNotes(metadata, others.slice(0, maxRecords - 1), maxNotesLength - (text?.length ?? 0));
  const noted = Object.keys(metadata?.properties ?? {}).filter((key) => key.startsWith(notesPrefix));
  const removals = [...old, ...noted.filter((key) => !kept.has(key) && (key !== ownNotes || !text))];
  return [
    {
      action: 'set-properties',
      updates: {
        [`${prefix}${record.loadId}`]: JSON.stringify(stored),
        ...(text !== undefined && { [ownNotes]: text }),
      },
    },
    ...(removals.length > 0 ? [{ action: 'remove-properties', removals } as const] : []),
  ];
}

/** The properties with the notes of the latest loads, as many as have space. */
function keptNotes(
  metadata: TableMetadata | undefined,
  records: readonly StoredRecord[],
  space: number,
): Set<string> {
  const kept = new Set<string>();
  let left = space;
  for (const { loadId } of records) {
    const key = `${notesPrefix}${loadId}`;
    left -= metadata?.properties[key]?.length ?? 0;
    if (left < 0) break;
    kept.add(key);
  }
  return kept;
}

function sortKey({ startedAt, loadId }: LoadRecord): string {
  return `${startedAt} ${loadId}`;
}
