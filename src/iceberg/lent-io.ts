/** Files of tables in S3, with keys that a catalog lends. */
import { isPlumbingError } from '../errors/index.ts';
import type { FileIo } from './file-io.ts';
import type { KeyLender } from './key-lender.ts';
import type { LentKeys } from './lent-keys.ts';
import { s3Io } from './s3-io.ts';

/**
 * Reads and writes as `s3Io`, each file with the keys of its table. Keys that the store does not take, because they ended earlier than
 * the catalog said, are asked for once more.
 *
 * @throws PlumbingError from each method as `s3Io`, and as {@link KeyLender.keysFor}.
 */
export function lentIo(lender: KeyLender): FileIo {
  const stores = new WeakMap<LentKeys, FileIo>();
  const storeOf = (keys: LentKeys): FileIo => {
    let store = stores.get(keys);
    if (!store) stores.set(keys, (store = s3Io(keys.s3)));
    return store;
  };
  const act = async <T>(location: string, action: (store: FileIo) => Promise<T>): Promise<T> => {
    const keys = await lender.keysFor(location);
    try {
      return await action(storeOf(keys));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return action(storeOf(await lender.keysFor(location, keys)));
    }
  };
  return {
    read: (location) => act(location, (store) => store.read(location)),
    readRange: (location, start, end) => act(location, (store) => store.readRange(location, start, end)),
    write: (location, bytes) => act(location, (store) => store.write(location, bytes)),
    remove: (location) => act(location, (store) => store.remove(location)),
    async *list(prefix) {
      yield* storeOf(await lender.keysFor(prefix)).list(prefix);
    },
  };
}

/** The store did nothing, because of who asked. */
function isRefusal(error: unknown): boolean {
  if (!isPlumbingError(error, 'DEST_FAILED')) return false;
  const { status, s3Code } = error.context;
  return status === 401 || status === 403 || (status === 400 && /Token/.test(String(s3Code)));
}
