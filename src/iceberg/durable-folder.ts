/** Folders, and names in them, that are still there after a power cut. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

let making: Promise<void> = Promise.resolve();

/**
 * Makes a folder and all above it that are missing, with mode 0700, and flushes the folder that each new one is in.
 * Errors are those of the file system.
 */
export async function makeFolder(folder: string): Promise<void> {
  // One after the other: a second writer must not see a folder of the first that is not durable yet.
  const made = making.then(() => makeDurably(folder));
  making = made.catch(() => undefined);
  return made;
}

async function makeDurably(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const above = dirname(first);
  for (let made = folder; made.length > above.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Flushes the names in a folder: a file or link in it lasts only then. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows neither needs this nor lets a folder be opened.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Gives a file the name `to` without a hard link: claims the name by an empty file, then renames over its own claim.
 * Rejects with `EEXIST` when the name is taken; never replaces a file of others. A crash in between leaves the empty file.
 */
export async function claimAndRename(from: string, to: string): Promise<void> {
  await (await open(to, 'wx', 0o600)).close();
  try {
    await rename(from, to);
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}
