/** Reads manifests and manifest lists, which never change. */
import { PlumbingError } from '../errors/index.ts';
import type { ManifestEntry, ManifestFile } from './data-file.ts';
import type { FileIo } from './file-io.ts';
import { decodeManifest } from './manifest.ts';
import { decodeManifestList } from './manifest-list.ts';
import { schemaOf, specOf } from './metadata.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';

/** Manifests that are kept in memory. */
const maxManifests = 200;

/** Reads manifests, the latest ones once: they never change. */
export class ManifestReader {
  readonly #io: FileIo;
  readonly #entries = new Map<string, readonly ManifestEntry[]>();
  /** The newest list: others are not asked for again. */
  #list: { readonly location: string; readonly manifests: readonly ManifestFile[] } | undefined;

  constructor(io: FileIo) {
    this.#io = io;
  }

  /** The manifests of a snapshot; none without a snapshot. */
  async list(snapshot: Snapshot | undefined): Promise<readonly ManifestFile[]> {
    if (!snapshot) return [];
    const location = snapshot['manifest-list'];
    if (this.#list?.location === location) return this.#list.manifests;
    const manifests = decodeManifestList(await this.#io.read(location), location);
    if (manifests.length === 0 && Number(snapshot.summary['total-records'] ?? 0) > 0) {
      throw new PlumbingError(
        'DEST_CORRUPT',
        `${location} names no manifest, though its snapshot has rows; restore it from a backup`,
      );
    }
    this.#list = { location, manifests };
    return manifests;
  }

  /** The entries of a manifest, deleted ones included. */
  async entries(manifest: ManifestFile, metadata: TableMetadata): Promise<readonly ManifestEntry[]> {
    const { location } = manifest;
    const known = this.#entries.get(location);
    if (known) return known;
    const bytes = await this.#io.read(location);
    // One that ends where a block does would look whole, and its rows would be missing.
    if (BigInt(bytes.byteLength) !== manifest.lengthBytes) {
      throw new PlumbingError(
        'DEST_CORRUPT',
        `${location} has ${bytes.byteLength} bytes, not ${manifest.lengthBytes}; restore it from a backup`,
      );
    }
    const entries = decodeManifest(bytes, manifest, specOf(metadata, manifest.specId), schemaOf(metadata));
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < maxManifests) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(location, entries);
    return entries;
  }
}
