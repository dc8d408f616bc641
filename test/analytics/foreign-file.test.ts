/** SQLite files that other programs made. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openAnalytics } from '../../src/analytics/index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-foreign-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function foreign(sql: string): string {
  const path = join(folder, 'f.db');
  const db = new DatabaseSync(path);
  // Node 24 and later keep even its own schema from a program.
  (db as { enableDefensive?: (isOn: boolean) => void }).enableDefensive?.(false);
  db.exec(sql);
  db.close();
  return path;
}

describe('a table or view that SQLite can not make sense of fails the queries that name it, and no others', () => {
  const innocent = 'CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1);';
  test.each([
    ['a view of a dropped table', 'CREATE TABLE x (a); CREATE VIEW v AS SELECT a FROM x; DROP TABLE x', 'x'],
    ['a view with an unknown function', 'CREATE VIEW v AS SELECT a FROM t WHERE my_fn(a)', 'my_fn'],
    [
      'a virtual table of an unknown module',
      `PRAGMA writable_schema = 1;
       INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql)
       VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING nosuchmod(a)')`,
      'nosuchmod',
    ],
  ])('%s', async (_, sql, word) => {
    const path = foreign(innocent + sql);
    await using db = await openAnalytics({ attach: { f: path } });
    expect(await db.query('SELECT * FROM f.t').all()).toEqual([{ a: 1 }]);
    for (const list of ['*', 'count(*)']) {
      await expect(db.query(`SELECT ${list} FROM f.v`).all()).rejects.toMatchObject({
        code: 'DEST_FAILED',
        message: expect.stringMatching(new RegExp(`f\\.db: "v" can not be read .*${word}`)) as string,
      });
    }
    // A column that is not known is missed by DuckDB: the reason stands beside what it says.
    await expect(db.query('SELECT a FROM f.v').all()).rejects.toThrow(word);
    expect(await db.tables()).toEqual([
      { alias: 'f', table: 't', columns: [{ name: 'a', type: 'int64' }] },
      { alias: 'f', table: 'v', columns: [] },
    ]);
  });

  test('it can be read once it is mended, and what a query made of the others stays till then', async () => {
    const path = foreign(`${innocent} CREATE VIEW v AS SELECT a FROM x`);
    await using db = await openAnalytics({ attach: { f: path } });
    await db.query('CREATE VIEW f.own AS SELECT a + 1 AS b FROM f.t').all();
    expect(await db.query('FROM f.own').all()).toEqual([{ b: 2 }]);
    foreign("CREATE TABLE x (a TEXT); INSERT INTO x VALUES ('there')");
    expect(await db.query('FROM f.v').all()).toEqual([{ a: 'there' }]);
  });

  test('a table without a name is not shown', async () => {
    const path = foreign(`${innocent} CREATE TABLE "" (b INTEGER)`);
    await using db = await openAnalytics({ attach: { f: path } });
    expect(await db.query('SELECT * FROM f.t').all()).toEqual([{ a: 1 }]);
    expect((await db.tables()).map(({ table }) => table)).toEqual(['t']);
  });
});

test('integers that are no double are refused in columns of any number, and never rounded', async () => {
  const path = foreign(
    `CREATE TABLE t (id INTEGER, a NUMERIC, b DECIMAL(20,0));
     INSERT INTO t VALUES (1, 9007199254740992, 1.5), (2, 3, 9007199254740993)`,
  );
  await using db = await openAnalytics({ attach: { f: path } });
  expect(await db.query('SELECT a FROM f.t ORDER BY id').all()).toEqual([
    { a: 9_007_199_254_740_992 },
    { a: 3 },
  ]);
  await expect(db.query('SELECT b FROM f.t').all()).rejects.toMatchObject({
    code: 'ROW_INVALID',
    message: expect.stringMatching(/row 2 of table "t" holds an integer with more digits .* "b"/) as string,
  });
  await using loose = await openAnalytics({ attach: { f: path }, mixedTypes: 'varchar' });
  expect(await loose.query('SELECT b FROM f.t ORDER BY id').all()).toEqual([
    { b: '1.5' },
    { b: '9007199254740993' },
  ]);
});

test('columns are those of SELECT *: generated ones too, hidden ones of virtual tables not', async () => {
  const path = foreign(
    `CREATE TABLE t (a INTEGER, b INTEGER AS (a * 2) VIRTUAL, c TEXT AS ('x' || a) STORED, d INTEGER);
     INSERT INTO t VALUES (1, 4), (2, 5);
     CREATE VIRTUAL TABLE words USING fts5(title, body); INSERT INTO words VALUES ('x', 'y')`,
  );
  await using db = await openAnalytics({ attach: { f: path } });
  const [row] = await db.query('SELECT * FROM f.t ORDER BY a').all();
  expect(Object.entries(row ?? {})).toEqual(Object.entries({ a: 1, b: 2, c: 'x1', d: 4 }));
  expect(await db.query('SELECT sum(b) AS b FROM f.t WHERE c = $1', ['x2']).all()).toEqual([{ b: 4 }]);
  expect(await db.query('SELECT * FROM f.words').all()).toEqual([{ title: 'x', body: 'y' }]);
});

test('columns without a declared type, as those that a view computes, are text whatever they hold', async () => {
  const path = foreign(
    `CREATE TABLE t (a INTEGER, b); INSERT INTO t VALUES (9007199254740993, 1.5), (1, 'x'), (2, x'ff00'), (3, NULL);
     CREATE VIEW v AS SELECT count(*) AS n, sum(a) AS s, 'total' AS t FROM t`,
  );
  await using db = await openAnalytics({ attach: { f: path } });
  expect(await db.query('SELECT * FROM f.v').all()).toEqual([{ n: '4', s: '9007199254740999', t: 'total' }]);
  expect(await db.query('SELECT CAST(n AS INTEGER) AS n FROM f.v').all()).toEqual([{ n: 4 }]);
  expect((await db.query('SELECT b FROM f.t').all()).map(({ b }) => b)).toEqual(['1.5', 'x', 'ff00', null]);
});
