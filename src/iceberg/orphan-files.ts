/** Files that lie in a table's folder and that nothing needs: leftovers of processes that were killed. */
import type { LoadedTable } from './catalog.ts';
import type { FileIo, ListedFile } from './file-io.ts';
import type { ManifestReader } from './manifest-reader.ts';
import type { TableMetadata } from './metadata.ts';
import { reachableFiles } from './reachable-files.ts';

/**
 * Finds them. Files that are younger than `olderThanMs` (milliseconds since 1970) never count: they may belong to a commit
 * that is under way. Nothing is found where the folder does not show the table's own metadata file, which would be a sign of two
 * spellings, nor where another table has its metadata in the same folder: its files look just like leftovers.
 */
export async function orphanFiles(
  io: FileIo,
  reader: ManifestReader,
  { metadata, metadataLocation }: LoadedTable,
  olderThanMs: number,
): Promise<ListedFile[]> {
  const listed: ListedFile[] = [];
  // Listed before it is asked what is needed: a file that comes between the two is not taken for an orphan.
  for await (const file of io.list(`${metadata.location.replace(/\/+$/, '')}/`)) listed.push(file);
  const needed = await reachableFiles(reader, metadata, metadata.snapshots);
  needed.add(metadataLocation);
  for (const { 'metadata-file': location } of metadata['metadata-log']) needed.add(location);
  for (const location of statisticsFiles(metadata)) needed.add(location);
  // Spark writes file:/data for what is file:///data elsewhere, and s3a for s3.
  const known = new Set([...needed].map(spelled));
  const own = spelled(metadataLocation);
  if (!listed.some(({ location }) => spelled(location) === own)) return [];
  const unknown = listed.filter(({ location }) => !known.has(spelled(location)));
  const leftovers = unknown.filter(({ modifiedMs }) => modifiedMs < olderThanMs);
  // Metadata files are many, and large: they are read only where something would be removed.
  if (leftovers.length === 0 || (await holdsOtherTable(io, unknown, metadata['table-uuid']))) return [];
  return leftovers;
}

/** Two catalogs over one warehouse may have put tables of one name into one folder. */
async function holdsOtherTable(io: FileIo, files: readonly ListedFile[], uuid: string): Promise<boolean> {
  for (const { location } of files) {
    if (!location.endsWith('.metadata.json')) continue;
    const text = new TextDecoder().decode(await io.read(location));
    // A file that was cut off has none, and belongs to nobody.
    const [, found] = /"table-uuid"\s*:\s*"([^"]+)"/.exec(text) ?? [];
    if (found !== undefined && found !== uuid) return true;
  }
  return false;
}

/** What other programs have computed of snapshots. */
function statisticsFiles(metadata: TableMetadata): string[] {
  const { statistics = [], 'partition-statistics': ofPartitions = [] } = metadata as {
    readonly statistics?: readonly { readonly 'statistics-path': string }[];
    readonly 'partition-statistics'?: readonly { readonly 'statistics-path': string }[];
  };
  return [...statistics, ...ofPartitions].map((file) => file['statistics-path']);
}

/** One spelling for all that name the same file. */
function spelled(location: string): string {
  const [scheme = ''] = /^\w+:\/*/.exec(location) ?? [];
  const path = location.slice(scheme.length).replace(/\/{2,}/g, '/');
  return `${scheme.replace(/^file:\/+/, 'file:///').replace(/^s3[an]:/, 's3:')}${path}`;
}
