/** Files that only their owner may read, replaced as a whole or not at all. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PlumbingError } from '../errors/index.ts';
import { failpoint } from '../failpoints/index.ts';

const posix = process.platform !== 'win32';
const temporary = /\.[0-9a-f]{12}\.tmp$/;
/** A temporary file this old belongs to a writer that died. */
const staleMs = 60_000;

/** Makes `folder` with mode 0700, or narrows an existing one of ours to it. */
export async function makePrivateFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (made === undefined && posix) {
    const { mode, uid } = await lstat(folder);
    if ((mode & 0o077) !== 0 && uid === process.getuid?.() && basename(folder) === 'plumbing')
      await chmod(folder, 0o700);
  }
}

/**
 * Writes `data` to a new file of mode 0600 in the same folder, flushes it, renames it into place and flushes the folder.
 * A reader, or a process that starts after a crash, sees the old content or the new, never half. A folder that the user
 * chose (`isOurFolder: false`) keeps its mode; one that is not there yet is private.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  { isOurFolder = true }: { readonly isOurFolder?: boolean } = {},
): Promise<void> {
  const folder = dirname(path);
  if (isOurFolder) await makePrivateFolder(folder);
  else await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeStale(path);
  const temporaryPath = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporaryPath, 'wx', 0o600);
    try {
      failpoint('file.created');
      await file.writeFile(data);
      failpoint('file.written');
      await file.sync();
      failpoint('file.synced');
    } finally {
      await file.close();
    }
    await rename(temporaryPath, path);
    failpoint('file.renamed');
  } catch (error) {
    await rm(temporaryPath, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Removes a file, durably; none is no error. */
export async function removePrivateFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path)).catch(() => undefined);
}

/**
 * The content of a private file, `undefined` when there is none.
 *
 * @throws PlumbingError `TOKEN_STORE_UNSAFE` for a symbolic link, anything but a file, or a file that others may read.
 */
export async function readPrivateFile(path: string): Promise<Buffer | undefined> {
  // Opening a named pipe would wait for its other end.
  const careful = posix ? constants.O_NOFOLLOW | constants.O_NONBLOCK : 0;
  let file;
  try {
    file = await open(path, constants.O_RDONLY | careful);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    const what = code === 'ELOOP' ? 'is a symbolic link' : `can't be opened (${code ?? 'unknown'})`;
    throw new PlumbingError('TOKEN_STORE_UNSAFE', `${path} ${what}; move it away and log in again`);
  }
  try {
    checkPrivate(path, await file.stat());
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function checkPrivate(path: string, stats: Stats): void {
  if (!stats.isFile())
    throw new PlumbingError('TOKEN_STORE_UNSAFE', `${path} is no regular file; move it away`);
  if (posix && (stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8);
    throw new PlumbingError(
      'TOKEN_STORE_UNSAFE',
      `${path} has mode ${mode}, so others may read it; run chmod 600 on it`,
    );
  }
}

/** A rename lasts only once its folder is flushed. */
async function syncFolder(folder: string): Promise<void> {
  if (!posix) return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what writers of `path` that died have left beside it. */
export async function removeStale(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !temporary.test(name)) continue;
    const file = join(folder, name);
    const stats = await lstat(file).catch(() => undefined);
    if (stats && Date.now() - stats.mtimeMs > staleMs) await rm(file, { force: true });
  }
}
