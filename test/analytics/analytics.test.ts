import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openAnalytics } from '../../src/analytics/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import {
  binary,
  date,
  decimal,
  defineSource,
  defineStream,
  int64,
  json,
  time,
  timestamp,
  uuid,
} from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-analytics-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function load(
  file: string,
  schema: z.ZodObject,
  rows: readonly unknown[],
  name = 't',
): Promise<string> {
  const path = join(folder, file);
  const stream = defineStream({
    name,
    schema,
    primaryKey: ['id'],
    async *read() {
      yield rows;
    },
  });
  const report = await run({
    source: defineSource({ name: 'test', streams: [stream] }),
    destination: sqlite(path),
  });
  expect(report.streams.map(({ status, quarantined, error }) => [status, quarantined, error])).toEqual([
    ['succeeded', 0, undefined],
  ]);
  return path;
}

function foreign(file: string, sql: string): string {
  const path = join(folder, file);
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
  return path;
}

const money = z.object({ id: int64(), amount: decimal(15, 2) });

describe('values', () => {
  const day = fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((at) => at.toISOString().slice(0, 10));
  const digits = (length: number): fc.Arbitrary<string> =>
    fc.bigInt({ min: -(10n ** BigInt(length)) + 1n, max: 10n ** BigInt(length) - 1n }).map(String);
  const scaled = (precision: number, scale: number): fc.Arbitrary<string> =>
    digits(precision).map((text) => {
      const [, sign = '', number = ''] = /^(-?)(\d+)$/.exec(text) ?? [];
      const padded = number.padStart(scale + 1, '0');
      const value = `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
      return /[1-9]/.test(value) ? `${sign}${value}` : value;
    });
  const row = fc.record({
    text: fc.option(fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\0'))),
    flag: fc.option(fc.boolean()),
    whole: fc.option(fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger())),
    real: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
    small: fc.option(scaled(15, 2)),
    large: fc.option(scaled(38, 9)),
    day: fc.option(day),
    clock: fc.option(
      fc
        .nat(86_399_999)
        .map(
          (ms) => `${new Date(ms).toISOString().slice(11, 19)}.${String(ms % 1_000_000).padStart(6, '0')}`,
        ),
    ),
    at: fc.option(
      fc
        .tuple(
          fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true }),
          fc.nat(999_999),
        )
        .map(([at, micros]) => `${at.toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`),
    ),
    key: fc.option(fc.uuid()),
    raw: fc.option(fc.uint8Array({ maxLength: 8 })),
    list: fc.option(fc.array(fc.oneof(fc.integer(), fc.string({ maxLength: 3 })), { maxLength: 3 })),
  });
  const schema = z.object({
    id: int64(),
    text: z.string().nullable(),
    flag: z.boolean().nullable(),
    whole: int64().nullable(),
    real: z.number().nullable(),
    small: decimal(15, 2).nullable(),
    large: decimal(38, 9).nullable(),
    day: date().nullable(),
    clock: time().nullable(),
    at: timestamp().nullable(),
    key: uuid().nullable(),
    raw: binary().nullable(),
    list: json().nullable(),
  });

  test.each([false, true])(
    'of every type come back from DuckDB as they were sent (mirror: %s)',
    async (mirror) => {
      const sent = fc.sample(row, 10_000).map((cells, id) => ({ id, ...cells }));
      const path = await load('values.db', schema, sent);
      await using db = await openAnalytics({ attach: { v: path }, mirror });
      const rows = await db
        .query('SELECT * EXCLUDE (_inserted_at_ts, _inserted_at_day, _plumbing_load_id) FROM v.t ORDER BY id')
        .all();
      const expected = sent.map((cells) => ({
        ...cells,
        whole: typeof cells.whole === 'bigint' && isSafe(cells.whole) ? Number(cells.whole) : cells.whole,
        real: cells.real === null ? null : cells.real + 0,
        clock: shortened(cells.clock),
        list: cells.list === null ? null : JSON.stringify(cells.list),
      }));
      const received = rows.map((cells) => ({
        ...cells,
        clock: shortened(cells['clock'] as string | null),
        raw: cells['raw'] === null ? null : Uint8Array.from(cells['raw'] as Uint8Array),
      }));
      expect(received.length).toBe(expected.length);
      for (let i = 0; i < expected.length; i++) expect(received[i]).toEqual(expected[i]);
      // Alone, columns of some types come another way.
      const few = await db.query('SELECT id, whole, small, day FROM v.t ORDER BY id').all();
      expect(few).toEqual(expected.map(({ id, whole, small, day: at }) => ({ id, whole, small, day: at })));
    },
    60_000,
  );

  test('of money add up exactly', async () => {
    const rows = Array.from({ length: 3_000 }, (_, id) => ({ id, amount: '0.10' }));
    await using db = await openAnalytics({ attach: { m: await load('m.db', money, rows) } });
    expect(await db.query('SELECT sum(amount) AS total, count(*) AS n FROM m.t').all()).toEqual([
      { total: '300.00', n: 3_000 },
    ]);
  });

  test('of every row come once, whatever its id, and from tables without ids and from views', async () => {
    const path = foreign(
      'ids.db',
      `CREATE TABLE far (id INTEGER PRIMARY KEY, rowid TEXT);
       INSERT INTO far VALUES (-9223372036854775808, 'a'), (9223372036854775807, 'b');
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)
       INSERT INTO far SELECT i * 1000003, 'c' FROM n;
       CREATE TABLE hidden (rowid INTEGER, _rowid_ INTEGER, oid INTEGER); INSERT INTO hidden SELECT 7, id, 1 FROM far;
       CREATE TABLE keyed (id INTEGER PRIMARY KEY) WITHOUT ROWID; INSERT INTO keyed SELECT id FROM far;
       CREATE VIEW seen AS SELECT id FROM far;
       CREATE TABLE empty (id INTEGER)`,
    );
    await using db = await openAnalytics({ attach: { f: path } });
    const of = async (table: string, id = 'id'): Promise<unknown> =>
      (
        await db
          .query(
            `SELECT count(*) AS n, count(DISTINCT ${id}) AS ids, min(${id}) AS low, max(${id}) AS high FROM f.${table}`,
          )
          .all()
      )[0];
    const all = { n: 5_002, ids: 5_002, low: -(2n ** 63n), high: 2n ** 63n - 1n };
    expect(await of('far')).toEqual(all);
    expect(await of('hidden', '_rowid_')).toEqual(all);
    expect(await of('keyed')).toEqual(all);
    expect(await of('seen')).toEqual(all);
    expect(await of('empty')).toEqual({ n: 0, ids: 0, low: null, high: null });
    const rows = await db.query('SELECT rowid, count(*) AS n FROM f.far GROUP BY 1 ORDER BY 1').all();
    expect(rows).toEqual([
      { rowid: 'a', n: 1 },
      { rowid: 'b', n: 1 },
      { rowid: 'c', n: 5_000 },
    ]);
  });

  test.each([
    ['amount', "'abc'"],
    ['amount', "x'00'"],
    ['amount', '9e999'],
    ['amount', '1e15'],
    ['whole', '1.5'],
    ['whole', "'1,2'"],
    ['whole', "x'00'"],
    ['day', "'2026-13-01'"],
    ['day', "'20260101'"],
    ['day', "'yesterday!'"],
    ['day', '20260101.5'],
  ])(
    'written by hand into %s of a table of ours: %s ends the query, and the message names the column',
    async (column, value) => {
      const schema = z.object({
        id: int64(),
        amount: decimal(15, 2),
        whole: int64(),
        day: date(),
        text: z.string(),
      });
      const row = { amount: '1.00', whole: 1, day: '2026-01-01', text: 'x' };
      const path = await load('hand.db', schema, [
        { id: 1, ...row },
        { id: 2, ...row },
      ]);
      const db = new DatabaseSync(path);
      db.exec(`UPDATE t SET ${column} = ${value} WHERE id = 2`);
      db.close();
      await using analytics = await openAnalytics({ attach: { v: path } });
      // Alone, columns of some types come another way than beside a text.
      for (const list of [column, `${column}, text`]) {
        await expect(analytics.query(`SELECT ${list} FROM v.t`).all()).rejects.toMatchObject({
          code: 'ROW_INVALID',
          message: expect.stringContaining(`column "${column}"`) as string,
        });
      }
    },
  );

  test('that do not fit the declared type of a foreign column end the query, or are text', async () => {
    const path = foreign(
      'f.db',
      "CREATE TABLE f (n INTEGER, t TEXT); INSERT INTO f VALUES (1, 'a'), ('x', 2)",
    );
    await using strict = await openAnalytics({ attach: { f: path } });
    expect(await strict.query('SELECT t FROM f.f').all()).toEqual([{ t: 'a' }, { t: '2' }]);
    await expect(strict.query('SELECT n FROM f.f').all()).rejects.toMatchObject({
      code: 'ROW_INVALID',
      message: expect.stringMatching(/row 2 of table "f".*column "n"/) as unknown,
    });
    await using loose = await openAnalytics({ attach: { f: path }, mixedTypes: 'varchar' });
    expect(await loose.query('SELECT n FROM f.f').all()).toEqual([{ n: '1' }, { n: 'x' }]);
  });
});

/** A time without the zeros at the end of its fraction. */
function shortened(time_: string | null): string | null {
  return time_?.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '') ?? null;
}

function isSafe(value: bigint): boolean {
  return Number.isSafeInteger(Number(value));
}

describe('queries', () => {
  test('join three files', async () => {
    const a = await load('a.db', money, [
      { id: 1, amount: '1.50' },
      { id: 2, amount: '2.50' },
    ]);
    const b = foreign(
      'b.db',
      "CREATE TABLE names (id INTEGER, name TEXT); INSERT INTO names VALUES (1, 'x')",
    );
    const c = foreign(
      'c.db',
      'CREATE TABLE factors (id INTEGER, f INTEGER); INSERT INTO factors VALUES (1, 3)',
    );
    await using db = await openAnalytics({ attach: { a, b, c } });
    const sql = `SELECT name, amount * f AS product FROM a.t JOIN b.names USING (id) JOIN c.factors USING (id)`;
    expect(await db.query(sql).all()).toEqual([{ name: 'x', product: '4.50' }]);
    expect((await db.tables()).map(({ alias, table }) => `${alias}.${table}`)).toEqual([
      'a.t',
      'b.names',
      'c.factors',
    ]);
  });

  test('bind their parameters, whatever is in them', async () => {
    await using db = await openAnalytics({ attach: {} });
    const hostile = "'; DROP TABLE t; --";
    expect(await db.query('SELECT $1 AS a, $2 AS b', [hostile, 2n ** 62n]).all()).toEqual([
      { a: hostile, b: 2n ** 62n },
    ]);
    expect(await db.query('SELECT $name AS a', { name: null }).all()).toEqual([{ a: null }]);
  });

  test('give rows of a schema, and refuse others', async () => {
    await using db = await openAnalytics({ attach: {} });
    const schema = z.object({ n: z.int() });
    expect(await db.query('SELECT 1 AS n', [], { schema }).all()).toEqual([{ n: 1 }]);
    await expect(db.query("SELECT 'x' AS n", [], { schema }).all()).rejects.toMatchObject({
      code: 'ROW_INVALID',
    });
  });

  test('that DuckDB refuses are QUERY_FAILED, and the next one works', async () => {
    await using db = await openAnalytics({ attach: {} });
    await expect(db.query('SELEKT').all()).rejects.toMatchObject({ code: 'QUERY_FAILED' });
    expect(await db.query('SELECT 1 AS n').all()).toEqual([{ n: 1 }]);
  });

  test('stop at once when aborted, with the reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    await using db = await openAnalytics({ attach: {} });
    const query = db.query('SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b', [], {
      signal: controller.signal,
    });
    const startedMs = performance.now();
    setTimeout(() => controller.abort(reason), 50);
    await expect(query.all()).rejects.toBe(reason);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  test('see new rows and new columns of later loads, and never a part of one', async () => {
    const path = await load('t.db', money, [{ id: 1, amount: '1.00' }]);
    await using db = await openAnalytics({ attach: { bank: path } });
    expect(await db.query('SELECT count(*) AS n FROM bank.t').all()).toEqual([{ n: 1 }]);
    await load('t.db', money.extend({ note: z.string() }), [{ id: 2, amount: '2.00', note: 'x' }]);
    expect(await db.query('SELECT id, note FROM bank.t ORDER BY id').all()).toEqual([
      { id: 1, note: null },
      { id: 2, note: 'x' },
    ]);
  });

  test('give rows in batches, of which the first comes before the last is made', async () => {
    const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, amount: '1.00' }));
    await using db = await openAnalytics({ attach: { m: await load('m.db', money, rows) } });
    let count = 0;
    for await (const batch of db.query('SELECT id FROM m.t')) {
      count += batch.length;
      if (count >= 4_000) break;
    }
    expect(count).toBeLessThan(10_000);
    expect(await db.query('SELECT count(*) AS n FROM m.t').all()).toEqual([{ n: 10_000 }]);
  });

  test('name hostile files, aliases, tables and columns safely', async () => {
    const table = `a"b'; DROP TABLE x;--`;
    const path = foreign(
      `it's "odd".db`,
      `CREATE TABLE "${table.replaceAll('"', '""')}" ("__proto__" TEXT, "sel""ect" TEXT);
       INSERT INTO "${table.replaceAll('"', '""')}" VALUES ('p', 'q')`,
    );
    await using db = await openAnalytics({ attach: { [`al"ias'`]: path } });
    const [row] = await db.query(`SELECT * FROM "al""ias'"."${table.replaceAll('"', '""')}"`).all();
    expect(Object.entries(row ?? {})).toEqual([
      ['__proto__', 'p'],
      ['sel"ect', 'q'],
    ]);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });
});

test('nothing may be downloaded', async () => {
  await using db = await openAnalytics({ attach: {} });
  const sql = `SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions' ORDER BY name`;
  expect(await db.query(sql).all()).toEqual([
    { name: 'autoinstall_known_extensions', value: 'false' },
    { name: 'autoload_known_extensions', value: 'false' },
  ]);
});

test('a file that does not exist is an error that names it, and a closed connection says so', async () => {
  await expect(openAnalytics({ attach: { x: join(folder, 'none.db') } })).rejects.toMatchObject({
    message: expect.stringContaining('none.db') as unknown,
  });
  const db = await openAnalytics({ attach: {} });
  await db.close();
  await expect(db.query('SELECT 1').all()).rejects.toMatchObject({ code: 'QUERY_FAILED' });
});

test('two files under one name, and names of DuckDB itself, are refused', async () => {
  const path = foreign('one.db', 'CREATE TABLE t (a INTEGER)');
  await expect(openAnalytics({ attach: { bank: path, BANK: path } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('"BANK"') as string,
  });
  for (const reserved of ['Main', 'memory'])
    await expect(openAnalytics({ attach: { [reserved]: path } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
});
