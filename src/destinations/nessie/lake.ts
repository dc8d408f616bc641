/** The tables of a reference for readers that look again and again: all of one commit at a time. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { stateFolder } from '../../config/index.ts';
import { FileCache } from '../../iceberg/file-cache.ts';
import type { Lakehouse } from '../iceberg/lakehouse.ts';
import { openNessie } from './open-nessie.ts';
import { serverUrl } from './options.ts';
import type { NessieOptions } from './options.ts';

/** Copies of data files that are kept. */
const maxCacheBytes = 2 * 1024 ** 3;

/** What {@link openNessieLake} gives. */
export interface NessieLake {
  readonly house: Lakehouse;
  /** Copies of data files, for all that read this server on this machine as this user. */
  readonly cache: FileCache;
  /** The metadata file of each table, as the latest commit of the reference has it. */
  readonly locations: () => Promise<ReadonlyMap<string, string>>;
}

/**
 * Opens the tables of a branch, a tag, or a commit (`main@<hash>`) for reading.
 *
 * @throws PlumbingError as `openNessie`
 */
export async function openNessieLake(options: NessieOptions, cacheFolder?: string): Promise<NessieLake> {
  const { api, ref, house, at } = await openNessie(options);
  const [name = '', fixed] = ref.split('@');
  const server = createHash('sha256').update(serverUrl(options)).digest('hex').slice(0, 16);
  const folder = cacheFolder ?? join(stateFolder(), 'cache', `nessie-${server}`);
  let seen: { readonly hash: string; readonly locations: ReadonlyMap<string, string> } | undefined;
  return {
    house,
    cache: new FileCache(house.io, folder, maxCacheBytes),
    async locations() {
      // A branch that is gone shows nothing new; asking for its tables says so.
      const hash = fixed ?? (await api.reference(name))?.hash ?? '';
      if (seen?.hash !== hash) {
        const { catalog } = at(hash === '' ? ref : `${name}@${hash}`);
        seen = { hash, locations: await catalog.metadataLocations([house.options.namespace]) };
      }
      return seen.locations;
    },
  };
}
