/** Files that come to a table, and files that go. */
import type { DataFile, ManifestEntry, ManifestFile } from './data-file.ts';
import type { Operation } from './metadata.ts';

/** A file that a table has, and the manifest that says so. */
export interface LiveFile {
  readonly entry: ManifestEntry;
  readonly manifest: ManifestFile;
}

/** What a snapshot changes. */
export interface FileChanges {
  readonly added: readonly DataFile[];
  readonly removed: readonly LiveFile[];
  /** `replace`: the same rows in other files. Default: what the files say. */
  readonly operation?: Operation;
  /** Added to the summary. */
  readonly summary?: Readonly<Record<string, string>>;
}
