/** One door to all places where files of tables may be. */
import { PlumbingError } from '../errors/index.ts';
import type { FileIo } from './file-io.ts';
import { localIo } from './local-io.ts';
import { s3Io } from './s3-io.ts';
import type { S3Options } from './s3-io.ts';

/** What {@link resolveIo} is told of S3: options, or what stands in for them, e.g. `lentIo`. */
export interface StoreOptions {
  readonly s3?: S3Options;
  readonly remote?: FileIo | undefined;
}

/**
 * Reads and writes by the scheme of each location: `file:` as {@link localIo}, `s3://`, `s3a://` and `s3n://` as
 * {@link s3Io}. Guarantees and errors are theirs.
 *
 * @throws PlumbingError `CONFIG_INVALID` from this function for S3 options that can not work, and from each method for a
 * location of another scheme, or in S3 when there are no options for it.
 */
export function resolveIo({ s3, remote = s3 && s3Io(s3) }: StoreOptions): FileIo {
  const local = localIo();
  const ioOf = (location: string): FileIo => {
    const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(location)?.[1];
    if (scheme === 'file') return local;
    if (scheme !== 's3' && scheme !== 's3a' && scheme !== 's3n') {
      throw new PlumbingError(
        'CONFIG_INVALID',
        `${JSON.stringify(location)} is nowhere this package can read; expected file:///path or s3://bucket/key`,
      );
    }
    if (!remote) {
      throw new PlumbingError(
        'CONFIG_INVALID',
        `${location} is in S3, for which there are no options; give region and credentials`,
      );
    }
    return remote;
  };
  return {
    read: async (location) => ioOf(location).read(location),
    readRange: async (location, start, end) => ioOf(location).readRange(location, start, end),
    write: async (location, bytes) => ioOf(location).write(location, bytes),
    remove: async (location) => ioOf(location).remove(location),
    async *list(prefix) {
      yield* ioOf(prefix).list(prefix);
    },
  };
}
