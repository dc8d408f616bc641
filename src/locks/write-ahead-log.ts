/** Write-ahead logs of SQLite files: readers do not keep writers waiting, nor writers readers. */
import type { DatabaseSync } from 'node:sqlite';
import { isBusy } from '../errors/sqlite-error.ts';

/**
 * Switches a file to a write-ahead log, and gives the mode that it has then. Of two processes that switch a file at once,
 * SQLite turns one away at once, whatever its busy timeout; here it is waited for.
 */
export function switchToLog(db: DatabaseSync, busyTimeoutMs: number): unknown {
  const startedMs = performance.now();
  for (;;) {
    try {
      return db.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode'];
    } catch (error) {
      if (!isBusy(error) || performance.now() - startedMs >= busyTimeoutMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 + Math.random() * 20);
    }
  }
}
