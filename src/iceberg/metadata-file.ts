/** Metadata files: one for each state of a table, named by the one after. */
import { randomUUID } from 'node:crypto';
import { failpoint } from '../failpoints/index.ts';
import type { LoadedTable, TableCommit } from './catalog.ts';
import type { FileIo } from './file-io.ts';
import { applyUpdates } from './metadata-update.ts';
import { metadataText, parseMetadata } from './metadata.ts';
import type { TableMetadata } from './metadata.ts';

/** Earlier metadata files that a table keeps, unless its properties say otherwise. */
export const defaultPreviousVersions = 20;

/** A metadata file that was written, and those that the table no longer names. */
export interface WrittenMetadata extends LoadedTable {
  readonly dropped: readonly string[];
}

/** Reads a metadata file. */
export async function readMetadata(io: FileIo, location: string): Promise<TableMetadata> {
  return parseMetadata(new TextDecoder().decode(await io.read(location)), location);
}

/** Writes the metadata file of a table after some changes. It becomes the table's when a catalog names it. */
export async function writeMetadata(io: FileIo, change: TableCommit): Promise<WrittenMetadata> {
  const { base, identifier, updates } = change;
  const changed = applyUpdates(base?.metadata, updates, Date.now());
  const log = base
    ? [
        ...changed['metadata-log'],
        { 'metadata-file': base.metadataLocation, 'timestamp-ms': base.metadata['last-updated-ms'] },
      ]
    : [];
  const wanted = changed.properties['write.metadata.previous-versions-max'];
  const kept = log.slice(-Math.max(1, Number(wanted ?? defaultPreviousVersions)));
  const metadata: TableMetadata = { ...changed, 'metadata-log': kept };
  const location = `${metadata.location}/metadata/${nextVersion(base)}-${randomUUID()}.metadata.json`;
  await io.write(location, new TextEncoder().encode(metadataText(metadata)));
  failpoint('iceberg.metadata_written');
  const dropped = log.slice(0, log.length - kept.length).map((item) => item['metadata-file']);
  const removes = metadata.properties['write.metadata.delete-after-commit.enabled'] === 'true';
  return { identifier, metadata, metadataLocation: location, dropped: removes ? dropped : [] };
}

function nextVersion(base: LoadedTable | undefined): string {
  const [, number] = /\/(\d+)-[^/]*$/.exec(base?.metadataLocation ?? '') ?? [];
  return String(number === undefined ? 0 : Number(number) + 1).padStart(5, '0');
}
