import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createSqliteReader, openSqlite, sqlite } from '../../../src/destinations/sqlite/index.ts';
import { append, entry, tableOf, upsert, useDatabase } from './harness.ts';

const database = useDatabase();
const table = tableOf(['id:int64'], upsert, ['id']);
const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const isRoot = process.getuid?.() === 0;

describe('a file that is not a database of this library is refused, and left as it is', () => {
  test.each<[string, string | Uint8Array, RegExp]>([
    ['empty', '', /is empty.*backup/],
    ['text', 'not a database, but long enough to look like one '.repeat(50), /not an SQLite database/],
    ['a cut-off header', 'SQLite format 3\0', /./],
  ])('%s', async (_kind, content, message) => {
    writeFileSync(database().path, content);
    const before = hashOf(database().path);
    for (const readOnly of [false, true]) {
      await expect(database().session({ readOnly })).rejects.toMatchObject({
        code: 'DEST_FOREIGN',
        message: expect.stringMatching(message),
      });
    }
    expect(hashOf(database().path)).toBe(before);
  });

  test('a folder', async () => {
    mkdirSync(database().path);
    await expect(database().session()).rejects.toMatchObject({ code: 'DEST_FOREIGN' });
  });

  test('bookkeeping of a newer version, which is named', async () => {
    await database().load(table, [[1]]);
    await database().close();
    database().exec("UPDATE _plumbing_meta SET value = '7'");
    const before = hashOf(database().path);
    for (const readOnly of [false, true]) {
      await expect(database().session({ readOnly })).rejects.toMatchObject({
        code: 'DEST_FOREIGN',
        message: expect.stringMatching(/version 7.*update/),
      });
    }
    expect(hashOf(database().path)).toBe(before);
  });

  test('a table _plumbing_meta of someone else', async () => {
    database().exec('CREATE TABLE _plumbing_meta (x)');
    await expect(database().session()).rejects.toMatchObject({ code: 'DEST_FOREIGN' });
  });

  test.each(['CREATE TABLE t (id)', 'CREATE TABLE T (id)', 'CREATE VIEW t AS SELECT 1 AS id'])(
    'a database that has something of the same name: %s',
    async (sql) => {
      database().exec(sql);
      await expect(database().begin([table])).rejects.toMatchObject({
        code: 'DEST_FOREIGN',
        message: expect.stringContaining('"t"'),
      });
      expect(database().sql('SELECT name FROM sqlite_schema').length).toBe(1);
    },
  );

  test('a table that lost a column', async () => {
    await database().load(tableOf(['id:int64', 'note'], append), [[1, 'x']]);
    database().exec('ALTER TABLE t DROP COLUMN note');
    await expect(database().begin([tableOf(['id:int64', 'note'], append)])).rejects.toMatchObject({
      code: 'DEST_FOREIGN',
      message: expect.stringContaining('"note"'),
    });
  });
});

describe('damage is told by its own code', () => {
  test('a page that is overwritten', async () => {
    await database().load(
      table,
      Array.from({ length: 5_000 }, (_, index) => [index]),
    );
    await database().close();
    const bytes = readFileSync(database().path);
    bytes.fill(0xff, 4_096);
    writeFileSync(database().path, bytes);
    const reader = createSqliteReader(database().path);
    await expect(reader.status()).rejects.toMatchObject({
      code: 'DEST_CORRUPT',
      message: expect.stringContaining(database().path),
    });
  });

  test('state that is not JSON', async () => {
    await database().load(table, [[1]], {}, [entry(1)]);
    database().exec("UPDATE _plumbing_state SET state = '{'");
    await expect(database().state()).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
  });

  test('a definition that is not JSON', async () => {
    await database().load(table, [[1]]);
    database().exec("UPDATE _plumbing_schemas SET definition = 'x'");
    await expect(database().begin([table])).rejects.toMatchObject({ code: 'DEST_CORRUPT' });
  });
});

