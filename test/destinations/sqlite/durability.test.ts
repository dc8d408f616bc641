/** What reaches the disk when. A crash keeps only what was flushed. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test, vi } from 'vitest';
import { openSqlite } from '../../../src/destinations/sqlite/index.ts';
import { useDatabase } from './harness.ts';

const database = useDatabase();

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

test('full synchronisation does not rest on how SQLite was built', async () => {
  const exec = DatabaseSync.prototype.exec;
  const weakened = new WeakSet<DatabaseSync>();
  // Some builds open a database that has a write-ahead log with NORMAL.
  vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
    if (!weakened.has(this)) exec.call(this, 'PRAGMA synchronous = NORMAL');
    weakened.add(this);
    exec.call(this, sql);
  });
  for (let i = 0; i < 2; i++) {
    const connection = await openSqlite(database().path);
    try {
      expect(connection.db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    } finally {
      connection.close();
    }
  }
});

test('a database that does not take full synchronisation, or no write-ahead log, is refused', async () => {
  const { prepare } = DatabaseSync.prototype;
  for (const refused of ['PRAGMA synchronous', 'PRAGMA journal_mode = WAL']) {
    vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (this: DatabaseSync, sql) {
      const answer = "SELECT 1 AS synchronous, 'delete' AS journal_mode";
      return prepare.call(this, sql === refused ? answer : sql);
    });
    await expect(openSqlite(database().path)).rejects.toMatchObject({ code: 'DEST_FAILED' });
    vi.restoreAllMocks();
  }
});

test.skipIf(process.platform === 'win32')(
  'the folder of a new database is flushed when the database is in it',
  async () => {
    const { path } = database();
    const flushed: unknown[] = [];
    const { fsyncSync } = fs;
    vi.spyOn(fs, 'fsyncSync').mockImplementation((handle) => {
      const isFolder = fs.fstatSync(handle).ino === fs.statSync(dirname(path)).ino;
      flushed.push([isFolder, fs.existsSync(path)]);
      fsyncSync(handle);
    });
    syncBuiltinESMExports();
    (await openSqlite(path)).close();
    expect(flushed).toEqual([[true, true]]);
    (await openSqlite(path)).close();
    expect(flushed).toHaveLength(1);
  },
);
