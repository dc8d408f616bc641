/** Makes a new database file appear in one step, complete and private. */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { failpoint } from '../../failpoints/index.ts';
import { createBookkeeping } from './bookkeeping.ts';
import type { ResolvedOptions } from './options.ts';

/** Loads write and flush about a quarter fewer bytes than with SQLite's default of 4,096 (measured). */
const pageBytes = 8_192;

/**
 * Creates the database beside its final place and links it there, so that nobody ever sees it empty: a process that is
 * killed meanwhile leaves no file that would look like a lost database. When another process was faster, its file stays.
 */
export function createDatabaseFile(Driver: typeof DatabaseSync, { file }: ResolvedOptions): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}.new`;
  try {
    // SQLite itself would create it readable by all; log and shared-memory files take over the mode of the file.
    closeSync(openSync(draft, 'wx', 0o600));
    const db = new Driver(draft);
    try {
      db.exec(`PRAGMA page_size = ${pageBytes}`);
      db.exec('BEGIN IMMEDIATE');
      createBookkeeping(db);
      db.exec('COMMIT');
      // Here, where nobody else is: of two processes that switch a file at once, SQLite turns one away without waiting.
      db.exec('PRAGMA journal_mode = WAL');
    } finally {
      db.close();
    }
    failpoint('sqlite.file_drafted');
    putInPlace(draft, file);
    failpoint('sqlite.file_in_place');
    syncFolder(folder);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Takes the draft's name away from a database whose creator was killed before it could; a second name would be a trap. */
export function removeDraftName({ file }: ResolvedOptions): void {
  const { nlink, ino } = statSync(file);
  if (nlink === 1) return;
  for (const name of readdirSync(dirname(file))) {
    if (!name.startsWith(`${basename(file)}.`) || !name.endsWith('.new')) continue;
    const draft = join(dirname(file), name);
    if (statSync(draft, { throwIfNoEntry: false })?.ino === ino) rmSync(draft, { force: true });
  }
}

function putInPlace(draft: string, file: string): void {
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    // A file system without hard links.
    renameSync(draft, file);
  }
}

/** Makes the new name itself durable; where folders can't be synced (Windows) there is nothing to do. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // Not supported here.
  }
}
