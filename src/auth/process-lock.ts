/**
 * A lock among processes: an SQLite file held in an exclusive transaction. The operating system releases it when its
 * holder dies, and only then, so there are no leases, no stale locks and no guesses about process ids.
 */
import { closeSync, lstatSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PlumbingError } from '../errors/index.ts';
import { makePrivateFolder } from './private-file.ts';

/** How long to wait for a lock. */
export interface LockOptions {
  /** Default 30,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const pollMs = 25;
const sqliteBusy = 5;

/**
 * Runs `work` while no other process, and no other caller in this one, holds the lock at `path`.
 *
 * @throws PlumbingError `LOCK_TIMEOUT` (retryable) when it is not free in time; `TOKEN_STORE_UNSAFE` when `path` is a
 * symbolic link, no file, or holds something else; `signal.reason` when aborted while waiting.
 *
 * @example
 * ```ts
 * await withProcessLock('/var/lib/app/token.lock', async () => refresh(), { timeoutMs: 10_000 });
 * ```
 */
export async function withProcessLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const database = await acquire(path, options);
  try {
    return await work();
  } finally {
    database.close();
  }
}

async function acquire(path: string, { timeoutMs = 30_000, signal }: LockOptions): Promise<DatabaseSync> {
  await makePrivateFolder(dirname(path));
  createLockFile(path);
  // Loaded here, not above: most programs that import this module never lock.
  const { DatabaseSync } = await import('node:sqlite');
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const database = new DatabaseSync(path);
    try {
      database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
      return database;
    } catch (error) {
      database.close();
      if (((error as { errcode?: number }).errcode ?? 0) % 256 !== sqliteBusy) {
        throw new PlumbingError(
          'TOKEN_STORE_UNSAFE',
          `${path} can't be locked (${error instanceof Error ? error.message : 'unknown'}); move it away`,
        );
      }
    }
    if (performance.now() >= deadlineMs) {
      throw new PlumbingError(
        'LOCK_TIMEOUT',
        `${path} is held by another process for more than ${timeoutMs} ms; try again when it is done`,
        { retryable: true },
      );
    }
    await delay(pollMs * (0.5 + Math.random()), undefined, signal ? { signal } : {}).catch(
      (error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      },
    );
  }
}

/**
 * Only ever opens a file that it creates, and without giving way in between: whoever closes any handle of a file gives up
 * all POSIX locks that the process has on it, also those of SQLite.
 */
function createLockFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (lstatSync(path).isFile()) return;
  throw new PlumbingError(
    'TOKEN_STORE_UNSAFE',
    `${path} is no regular file, so it can't be locked; move it away`,
  );
}
