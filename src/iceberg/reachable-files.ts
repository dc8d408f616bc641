/** Which files the snapshots of a table need. */
import type { ManifestReader } from './manifest-reader.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';

/** Locations of manifest lists, manifests, data files and delete files that some snapshots need. */
export async function reachableFiles(
  reader: ManifestReader,
  metadata: TableMetadata,
  snapshots: readonly Snapshot[],
): Promise<Set<string>> {
  const reachable = new Set<string>();
  for (const snapshot of snapshots) {
    reachable.add(snapshot['manifest-list']);
    for (const manifest of await reader.list(snapshot)) {
      // Its files are known already: many snapshots share a manifest.
      if (reachable.has(manifest.location)) continue;
      reachable.add(manifest.location);
      for (const entry of await reader.entries(manifest, metadata)) {
        if (entry.status !== 'deleted') reachable.add(entry.file.location);
      }
    }
  }
  return reachable;
}

/** Files that only the snapshots in `gone` need, and none of those in `kept`. */
export async function onlyReachableFrom(
  reader: ManifestReader,
  metadata: TableMetadata,
  gone: readonly Snapshot[],
  kept: readonly Snapshot[],
): Promise<string[]> {
  const needed = await reachableFiles(reader, metadata, kept);
  const before = await reachableFiles(reader, metadata, gone);
  return [...before].filter((location) => !needed.has(location));
}
