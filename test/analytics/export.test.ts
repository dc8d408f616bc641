import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { getDuckdbConnection, openAnalytics, withDuckdb } from '../../src/analytics/index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbing-export-it's-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const sql = `SELECT $1 AS text, 12345678901234567890.5::DECIMAL(38, 2) AS money, 9007199254740993 AS whole,
  DATE '2026-11-23' AS day, NULL AS nothing -- the end`;

test('writes Parquet, CSV and JSON, privately and with all digits', async () => {
  await using db = await openAnalytics({ attach: {} });
  for (const name of ['a.parquet', 'a.csv', 'a.json']) {
    const file = join(folder, name);
    expect(await db.exportTo(file, sql, ['it\'s "quoted", or not'])).toEqual({ rows: 1 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }
  expect(readFileSync(join(folder, 'a.csv'), 'utf8')).toBe(
    'text,money,whole,day,nothing\n"it\'s ""quoted"", or not",12345678901234567890.50,9007199254740993,2026-11-23,\n',
  );
  expect(readFileSync(join(folder, 'a.json'), 'utf8')).toContain('"money":12345678901234567890.5');
  const path = join(folder, 'a.parquet').replaceAll("'", "''");
  expect(await db.query(`FROM '${path}'`).all()).toEqual([
    {
      text: 'it\'s "quoted", or not',
      money: '12345678901234567890.50',
      whole: 9007199254740993n,
      day: '2026-11-23',
      nothing: null,
    },
  ]);
  expect(readdirSync(folder)).toHaveLength(3);
});

test('sums of integers keep their digits in Parquet, names and order as they are', async () => {
  await using db = await openAnalytics({ attach: {} });
  const file = join(folder, 'a.parquet');
  const sum = `SELECT 1 AS "2", sum(v) AS s, 'x' AS "S" FROM (VALUES (9007199254740993::BIGINT), ($1)) t(v)`;
  expect(await db.exportTo(file, sum, [0])).toEqual({ rows: 1 });
  const path = file.replaceAll("'", "''");
  expect(await db.query(`SELECT s, typeof(s) AS type FROM '${path}'`).all()).toEqual([
    { s: '9007199254740993', type: 'DECIMAL(38,0)' },
  ]);
  expect(await db.query(`DESCRIBE FROM '${path}'`).all()).toMatchObject([
    { column_name: '2' },
    { column_name: 's' },
    { column_name: 'S_1' },
  ]);
  const tooLarge = 'SELECT 170141183460469231731687303715884105727::HUGEINT AS huge';
  await expect(db.exportTo(file, tooLarge)).rejects.toMatchObject({ code: 'QUERY_FAILED' });
  expect(readdirSync(folder)).toEqual(['a.parquet']);
});

test('a query that fails or is aborted leaves the older file, and nothing beside it', async () => {
  await using db = await openAnalytics({ attach: {} });
  const file = join(folder, 'a.csv');
  writeFileSync(file, 'older');
  await expect(db.exportTo(file, 'SELECT nonsense')).rejects.toMatchObject({ code: 'QUERY_FAILED' });
  await expect(db.exportTo(file, "SELECT error('late') FROM range(10)")).rejects.toMatchObject({
    code: 'QUERY_FAILED',
  });
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('enough')), 50);
  const endless = 'SELECT a.range + b.range FROM range(1000000) a, range(1000000) b';
  await expect(db.exportTo(file, endless, [], { signal: controller.signal })).rejects.toThrow('enough');
  expect(readFileSync(file, 'utf8')).toBe('older');
  expect(readdirSync(folder)).toEqual(['a.csv']);
  expect(await db.exportTo(file, 'SELECT 1 AS one;\n')).toEqual({ rows: 1 });
  expect(readFileSync(file, 'utf8')).toBe('one\n1\n');
});

test.each([
  ["SELECT 'a; -- b' AS x; -- done", 'x\na; -- b\n'],
  ["SELECT 'a; -- b' AS x", 'x\na; -- b\n'],
  ['SELECT 1 AS x /* a; -- b */', 'x\n1\n'],
  ['SELECT 1 AS x -- a; -- b', 'x\n1\n'],
  ['SELECT 1 AS x;\n-- done\n\n  -- really\n', 'x\n1\n'],
])('a semicolon and comments may end a query: %j', async (query, csv) => {
  await using db = await openAnalytics({ attach: {} });
  await db.exportTo(join(folder, 'a.csv'), query);
  expect(readFileSync(join(folder, 'a.csv'), 'utf8')).toBe(csv);
});

test('JSON has null for NaN and infinity, and is refused where they are nested', async () => {
  await using db = await openAnalytics({ attach: {} });
  const file = join(folder, 'a.json');
  const numbers = `SELECT $1 AS "a""b", 'nan'::DOUBLE AS n, '-inf'::FLOAT AS f, 2.5::DOUBLE AS d, 'NaN' AS text,
    {'a "NaN" \\': 'Infinity', 'b': [1.5::DOUBLE]} AS nested, NULL AS nothing, i FROM range(2) t(i) ORDER BY i DESC`;
  expect(await db.exportTo(file, numbers, ['x'])).toEqual({ rows: 2 });
  const row = {
    'a"b': 'x',
    n: null,
    f: null,
    d: 2.5,
    text: 'NaN',
    nested: { 'a "NaN" \\': 'Infinity', b: [1.5] },
    nothing: null,
  };
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([
    { ...row, i: 1 },
    { ...row, i: 0 },
  ]);
  for (const nested of ["{'a': 'inf'::DOUBLE}", "['x'], [1, 'nan'::FLOAT]", "MAP {'a': 'nan'::DOUBLE}"]) {
    await expect(db.exportTo(file, `SELECT ${nested}`)).rejects.toThrow('JSON has no NaN');
  }
});

test.each(['a.xlsx', 'parquet', 'a.csv.gz'])('refuses %s, and folders that are not there', async (name) => {
  await using db = await openAnalytics({ attach: {} });
  await expect(db.exportTo(join(folder, name), 'SELECT 1')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(db.exportTo(join(folder, 'none', 'a.csv'), 'SELECT 1')).rejects.toMatchObject({
    code: 'QUERY_FAILED',
    message: expect.stringContaining('ENOENT') as string,
  });
});

test('one database by its configuration, closed after the work', async () => {
  const path = join(folder, 'bank.db');
  const db = new DatabaseSync(path);
  db.exec('CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)');
  db.close();
  await using connection = await getDuckdbConnection({ path });
  expect(await connection.query('FROM bank.t').all()).toEqual([{ a: 1 }]);
  const closed = await withDuckdb(
    async (inside) => {
      expect(await inside.query('FROM bank.t').all()).toEqual([{ a: 1 }]);
      return inside;
    },
    { path },
  );
  await expect(closed.query('SELECT 1').all()).rejects.toMatchObject({ code: 'QUERY_FAILED' });
});
