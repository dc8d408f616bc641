/** Files of tables in a local folder. */
import { randomBytes } from 'node:crypto';
import { link, lstat, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PlumbingError } from '../errors/index.ts';
import { failpoint } from '../failpoints/index.ts';
import { claimAndRename, makeFolder, syncFolder } from './durable-folder.ts';
import { checkRange } from './file-io.ts';
import type { FileIo, ListedFile } from './file-io.ts';
import { errnoOf, isAbsent, localError } from './local-error.ts';

/**
 * The path of a `file://` location, taken literally: `%20` stays `%20`, as PyIceberg and the Java library have it. The
 * Java library's own spelling `file:/path` is understood as well.
 *
 * @throws PlumbingError `CONFIG_INVALID` for anything but an absolute path after `file://`.
 *
 * @example
 * ```ts
 * pathOf('file:///data/t/day=2026-01-01%20a/x.parquet'); // '/data/t/day=2026-01-01%20a/x.parquet'
 * ```
 */
export function pathOf(location: string): string {
  const path = /^file:(?:\/\/)?(\/(?!\/)[^\0]*)$/s.exec(location)?.[1];
  if (path === undefined) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      `${JSON.stringify(location)} is no location in a local folder; expected file:///absolute/path`,
    );
  }
  return path;
}

/**
 * The `file://` location of an absolute path, the reverse of {@link pathOf}: nothing is encoded.
 *
 * @throws PlumbingError `CONFIG_INVALID` for a path that is not absolute.
 */
export function locationOf(path: string): string {
  const location = `file://${path}`;
  pathOf(location);
  return location;
}

/**
 * Reads and writes files at `file:///absolute/path`. Files get mode 0600, folders that are missing mode 0700.
 *
 * A write goes to a temporary file `.plumbing-….tmp` beside its target, is flushed, and gets its name by a hard link, which
 * never replaces a file and is whole from its first moment; then the folder is flushed, and every new folder above it. Only
 * on a file system without hard links the name is claimed by an empty file first, which a crash in that moment leaves
 * behind. A crash may leave a temporary file, which {@link FileIo.list} shows like any other.
 *
 * Lists walk folders below `prefix`, skip symbolic links, and skip what vanishes meanwhile; a missing folder is empty.
 *
 * @throws PlumbingError from each method: `DEST_FULL` (retryable) when disk, quota or the largest size of a file is
 * exhausted; `DEST_READ_ONLY` when permissions or a read-only disk forbid it; `DEST_CORRUPT` for reading a file that is not
 * there or shorter than the range; `COMMIT_CONFLICT` for writing one that is; `CONFIG_INVALID` for another scheme or a
 * relative path; else `DEST_FAILED`.
 */
export function localIo(): FileIo {
  return { read, readRange, write, remove, list };
}

async function read(location: string): Promise<Uint8Array> {
  const path = pathOf(location);
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, byteOffset, byteLength } = await file.readFile();
      return new Uint8Array(buffer, byteOffset, byteLength);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw localError(error, location, 'read');
  }
}

async function readRange(location: string, start: number, end: number): Promise<Uint8Array> {
  checkRange(start, end);
  const path = pathOf(location);
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  try {
    const file = await open(path, 'r');
    try {
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw localError(error, location, 'read');
  }
  if (filled < bytes.length) {
    throw new PlumbingError(
      'DEST_CORRUPT',
      `${location}: ends before byte ${end}; it was cut short, restore it from a backup`,
      { context: { location, start, end } },
    );
  }
  return bytes;
}

async function write(location: string, bytes: Uint8Array): Promise<void> {
  const path = pathOf(location);
  const folder = dirname(path);
  const temporaryPath = join(folder, `.plumbing-${randomBytes(8).toString('hex')}.tmp`);
  try {
    await makeFolder(folder);
    try {
      const file = await open(temporaryPath, 'wx', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await linkOrRename(temporaryPath, path).catch((error: unknown) => {
        throw localError(error, location, 'name');
      });
    } finally {
      await rm(temporaryPath, { force: true }).catch(() => undefined);
    }
    await syncFolder(folder);
  } catch (error) {
    throw localError(error, location, 'write');
  }
  failpoint('iceberg.file_written');
}

async function linkOrRename(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    // What file systems without hard links answer: exFAT, some network and FUSE ones.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error))) throw error;
    await claimAndRename(from, to);
  }
}

async function remove(location: string): Promise<void> {
  const path = pathOf(location);
  try {
    await rm(path);
  } catch (error) {
    if (!isAbsent(error)) throw localError(error, location, 'write');
  }
}

async function* list(prefix: string): AsyncGenerator<ListedFile> {
  const folder = prefix.endsWith('/') ? prefix : `${prefix}/`;
  const entries = await ifThere(() => readdir(pathOf(folder), { withFileTypes: true }), folder);
  for (const entry of entries ?? []) {
    const location = folder + entry.name;
    if (entry.isDirectory()) yield* list(`${location}/`);
    if (!entry.isFile()) continue;
    const found = await ifThere(() => lstat(pathOf(location)), location);
    if (found) yield { location, sizeBytes: found.size, modifiedMs: found.mtimeMs };
  }
}

async function ifThere<T>(look: () => Promise<T>, location: string): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw localError(error, location, 'list');
  }
}
