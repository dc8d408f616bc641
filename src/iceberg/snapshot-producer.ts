/** Makes snapshots: manifests and a manifest list for files that come and go. */
import { randomInt, randomUUID } from 'node:crypto';
import { failpoint } from '../failpoints/index.ts';
import { allOf } from './all-of.ts';
import type { DataFile, ManifestEntry, ManifestFile } from './data-file.ts';
import type { FileChanges, LiveFile } from './file-changes.ts';
import type { FileIo } from './file-io.ts';
import { encodeManifest } from './manifest.ts';
import { encodeManifestList } from './manifest-list.ts';
import type { ManifestReader } from './manifest-reader.ts';
import { schemaOf, snapshotOf, specOf } from './metadata.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';
import { summarizePartitions } from './partition-summary.ts';
import { summaryOf } from './snapshot-summary.ts';

/** A snapshot that is ready to be committed, and the files that would be left over if it is not. */
export interface ProducedSnapshot {
  readonly snapshot: Snapshot;
  readonly written: readonly string[];
}

/** Manifests of one kind and spec from which on they are merged, unless the table says otherwise. */
const defaultMergeCount = 50;
/** Larger manifests are left alone. */
const mergeBytes = 8n * 1024n * 1024n;

/**
 * Writes the manifests and the manifest list of a snapshot that follows the one of `branch`. Nothing is visible yet: the
 * snapshot must be committed to the catalog.
 */
export async function produceSnapshot(
  io: FileIo,
  reader: ManifestReader,
  metadata: TableMetadata,
  branch: string,
  changes: FileChanges,
): Promise<ProducedSnapshot> {
  const writer = new ManifestWriter(io, metadata);
  const parent = snapshotOf(metadata, branch);
  try {
    const manifests = await allOf(bySpec(changes.added).map((group) => writer.writeAdded(group)));
    const touched = new Map<string, ManifestEntry[]>();
    for (const manifest of await reader.list(parent)) {
      const removed = changes.removed.filter((file) => file.manifest.location === manifest.location);
      if (removed.length > 0) {
        const key = `${manifest.content} ${manifest.specId}`;
        const entries = writer.entriesWithout(await reader.entries(manifest, metadata), removed);
        touched.set(key, [...(touched.get(key) ?? []), ...entries]);
      } else if (manifest.addedFiles + manifest.existingFiles > 0) {
        manifests.push(manifest);
      }
    }
    for (const entries of touched.values()) manifests.push(await writer.writeEntries(entries));
    const merged = await writer.merge(reader, manifests);
    failpoint('iceberg.manifests_written');
    const snapshot = await writer.writeList(parent, merged, changes);
    return { snapshot, written: writer.written };
  } catch (error) {
    await removeQuietly(io, writer.written);
    throw error;
  }
}

/** Removes files of a try that failed; what can't be removed is left to the orphan sweep. */
export async function removeQuietly(io: FileIo, locations: readonly string[]): Promise<void> {
  await Promise.allSettled(locations.map((location) => io.remove(location)));
}

function bySpec(files: readonly DataFile[]): DataFile[][] {
  const groups = new Map<string, DataFile[]>();
  for (const file of files) {
    const key = `${file.content === 'data' ? 'data' : 'deletes'} ${file.specId}`;
    const group = groups.get(key);
    if (group) group.push(file);
    else groups.set(key, [file]);
  }
  return [...groups.values()];
}

class ManifestWriter {
  readonly written: string[] = [];
  readonly #io: FileIo;
  readonly #metadata: TableMetadata;
  readonly #snapshotId: bigint;
  readonly #sequenceNumber: bigint;
  readonly #prefix: string;
  #serial = 0;

  constructor(io: FileIo, metadata: TableMetadata) {
    this.#io = io;
    this.#metadata = metadata;
    // Below 2^53, for the sake of readers that take ids for doubles.
    this.#snapshotId = BigInt(randomInt(1, 2 ** 48 - 1));
    this.#sequenceNumber = metadata['last-sequence-number'] + 1n;
    this.#prefix = `${metadata.location}/metadata`;
  }

