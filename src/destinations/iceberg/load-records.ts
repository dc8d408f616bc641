/** Run records, in the properties of a bookkeeping table. */
import type { TableMetadata } from '../../iceberg/metadata.ts';
import type { MetadataUpdate } from '../../iceberg/metadata-update.ts';
import type { LoadRecord } from '../../model/index.ts';

/** The table whose properties hold run records, and cursors that belong to no table. It has no rows. */
export const loadsTable = '_plumbing_loads';

/** A record as it is stored: with the token of the commit that wrote it, by which a lost answer is looked up. */
export interface StoredRecord extends LoadRecord {
  readonly commitToken: string;
}

const prefix = 'plumbing.load.';
/** Records kept. */
const maxRecords = 50;
/** Reasons are for people; a huge one would be a dump. */
const maxErrorLength = 1_000;

/** All records, latest first. */
export function readRecords(metadata: TableMetadata | undefined): StoredRecord[] {
  return Object.entries(metadata?.properties ?? {})
    .filter(([key]) => key.startsWith(prefix))
    .map(([, text]) => JSON.parse(text) as StoredRecord)
    .toSorted((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1));
}

/** The changes that store a record, and forget the oldest ones. */
export function recordUpdates(metadata: TableMetadata | undefined, record: StoredRecord): MetadataUpdate[] {
  const { error } = record;
  const stored: StoredRecord = {
    ...record,
    error: error === null ? null : error.toWellFormed().slice(0, maxErrorLength),
  };
  const others = readRecords(metadata).filter(({ loadId }) => loadId !== record.loadId);
  const old = others.slice(maxRecords - 1).map(({ loadId }) => `${prefix}${loadId}`);
  return [
    { action: 'set-properties', updates: { [`${prefix}${record.loadId}`]: JSON.stringify(stored) } },
    ...(old.length > 0 ? [{ action: 'remove-properties', removals: old } as const] : []),
  ];
}

function sortKey({ startedAt, loadId }: LoadRecord): string {
  return `${startedAt} ${loadId}`;
}