describe('reading', () => {
  test('a file that does not exist is an error, and creates nothing', async () => {
    await expect(database().session({ readOnly: true })).rejects.toMatchObject({
      code: 'DEST_FAILED',
      message: expect.stringMatching(/no such database yet/),
    });
    expect(readdirSync(database().folder)).toEqual([]);
  });

  test('a session that only reads begins no load', async () => {
    await database().load(table, [[1]]);
    const session = await database().session({ readOnly: true });
    await expect(session.begin(database().info([table]))).rejects.toMatchObject({ code: 'DEST_READ_ONLY' });
  });

  test("someone else's database has no tables, no state and no loads, and is not changed", async () => {
    database().exec('CREATE TABLE other (x)');
    const before = hashOf(database().path);
    const session = await database().session({ readOnly: true });
    expect(await session.reader.tables()).toEqual([]);
    expect(await session.reader.columns('other')).toBeUndefined();
    expect((await session.readState('p')).entries()).toEqual([]);
    expect(await session.reader.status()).toEqual({ tables: [], state: [], loads: [] });
    expect(await Array.fromAsync(session.reader.quarantined('other'))).toEqual([]);
    expect(hashOf(database().path)).toBe(before);
  });
});

test.skipIf(isRoot)('a file without write permission is DEST_READ_ONLY', async () => {
  await database().load(table, [[1]]);
  await database().close();
  chmodSync(database().path, 0o400);
  await expect(database().session()).rejects.toMatchObject({ code: 'DEST_READ_ONLY' });
});

describe('a new database', () => {
  test('is readable by its owner only, with its log, its lock and its folder', async () => {
    const mask = process.umask(0);
    try {
      const path = join(database().folder, 'deep', 'er', 'test.db');
      const session = await sqlite(path).open();
      const load = await session.begin(database().info([table]));
      await load.write('t', [[1]]);
      await load.checkpoint([]);
      for (const suffix of ['', '-wal', '-shm', '.lock']) {
        expect([suffix, (statSync(path + suffix).mode & 0o777).toString(8)]).toEqual([suffix, '600']);
      }
      for (const folder of ['deep', 'deep/er']) {
        expect((statSync(join(database().folder, folder)).mode & 0o777).toString(8)).toBe('700');
      }
      await session.close();
      expect(readdirSync(join(database().folder, 'deep', 'er')).toSorted()).toEqual([
        'test.db',
        'test.db.lock',
      ]);
    } finally {
      process.umask(mask);
    }
  });

  test('is never seen empty, though many open it at once', async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => database().session()));
    expect(sessions.length).toBe(8);
    await database().load(table, [[1]]);
    expect(await database().rows(['id'])).toEqual([{ id: 1 }]);
  });

  test('may be a database of someone else, whose tables stay', async () => {
    database().exec("CREATE TABLE other (x); INSERT INTO other VALUES ('kept')");
    await database().load(table, [[1]]);
    expect(database().sql('SELECT x FROM other')).toEqual([{ x: 'kept' }]);
    expect(await database().rows(['id'])).toEqual([{ id: 1 }]);
  });
});

test('every open sets the write-ahead log, full synchronisation and foreign keys', async () => {
  for (let i = 0; i < 3; i++) {
    const connection = await openSqlite(database().path);
    try {
      const pragma = (name: string): unknown =>
        connection.db.prepare(`PRAGMA ${name}`).get()?.[name === 'busy_timeout' ? 'timeout' : name];
      expect(['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout'].map(pragma)).toEqual([
        'wal',
        2,
        1,
        5_000,
      ]);
    } finally {
      connection.close();
    }
    // As other programs leave it behind.
    database().exec('PRAGMA journal_mode = DELETE');
  }
});

test('a transaction has its write lock from the start, not from its first write', async () => {
  const connection = await openSqlite(database().path);
  try {
    connection.transaction(() => {
      expect(() => database().exec('PRAGMA busy_timeout = 0; BEGIN IMMEDIATE')).toThrow(/locked/);
    });
    database().exec('BEGIN IMMEDIATE');
  } finally {
    connection.close();
  }
});

test('a table that someone dropped is loaded anew, from the beginning', async () => {
  await database().load(table, [[1]], {}, [entry(1)]);
  database().exec('DROP TABLE t');
  const load = await database().begin([table]);
  expect(await database().state()).toEqual([]);
  await load.write('t', [[2]]);
  await load.finishTable('t', [entry(2)]);
  await load.publish();
  expect(await database().rows(['id'])).toEqual([{ id: 2 }]);
  expect(await database().state()).toEqual([entry(2)]);
});

test('a path that is no file is refused before anything happens', () => {
  for (const path of ['', ' ', ':memory:', 'a\0b']) {
    expect(() => sqlite(path)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  }
  expect(() => sqlite({ path: 'x.db', lockTimeoutMs: -1 })).toThrow(/lockTimeoutMs/);
  expect(() => sqlite({ path: 'x.db', undoLoads: 1.5 })).toThrow(/undoLoads.*whole number of loads/);
  expect(existsSync('x.db')).toBe(false);
});
