/** Who may use a columnar copy: many to read, or one to write. The system frees the lock when its holder dies. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { isBusy } from '../errors/sqlite-error.ts';

/** A held lock. */
export interface MirrorLock {
  release(): void;
}

/** SQLite's result code. */
const notADatabase = 26;

/**
 * Takes the lock of the copy in `folder`; `undefined` when others have it. DuckDB's own lock is no help: it does not keep two
 * connections of one process apart. A lock file that is none is thrown away.
 */
export async function lockMirror(
  folder: string,
  mode: 'read' | 'write',
  isRetry = false,
): Promise<MirrorLock | undefined> {
  const file = join(folder, 'lock');
  const { DatabaseSync: Driver } = await import('node:sqlite');
  let db: DatabaseSync | undefined;
  try {
    db = new Driver(file);
    if (mode === 'write') {
      db.exec('BEGIN EXCLUSIVE');
    } else {
      db.exec('BEGIN');
      // The lock is taken by the first read.
      db.prepare('SELECT count(*) FROM sqlite_schema').get();
    }
    const held = db;
    return { release: () => held.close() };
  } catch (error) {
    db?.close();
    if (isBusy(error)) return undefined;
    if ((error as { errcode?: number }).errcode !== notADatabase || isRetry) throw error;
    rmSync(file);
    return lockMirror(folder, mode, true);
  }
}
