/** Files that lie in a table's folder and that nothing needs: leftovers of processes that were killed. */
import type { LoadedTable } from './catalog.ts';
import type { FileIo, ListedFile } from './file-io.ts';
import type { ManifestReader } from './manifest-reader.ts';
import { reachableFiles } from './reachable-files.ts';

/**
 * Finds them. Files that are younger than `olderThanMs` (milliseconds since 1970) never count: they may belong to a commit
 * that is under way.
 */
export async function orphanFiles(
  io: FileIo,
  reader: ManifestReader,
  { metadata, metadataLocation }: LoadedTable,
  olderThanMs: number,
): Promise<ListedFile[]> {
  const found: ListedFile[] = [];
  // Listed before it is asked what is needed: a file that comes between the two is not taken for an orphan.
  for await (const file of io.list(`${metadata.location}/`)) {
    if (file.modifiedMs < olderThanMs) found.push(file);
  }
  const needed = await reachableFiles(reader, metadata, metadata.snapshots);
  needed.add(metadataLocation);
  for (const { 'metadata-file': location } of metadata['metadata-log']) needed.add(location);
  // Spark writes file:/data for what is file:///data elsewhere, and s3a for s3.
  const known = new Set([...needed].map(spelled));
  return found.filter(({ location }) => !known.has(spelled(location)));
}

/** One spelling for all that name the same file. */
function spelled(location: string): string {
  return location.replace(/^file:\/+/, 'file:///').replace(/^s3[an]:/, 's3:');
}
