/** The connection by itself: transactions that fail, and what is left of them. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqlite } from '../../../src/destinations/sqlite/index.ts';
import type { SqliteConnection } from '../../../src/destinations/sqlite/index.ts';
import { resolveOptions } from '../../../src/destinations/sqlite/options.ts';
import { useDatabase } from './harness.ts';

const database = useDatabase();
let connection: SqliteConnection;
beforeEach(async () => {
  connection = await openSqlite(database().path);
  connection.db.exec(
    'CREATE TABLE t (n INTEGER PRIMARY KEY, parent REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)',
  );
});
afterEach(() => connection.close());

const count = (): unknown => connection.db.prepare('SELECT count(*) AS n FROM t').get()?.['n'];
const insert = (n: number, parent: number | null = null): void => {
  connection.db.prepare('INSERT INTO t VALUES (?, ?)').run(n, parent);
};

test('a transaction gives what its work gives, and keeps it', () => {
  expect(connection.transaction(() => (insert(1), 'done'))).toBe('done');
  expect([count(), connection.db.isTransaction]).toEqual([1, false]);
});

test('work that fails is undone, and the next transaction works', () => {
  expect(() =>
    connection.transaction(() => {
      insert(1);
      throw new Error('no');
    }),
  ).toThrow('no');
  expect([count(), connection.db.isTransaction]).toEqual([0, false]);
  expect(() =>
    connection.transaction(() => {
      insert(1);
      insert(1);
    }),
  ).toThrow(
    expect.objectContaining({
      code: 'DEST_FAILED',
      message: expect.stringContaining(`${database().path}: UNIQUE constraint failed`) as string,
    }),
  );
  connection.transaction(() => insert(1));
  expect(count()).toBe(1);
});

test('a commit that fails is undone, and says why', () => {
  expect(() => connection.transaction(() => insert(1, 7))).toThrow(
    expect.objectContaining({
      code: 'DEST_FAILED',
      message: expect.stringContaining('FOREIGN KEY constraint failed') as string,
    }),
  );
  expect([count(), connection.db.isTransaction]).toEqual([0, false]);
  connection.transaction(() => insert(1));
  expect(count()).toBe(1);
});

test('a rollback undoes an open transaction, once, and none is no error', () => {
  connection.rollback();
  connection.begin();
  insert(1);
  connection.rollback();
  connection.rollback();
  expect(count()).toBe(0);
  expect(() => {
    connection.begin();
    connection.begin();
  }).toThrow(expect.objectContaining({ code: 'DEST_FAILED' }));
});

test('what is not committed when it is closed is undone; it may be closed twice', async () => {
  connection.begin();
  insert(1);
  connection.close();
  connection.close();
  connection = await openSqlite(database().path);
  expect(count()).toBe(0);
});

test('a connection that only reads changes nothing, and waits as long as it is told', async () => {
  const reading = await openSqlite({ path: database().path, busyTimeoutMs: 70 }, { readOnly: true });
  try {
    expect(() => reading.run(() => reading.db.exec('INSERT INTO t (n) VALUES (1)'))).toThrow(
      expect.objectContaining({ code: 'DEST_READ_ONLY' }),
    );
    expect(reading.db.prepare('PRAGMA busy_timeout').get()).toEqual({ timeout: 70 });
    expect(reading.path).toBe(database().path);
  } finally {
    reading.close();
  }
});

test('options have their defaults, and timeouts are whole milliseconds', () => {
  expect(resolveOptions('/a/../b.db')).toEqual({
    path: '/a/../b.db',
    file: '/b.db',
    busyTimeoutMs: 5_000,
    lockTimeoutMs: 60_000,
    undoLoads: 0,
  });
  expect(resolveOptions({ path: 'x.db', busyTimeoutMs: 0, lockTimeoutMs: 1 })).toMatchObject({
    busyTimeoutMs: 0,
    lockTimeoutMs: 1,
  });
  for (const wrong of [-1, 1.5, Number.NaN, Infinity]) {
    for (const name of ['busyTimeoutMs', 'lockTimeoutMs']) {
      expect(() => resolveOptions({ path: 'x.db', [name]: wrong })).toThrow(
        expect.objectContaining({
          code: 'CONFIG_INVALID',
          message: `${name}: expected a whole number of milliseconds, 0 or more`,
        }),
      );
    }
  }
  for (const path of ['', '  ', 'a\0b', ':memory:', ':memory:x']) {
    expect(() => resolveOptions(path)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('needs the path of a file') as string,
      }),
    );
  }
});
