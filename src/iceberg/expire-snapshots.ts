/** Forgetting old snapshots, so that metadata stays small and files that nobody needs can go. */
import type { MetadataUpdate } from './metadata-update.ts';
import { mainBranch, snapshotById } from './metadata.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';

/** Which snapshots stay. */
export interface Retention {
  /** Snapshots of this time and later stay; milliseconds since 1970. */
  readonly olderThanMs: number;
  /** So many of the newest of the main branch stay, whatever their age. At least 1. */
  readonly retainLast: number;
}

/** The snapshots that may be forgotten: old, not among the newest, and not what a branch or tag points to. */
export function expiredSnapshots(
  metadata: TableMetadata,
  { olderThanMs, retainLast }: Retention,
): readonly Snapshot[] {
  const kept = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']));
  let newest = snapshotById(metadata, metadata.refs[mainBranch]?.['snapshot-id'] ?? -1n);
  const wanted = metadata.refs[mainBranch]?.['min-snapshots-to-keep'] ?? 1;
  for (let i = 0; i < Math.max(1, retainLast, wanted) && newest; i++) {
    kept.add(newest['snapshot-id']);
    const parent = newest['parent-snapshot-id'];
    newest = parent === undefined ? undefined : snapshotById(metadata, parent);
  }
  return metadata.snapshots.filter(
    (snapshot) => !kept.has(snapshot['snapshot-id']) && snapshot['timestamp-ms'] < olderThanMs,
  );
}

/** The change that forgets them. */
export function expireUpdates(expired: readonly Snapshot[]): MetadataUpdate[] {
  if (expired.length === 0) return [];
  return [{ action: 'remove-snapshots', 'snapshot-ids': expired.map((snapshot) => snapshot['snapshot-id']) }];
}
