/** One load at a time for each place, whichever process runs it. */
import { closeSync, existsSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbingError } from '../errors/index.ts';
import { isBusy, sqliteError } from '../errors/sqlite-error.ts';

/** What is locked. */
export interface LoadLockOptions {
  /** Absolute; the lock is the file `<file>.lock`. */
  readonly file: string;
  /** The same for messages. */
  readonly path: string;
  readonly lockTimeoutMs: number;
}

/** A held lock. */
export interface LoadLock {
  release(): void;
}

/**
 * Waits for the lock of a database: an exclusive SQLite lock on the file `<database>.lock`, which stays behind, empty.
 * The operating system frees it when its holder dies, however it dies; there is nothing to clean up and no lease to lose.
 *
 * @throws PlumbingError `DEST_BUSY` (retryable) when it is not free in time; `signal.reason` when aborted.
 */
export async function acquireLoadLock(options: LoadLockOptions, signal: AbortSignal): Promise<LoadLock> {
  const { DatabaseSync: Driver } = await import('node:sqlite');
  const file = `${options.file}.lock`;
  const startedMs = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const lock = tryLock(Driver, file, `${options.path}.lock`);
    if (lock) return lock;
    const waitedMs = performance.now() - startedMs;
    if (waitedMs >= options.lockTimeoutMs) {
      throw new PlumbingError(
        'DEST_BUSY',
        `${options.path}: another load has been running on it for ${Math.round(waitedMs / 1_000)} s; let it end, then run again`,
        { retryable: true, context: { path: options.path } },
      );
    }
    // Apart from each other, so that waiting processes do not keep meeting.
    const pauseMs = 20 + Math.random() * 80;
    await sleep(Math.min(pauseMs, options.lockTimeoutMs - waitedMs), undefined, { signal }).catch(
      () => undefined,
    );
  }
}

/** Whether a load holds the lock at this moment. */
export async function isLoadRunning(file: string): Promise<boolean> {
  const { DatabaseSync: Driver } = await import('node:sqlite');
  const path = `${file}.lock`;
  if (!existsSync(path)) return false;
  const db = new Driver(path, { readOnly: true });
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    db.close();
  }
}

function tryLock(Driver: typeof DatabaseSync, file: string, path: string): LoadLock | undefined {
  let db: DatabaseSync | undefined;
  try {
    createPrivately(file);
    db = new Driver(file);
    db.exec('BEGIN EXCLUSIVE');
    const held = db;
    return { release: () => held.close() };
  } catch (error) {
    db?.close();
    const typed = sqliteError(error, path);
    if (typed instanceof PlumbingError && typed.code === 'DEST_BUSY') return undefined;
    throw typed;
  }
}

function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
