/** The columnar copy: never behind the file, whoever wrote to it, and never in the way. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openAnalytics } from '../../src/analytics/index.ts';
import type { MirrorEvent } from '../../src/analytics/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { decimal, defineSource, defineStream, int64 } from '../../src/model/index.ts';
import type { WriteMode } from '../../src/model/index.ts';
import { run, undoLoad } from '../../src/pipeline/index.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-mirror-'));
  path = join(folder, 'bank.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const base = { id: int64(), group: z.string().nullable(), amount: decimal(15, 2).nullable() };

interface Sent {
  readonly id: number;
  readonly group?: string | null;
  readonly amount?: string | null;
  readonly note?: string;
}

async function load(
  rows: readonly Sent[],
  options: { name?: string; write?: WriteMode; schema?: z.ZodObject } = {},
): Promise<string> {
  const { name = 't', write = { mode: 'merge', strategy: 'upsert' }, schema = z.object(base) } = options;
  const stream = defineStream({
    name,
    schema,
    primaryKey: ['id'] as never,
    write,
    async *read() {
      yield rows.map((row) => ({ group: null, amount: null, ...row }));
    },
  });
  const report = await run({
    source: defineSource({ name: 'test', streams: [stream] }),
    destination: sqlite({ path, undoLoads: 3 }),
  });
  expect(report.status).toBe('succeeded');
  return report.loadId;
}

const numbered = (from: number, to: number, group = 'a'): Sent[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, group, amount: `${from + i}.50` }));

function abortedAfter(delayMs: number, reason: Error): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), delayMs);
  return controller.signal;
}

function byHand(sql: string, file = path): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

/** What the copy gives, and what happened to it before; the file itself must give the same. */
async function ask(
  table = 't',
  file = path,
): Promise<{ rows: Record<string, unknown>[]; actions: string[]; events: MirrorEvent[] }> {
  const events: MirrorEvent[] = [];
  const sql = `SELECT * FROM bank.${table} ORDER BY ALL`;
  await using copy = await openAnalytics({
    attach: { bank: file },
    mirror: true,
    onMirror: (event) => events.push(event),
  });
  const rows = await copy.query(sql).all();
  await using live = await openAnalytics({ attach: { bank: file } });
  expect(rows).toEqual(await live.query(sql).all());
  return { rows, actions: events.map(({ action }) => action), events };
}