  async writeAdded(files: readonly DataFile[]): Promise<ManifestFile> {
    return this.writeEntries(files.map((file) => this.#added(file)));
  }

  #added(file: DataFile): ManifestEntry {
    return {
      status: 'added',
      snapshotId: this.#snapshotId,
      sequenceNumber: this.#sequenceNumber,
      fileSequenceNumber: this.#sequenceNumber,
      file,
    };
  }

  /** The entries of a manifest in which some files are gone. */
  entriesWithout(entries: readonly ManifestEntry[], removed: readonly LiveFile[]): ManifestEntry[] {
    const gone = new Set(removed.map(({ entry }) => entry.file.location));
    const live = entries.filter((entry) => entry.status !== 'deleted');
    return live.map((entry): ManifestEntry =>
      gone.has(entry.file.location)
        ? { ...entry, status: 'deleted', snapshotId: this.#snapshotId }
        : { ...entry, status: 'existing' },
    );
  }

  /** Writes entries of one kind and spec. */
  async writeEntries(entries: readonly ManifestEntry[]): Promise<ManifestFile> {
    const { file } = entries[0] as ManifestEntry;
    return this.#write(file.specId, file.content === 'data' ? 'data' : 'deletes', entries);
  }

  /** Puts many small manifests into one. */
  async merge(reader: ManifestReader, manifests: readonly ManifestFile[]): Promise<ManifestFile[]> {
    const { properties } = this.#metadata;
    const wanted = Number(properties['commit.manifest.min-count-to-merge'] ?? defaultMergeCount);
    const groups = new Map<string, ManifestFile[]>();
    for (const manifest of manifests) {
      const key = `${manifest.content} ${manifest.specId}`;
      groups.set(key, [...(groups.get(key) ?? []), manifest]);
    }
    const result: ManifestFile[] = [];
    for (const group of groups.values()) {
      const small = group.filter(({ lengthBytes }) => lengthBytes < mergeBytes);
      if (small.length < wanted || small.length < 2) {
        result.push(...group);
        continue;
      }
      const entries: ManifestEntry[] = [];
      for (const manifest of small) {
        const isOwn = manifest.addedSnapshotId === this.#snapshotId;
        for (const entry of await reader.entries(manifest, this.#metadata)) {
          if (isOwn) entries.push(entry);
          else if (entry.status !== 'deleted') entries.push({ ...entry, status: 'existing' });
        }
      }
      const { specId, content } = small[0] as ManifestFile;
      result.push(await this.#write(specId, content, entries));
      result.push(...group.filter((manifest) => !small.includes(manifest)));
    }
    return result;
  }

  async writeList(
    parent: Snapshot | undefined,
    manifests: readonly ManifestFile[],
    changes: FileChanges,
  ): Promise<Snapshot> {
    const parentId = parent?.['snapshot-id'];
    const location = `${this.#prefix}/snap-${this.#snapshotId}-1-${randomUUID()}.avro`;
    const bytes = encodeManifestList(
      {
        snapshotId: this.#snapshotId,
        parentSnapshotId: parentId,
        sequenceNumber: this.#sequenceNumber,
      },
      manifests,
    );
    await this.#store(location, bytes);
    return {
      'snapshot-id': this.#snapshotId,
      ...(parentId !== undefined && { 'parent-snapshot-id': parentId }),
      'sequence-number': this.#sequenceNumber,
      'timestamp-ms': Math.max(Date.now(), this.#metadata['last-updated-ms']),
      'manifest-list': location,
      summary: summaryOf(parent, changes),
      'schema-id': this.#metadata['current-schema-id'],
    };
  }

  async #write(
    specId: number,
    content: 'data' | 'deletes',
    entries: readonly ManifestEntry[],
  ): Promise<ManifestFile> {
    const location = `${this.#prefix}/${randomUUID()}-m${this.#serial++}.avro`;
    const schema = schemaOf(this.#metadata);
    const spec = specOf(this.#metadata, specId);
    const bytes = encodeManifest({ spec, schema, snapshotId: this.#snapshotId }, content, entries);
    await this.#store(location, bytes);
    const count = (status: ManifestEntry['status']): ManifestEntry[] =>
      entries.filter((entry) => entry.status === status);
    const rows = (some: readonly ManifestEntry[]): bigint =>
      some.reduce((sum, entry) => sum + entry.file.recordCount, 0n);
    const [added, existing, deleted] = [count('added'), count('existing'), count('deleted')];
    const numbers = [...added, ...existing].map((entry) => entry.sequenceNumber);
    return {
      location,
      lengthBytes: BigInt(bytes.byteLength),
      specId,
      content,
      sequenceNumber: this.#sequenceNumber,
      minSequenceNumber: numbers.reduce((low, number) => (number < low ? number : low), this.#sequenceNumber),
      addedSnapshotId: this.#snapshotId,
      addedFiles: added.length,
      existingFiles: existing.length,
      deletedFiles: deleted.length,
      addedRows: rows(added),
      existingRows: rows(existing),
      deletedRows: rows(deleted),
      partitions: summarizePartitions(spec, schema, entries),
    };
  }

  async #store(location: string, bytes: Uint8Array): Promise<void> {
    this.written.push(location);
    await this.#io.write(location, bytes);
  }
}