describe('is brought up to date', () => {
  test('at first from all rows, then from the loads since, and not at all without one', async () => {
    await load(numbered(0, 1_000));
    expect((await ask()).actions).toEqual(['rebuilt']);
    expect((await ask()).actions).toEqual([]);
    await load([...numbered(990, 1_010, 'b')]);
    const { rows, actions } = await ask();
    expect(actions).toEqual(['refreshed']);
    expect(rows).toHaveLength(1_010);
    expect(rows.filter(({ group }) => group === 'b')).toHaveLength(20);
    expect((await ask()).actions).toEqual([]);
  });

  test('within one connection, before the query that needs it', async () => {
    await load(numbered(0, 10));
    const actions: string[] = [];
    await using db = await openAnalytics({
      attach: { bank: path },
      mirror: true,
      onMirror: ({ action }) => actions.push(action),
    });
    const count = async (): Promise<unknown> =>
      (await db.query('SELECT count(*) AS n FROM bank.t').all())[0]?.['n'];
    expect(await count()).toBe(10);
    await load(numbered(10, 11));
    expect(await count()).toBe(11);
    await load(numbered(11, 12));
    byHand('DELETE FROM t WHERE id = 0');
    expect(await count()).toBe(11);
    expect(actions).toEqual(['rebuilt', 'refreshed', 'rebuilt']);
  });

  test.each<[string, WriteMode]>([
    ['replace', { mode: 'replace' }],
    ['append', { mode: 'append' }],
    ['insert-only', { mode: 'merge', strategy: 'insert-only' }],
    ['delete-insert', { mode: 'merge', strategy: 'delete-insert', scope: ['group'] }],
    ['scd2', { mode: 'merge', strategy: 'scd2' }],
    ['scd2 that closes what is absent', { mode: 'merge', strategy: 'scd2', closeAbsent: true }],
  ])('after loads with %s', async (_name, write) => {
    await load(numbered(0, 200), { write });
    await ask();
    await load(
      numbered(195, 205).map((row) => ({ ...row, amount: '0.01' })),
      { write },
    );
    expect((await ask()).actions).toEqual(['refreshed']);
    await load([{ id: 1, group: 'a', amount: '7.00' }], { write });
    expect((await ask()).actions).toEqual(['refreshed']);
  });

  test('after columns were added and widened, and tables came and went', async () => {
    await load(numbered(0, 100));
    await load(numbered(0, 3), { name: 'u' });
    await ask();
    const wider = z.object({ ...base, amount: decimal(30, 4).nullable(), note: z.string().nullish() });
    await load([{ id: 1, amount: '12345678901234567890.1234', note: 'x' }], { schema: wider });
    const { rows, actions } = await ask();
    expect(actions).toEqual(['refreshed']);
    expect(rows[1]).toMatchObject({ id: 1, amount: '12345678901234567890.1234', note: 'x' });
    byHand('DROP TABLE u');
    await load(numbered(0, 3), { name: 'v' });
    await ask('v');
    await using db = await openAnalytics({ attach: { bank: path }, mirror: true });
    expect((await db.tables()).map(({ table }) => table)).toEqual(['t', 'v']);
    await expect(db.query('SELECT * FROM bank.u').all()).rejects.toMatchObject({ code: 'QUERY_FAILED' });
  });

  test('whatever loads, hand edits and deletions come in whatever order', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('load' as const),
          from: fc.nat(60),
          count: fc.integer({ min: 1, max: 20 }),
          value: fc.nat(9),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('edit' as const), id: fc.nat(80) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), id: fc.nat(80) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('undo' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('vacuum' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
        rmSync(folder, { recursive: true, force: true });
        folder = mkdtempSync(join(tmpdir(), 'plumbing-mirror-'));
        path = join(folder, 'bank.db');
        let last = await load(numbered(0, 50));
        for (const it of steps) {
          if (it.do === 'load')
            last = await load(
              numbered(it.from, it.from + it.count).map((row) => ({ ...row, amount: `${it.value}.00` })),
            );
          else if (it.do === 'edit') byHand(`UPDATE t SET "group" = 'by hand' WHERE id = ${it.id}`);
          else if (it.do === 'delete') byHand(`DELETE FROM t WHERE id = ${it.id}`);
          else if (it.do === 'undo') await undoLoad(sqlite(path), last).catch(() => undefined);
          else if (it.do === 'vacuum') byHand('VACUUM');
          else if (it.do === 'lose') rmSync(`${path}.mirror`, { recursive: true, force: true });
          else await ask();
        }
        await ask();
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});

describe('is made anew', () => {
  test.each([
    ['changed a cell', 'UPDATE t SET amount = 999 WHERE id = 5'],
    ['deleted a row', 'DELETE FROM t WHERE id = 5'],
    ['swapped two rows', 'UPDATE t SET amount = CASE id WHEN 5 THEN 6.5 WHEN 6 THEN 5.5 ELSE amount END'],
    ['numbered the rows anew', 'DELETE FROM t WHERE id < 5; VACUUM'],
    ['emptied the run log', 'DELETE FROM _plumbing_loads; UPDATE t SET amount = 1'],
  ])('when somebody %s, before a load, after it, or in the place of one', async (_what, sql) => {
    await load(numbered(0, 100));
    await ask();
    byHand(sql);
    expect((await ask()).actions).toEqual(['rebuilt']);
    byHand(sql.replace('5', '7').replace('999', '998'));
    await load(numbered(100, 101));
    expect((await ask()).actions).toEqual(['rebuilt']);
    await load(numbered(101, 102));
    byHand(sql.replace('5', '8').replace('999', '997'));
    expect((await ask()).actions).toEqual(['rebuilt']);
    await load(numbered(102, 103));
    expect((await ask()).actions).toEqual(['refreshed']);
  });

  test.each<[string, WriteMode]>([
    ['upsert', { mode: 'merge', strategy: 'upsert' }],
    ['replace', { mode: 'replace' }],
    ['delete-insert', { mode: 'merge', strategy: 'delete-insert', scope: ['group'] }],
    ['scd2', { mode: 'merge', strategy: 'scd2', closeAbsent: true }],
  ])(
    'when a load was taken back, before a load, after it, or in the place of one (%s)',
    async (_name, write) => {
      const changed = (value: number): Sent[] =>
        numbered(0, 100).map((row) => ({
          ...row,
          amount: row.id < 5 ? `${value}.00` : (row.amount ?? null),
        }));
      await load(numbered(0, 100), { write });
      const { rows } = await ask();
      const first = await load(changed(1), { write });
      await ask();
      await undoLoad(sqlite(path), first);
      const taken = await ask();
      expect(taken).toMatchObject({ rows, actions: ['rebuilt'] });
      const second = await load(changed(2), { write });
      expect((await ask()).actions).toEqual(['refreshed']);
      await undoLoad(sqlite(path), second);
      await load(changed(3), { write });
      expect((await ask()).actions).toEqual(['rebuilt']);
      // Neither was seen by the copy.
      await undoLoad(sqlite(path), await load(changed(4), { write }));
      expect((await ask()).actions).toEqual(['rebuilt']);
      await load(changed(5), { write });
      expect((await ask()).actions).toEqual(['refreshed']);
    },
  );

  test('but not when a taking back was refused', async () => {
    const first = await load(numbered(0, 10));
    await load(numbered(0, 10, 'b'));
    await ask();
    await expect(undoLoad(sqlite(path), first)).rejects.toMatchObject({ code: 'UNDO_REFUSED' });
    await load(numbered(10, 11));
    expect((await ask()).actions).toEqual(['refreshed']);
  });

  test('when another program writes while a load is running', async () => {
    await load(numbered(0, 100));
    await ask();
    const session = await sqlite(path).open();
    const begun = await session.begin({
      loadId: 'with-company',
      pipeline: 'test',
      startedAt: '2026-11-23T07:00:00Z',
      day: '2026-11-23',
      tables: [],
      staged: false,
      signal: new AbortController().signal,
    });
    byHand('UPDATE t SET amount = 999 WHERE id = 5');
    await begun.publish();
    await session.close();
    expect((await ask()).actions).toEqual(['rebuilt']);
  });

  test('when the file is another one, also one of the same size and time', async () => {
    await load(numbered(0, 100));
    const other = join(folder, 'other.db');
    copyFileSync(path, other);
    byHand('UPDATE t SET amount = 999 WHERE id = 5', other);
    await ask();
    const { atime, mtime } = statSync(path);
    renameSync(other, path);
    const { utimesSync } = await import('node:fs');
    utimesSync(path, atime, mtime);
    expect((await ask()).rows[5]).toMatchObject({ amount: '999.00' });
  });

  test.each(['mirror.duckdb', 'trail', 'lock'])(
    'when its file %s is lost, cut or full of something else',
    async (name) => {
      await load(numbered(0, 500));
      await ask();
      const file = join(`${path}.mirror`, name);
      for (const damage of [
        () => rmSync(file),
        () => truncateSync(file, Math.floor(statSync(file).size / 2)),
        () => writeFileSync(file, 'something else, and long enough to be taken for a header'.repeat(100)),
      ]) {
        damage();
        await ask();
        await load(numbered(500, 501));
        await ask();
      }
    },
  );
});

describe('with data blocks that are damaged', () => {
  /** Damages the last block of a column; what says where blocks are stays whole. */
  async function damage(column = 'group'): Promise<void> {
    const copy = join(`${path}.mirror`, 'mirror.duckdb');
    const duck = await DuckDBInstance.create(copy);
    const connection = await duck.connect();
    const found = await connection.runAndReadAll(
      "SELECT max(block_id) FROM pragma_storage_info('t') WHERE column_name = $1 AND segment_type <> 'VALIDITY'",
      [column],
    );
    connection.closeSync();
    duck.closeSync();
    const place = 3 * 4_096 + Number(found.getRows()[0]?.[0]) * 262_144;
    const handle = openSync(copy, 'r+');
    writeSync(handle, Buffer.alloc(64, 0xab), 0, 64, place + 1_000);
    closeSync(handle);
  }
  const notes = (from: number, to: number): Sent[] =>
    numbered(from, to).map((row) => ({ ...row, group: String(Math.sin(row.id)) }));

  test('it is thrown away by the query that finds out, which says so, and made anew', async () => {
    await load(notes(0, 40_000));
    for (const sql of [
      'FROM bank.t',
      'SELECT count("group"), sum(amount), max(id), max("group") FROM bank.t',
    ]) {
      await ask();
      await damage();
      await using db = await openAnalytics({ attach: { bank: path }, mirror: true });
      await expect(db.query(sql).all()).rejects.toMatchObject({
        code: 'QUERY_FAILED',
        retryable: true,
        message: expect.stringMatching(/mirror\.duckdb: the columnar copy was damaged/),
      });
      expect(existsSync(join(`${path}.mirror`, 'mirror.duckdb'))).toBe(false);
      expect(await db.query('SELECT count("group") AS n FROM bank.t').all()).toEqual([{ n: 40_000 }]);
    }
    expect((await ask()).actions).toEqual([]);
  });

  test('a load since then that comes upon them makes it anew', async () => {
    await load(notes(0, 20_000));
    await ask();
    await damage('_plumbing_row_id');
    await load(numbered(0, 1_000, 'b'));
    const { actions, rows } = await ask();
    expect(actions).toEqual(['rebuilt']);
    expect(rows).toHaveLength(20_000);
  });

  test('an error of the query itself leaves a copy in place', async () => {
    await load(notes(0, 100_000));
    await ask();
    await using db = await openAnalytics({ attach: { bank: path }, mirror: true });
    const sql = `SELECT CASE WHEN id = 90000 THEN error('no') ELSE id END FROM bank.t`;
    await expect(db.query(sql).all()).rejects.toThrow(/failed after/);
    expect((await ask()).actions).toEqual([]);
  });
});

describe('is not in the way', () => {
  test('private, and without a trace when it was deleted', async () => {
    await load(numbered(0, 10));
    await ask();
    const copy = `${path}.mirror`;
    expect(statSync(copy).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(copy).filter((each) => each !== 'lock'))
      expect([name, statSync(join(copy, name)).mode & 0o777]).toEqual([name, 0o600]);
    rmSync(copy, { recursive: true });
    await load(numbered(10, 12));
    expect(existsSync(copy)).toBe(false);
    expect((await ask()).actions).toEqual(['rebuilt']);
  });

  test('while a load is running the file itself is read', async () => {
    await load(numbered(0, 10));
    await ask();
    const session = await sqlite(path).open();
    const begun = await session.begin({
      loadId: 'slow',
      pipeline: 'test',
      startedAt: '2026-11-23T07:00:00Z',
      day: '2026-11-23',
      tables: [],
      staged: false,
      signal: new AbortController().signal,
    });
    const { actions, events } = await ask();
    expect(actions).toEqual(['live']);
    expect(events[0]).toMatchObject({ alias: 'bank', path, reason: 'a load is running' });
    await begun.abort('enough');
    await session.close();
    expect((await ask()).actions).toEqual(['refreshed']);
  });

  test('two connections have one copy; what one of them still reads the other does not change', async () => {
    await load(numbered(0, 10));
    const actions: string[] = [];
    const open = () =>
      openAnalytics({ attach: { bank: path }, mirror: true, onMirror: ({ action }) => actions.push(action) });
    await using first = await open();
    await using second = await open();
    const sql = 'SELECT count(*) AS n FROM bank.t';
    expect(await first.query(sql).all()).toEqual([{ n: 10 }]);
    expect(await second.query(sql).all()).toEqual([{ n: 10 }]);
    expect(actions).toEqual(['rebuilt']);
    await load(numbered(10, 20));
    expect(await first.query(sql).all()).toEqual([{ n: 20 }]);
    expect(await second.query(sql).all()).toEqual([{ n: 20 }]);
    expect(await first.query(sql).all()).toEqual([{ n: 20 }]);
    expect(actions).toEqual(['rebuilt', 'live', 'refreshed']);
  });

  test('a query that is aborted while the copy is made leaves a connection that works', async () => {
    await load(numbered(0, 30_000));
    for (let delayMs = 0; delayMs < 120; delayMs += 10) {
      rmSync(`${path}.mirror`, { recursive: true, force: true });
      const actions: string[] = [];
      const onMirror = ({ action }: MirrorEvent): void => void actions.push(action);
      const db = await openAnalytics({ attach: { bank: path }, mirror: true, onMirror });
      const reason = new Error('enough');
      const aborted = db
        .query('SELECT count(*) AS n FROM bank.t', [], { signal: abortedAfter(delayMs, reason) })
        .all();
      await aborted.catch((error: unknown) => expect(error).toBe(reason));
      expect(await db.query('SELECT count(*) AS n FROM bank.t').all()).toEqual([{ n: 30_000 }]);
      // The abort may come when the copy was just made: then the second query finds it, and nothing more is told.
      expect(['', 'rebuilt']).toContain(actions.join());
      await db.close();
    }
  });

  test('a query that nobody reads to its end does not keep the copy from being brought up to date', async () => {
    await load(numbered(0, 20_000));
    const actions: string[] = [];
    await using db = await openAnalytics({
      attach: { bank: path },
      mirror: true,
      onMirror: ({ action }) => actions.push(action),
    });
    for await (const batch of db.query("SELECT id, repeat('x', 1000) FROM bank.t")) {
      expect(batch.length).toBeGreaterThan(0);
      break;
    }
    await load(numbered(20_000, 20_001));
    expect(await db.query('SELECT count(*) AS n FROM bank.t').all()).toEqual([{ n: 20_001 }]);
    expect(actions).toEqual(['rebuilt', 'refreshed']);
  });

  test('files of other programs, and tables of theirs, are read themselves', async () => {
    byHand('CREATE TABLE t (id INTEGER, amount REAL); INSERT INTO t VALUES (1, 1.5)');
    expect(await ask()).toMatchObject({ rows: [{ id: 1, amount: 1.5 }], actions: [] });
    expect(existsSync(`${path}.mirror`)).toBe(false);
    rmSync(path);
    await load(numbered(0, 2));
    byHand('CREATE TABLE mine (a TEXT); INSERT INTO mine VALUES (1); CREATE VIEW v AS SELECT id FROM t');
    expect((await ask('mine')).rows).toEqual([{ a: '1' }]);
    expect((await ask('v')).rows).toEqual([{ id: 0 }, { id: 1 }]);
  });

  test('through a link it is the same copy', async () => {
    await load(numbered(0, 2));
    const link = join(folder, 'link.db');
    symlinkSync(path, link);
    expect((await ask('t', link)).actions).toEqual(['rebuilt']);
    await load(numbered(2, 4));
    expect((await ask('t', link)).actions).toEqual(['refreshed']);
    expect((await ask()).actions).toEqual([]);
  });

  test.skipIf(process.getuid?.() === 0)('where it can not be kept the file itself is read', async () => {
    await load(numbered(0, 2));
    chmodSync(folder, 0o500);
    try {
      expect((await ask()).actions).toEqual(['live']);
    } finally {
      chmodSync(folder, 0o700);
    }
  });

  test('a row that fits no column does not keep others from being read', async () => {
    await load(numbered(0, 3));
    byHand("UPDATE t SET amount = 'much' WHERE id = 1");
    const events: MirrorEvent[] = [];
    await using db = await openAnalytics({
      attach: { bank: path },
      mirror: true,
      onMirror: (event) => events.push(event),
    });
    for (let i = 0; i < 2; i++)
      expect(await db.query('SELECT count(id) AS n FROM bank.t').all()).toEqual([{ n: 3 }]);
    await expect(db.query('SELECT amount FROM bank.t').all()).rejects.toMatchObject({ code: 'ROW_INVALID' });
    expect(events.map(({ action }) => action)).toEqual(['live']);
    expect(events[0]?.reason).toContain('column "amount"');
  });
});

test('a process that is killed while it makes the copy leaves nothing that is in the way', async () => {
  await load(numbered(0, 20_000));
  const script = `
    const { openAnalytics } = await import(${JSON.stringify(new URL('../../src/analytics/index.ts', import.meta.url).href)});
    const db = await openAnalytics({ attach: { bank: ${JSON.stringify(path)} }, mirror: true });
    const startedMs = performance.now();
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(process.argv[1]));
    await db.query('SELECT count(*) FROM bank.t').all();
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 0);
    await new Promise(() => {});`;
  for (let delayMs = 0; delayMs < 200; delayMs += 20) {
    rmSync(`${path}.mirror`, { recursive: true, force: true });
    const flags = ['--no-warnings', '--experimental-strip-types', '--input-type=module', '-e', script];
    expect(() => execFileSync(process.execPath, [...flags, String(delayMs)], { stdio: 'ignore' })).toThrow();
    expect((await ask()).rows).toHaveLength(20_000);
  }
}, 60_000);
