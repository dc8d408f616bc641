import { describe, expect, test } from 'vitest';
import { customCheck, noNulls, rowCount, sqlCheck, unique } from '../../../src/model/index.ts';
import type { CheckQuery, Load } from '../../../src/model/index.ts';
import { append, entry, replace, tableOf, upsert, useDatabase } from './harness.ts';

const database = useDatabase();
const table = tableOf(['id:int64', 'note'], upsert, ['id']);
const ids = async (): Promise<unknown[]> =>
  (await database().rows(['id'], { orderBy: ['id'] })).map(({ id }) => id);
const fault = (on: string): void =>
  database().exec(`CREATE TRIGGER fault BEFORE ${on} BEGIN SELECT RAISE(ABORT, 'fault'); END`);

describe('rows and their state are committed together', () => {
  test.each(['checkpoint', 'finishTable'] as const)(
    'when the state can not be written, %s leaves none of its rows',
    async (call) => {
      await database().load(table, [[1, 'a']], {}, [entry(1)]);
      fault('UPDATE ON _plumbing_state');
      const load = await database().begin([table]);
      await load.write('t', [[2, 'b']]);
      const commit = call === 'checkpoint' ? load.checkpoint([entry(2)]) : load.finishTable('t', [entry(2)]);
      await expect(commit).rejects.toMatchObject({
        code: 'DEST_FAILED',
        message: expect.stringContaining(database().path),
      });
      expect([await ids(), await database().state(), load.counts('t').inserted]).toEqual([
        [1],
        [entry(1)],
        0,
      ]);
      // The same load goes on when the fault is over: what it had taken is still there.
      database().exec('DROP TRIGGER fault');
      await load.finishTable('t', [entry(2)]);
      expect([await ids(), await database().state(), load.counts('t').inserted]).toEqual([
        [1, 2],
        [entry(2)],
        1,
      ]);
    },
  );

  test('when a row can not be written, neither rows nor state of its commit stay', async () => {
    await database().load(table, [[1, 'a']], {}, [entry(1)]);
    fault("INSERT ON t WHEN new.note = 'bad'");
    const load = await database().begin([table]);
    await load.write('t', [[2, 'good']]);
    await load.checkpoint([entry(2)]);
    await load.write('t', [
      [3, 'good'],
      [4, 'bad'],
    ]);
    await expect(load.checkpoint([entry(4)])).rejects.toMatchObject({ code: 'DEST_FAILED' });
    await load.abort('the disk is tired');
    expect([await ids(), await database().state()]).toEqual([[1, 2], [entry(2)]]);
  });

  test('the state of rows that are still held back is held back with them', async () => {
    const set = tableOf(['id:int64'], replace, ['id']);
    const load = await database().begin([set, tableOf(['id:int64'], append, [], 'other')]);
    await load.write('t', [[1]]);
    await load.write('other', [[1]]);
    await load.checkpoint([entry(1), entry(5, 'other')]);
    expect(await database().state()).toEqual([entry(5, 'other')]);
    await load.finishTable('t', [entry(2, 't', 'part')]);
    expect(await database().state()).toEqual([entry(5, 'other'), entry(1), entry(2, 't', 'part')]);
  });

  test('a state without cursor, or with nothing, clears nothing', async () => {
    const state = { cursor: 7, custom: { a: 1 } };
    await database().load(table, [], {}, [{ stream: 't', partition: '', state }]);
    await database().load(table, [], {}, [{ stream: 't', partition: '', state: {} }]);
    await database().load(table, [], {}, [{ stream: 't', partition: '', state: { custom: { a: 2 } } }]);
    expect(await database().state()).toEqual([
      { stream: 't', partition: '', state: { cursor: 7, custom: { a: 2 } } },
    ]);
  });

  test('a cursor beyond 2^53 keeps its digits', async () => {
    await database().load(table, [], {}, [entry(2n ** 63n - 1n)]);
    expect(await database().state()).toEqual([entry(2n ** 63n - 1n)]);
  });
});

test('no write lock is held while the source is slow: others write between batches', async () => {
  const load = await database().begin([table, tableOf(['id:int64'], replace, [], 'set')]);
  database().exec('CREATE TABLE mine (n)');
  await load.write('t', [[1, 'a']]);
  await load.write('set', [[1]]);
  database().exec('INSERT INTO mine VALUES (1)');
  await load.checkpoint([]);
  database().exec('INSERT INTO mine VALUES (2)');
  await load.finishTable('set', []);
  await load.finishTable('t', []);
  await load.publish();
  expect(database().sql('SELECT count(*) AS n FROM mine')).toEqual([{ n: 2 }]);
});

test('a write lock of another program is waited for, then reported as retryable', async () => {
  const session = await database().session({ busyTimeoutMs: 50 });
  const load = await session.begin(database().info([table]));
  await load.write('t', [[1, 'a']]);
  const { DatabaseSync } = await import('node:sqlite');
  const other = new DatabaseSync(database().path);
  try {
    other.exec('BEGIN IMMEDIATE');
    await expect(load.checkpoint([])).rejects.toMatchObject({ code: 'DEST_BUSY', retryable: true });
  } finally {
    other.close();
  }
  await load.finishTable('t', []);
  expect(await ids()).toEqual([1]);
});

describe('a staged load', () => {
  const begin = (): Promise<Load> => database().begin([table], { staged: true });

  test('is seen by nobody before it is published, audited or not', async () => {
    await database().load(table, [[1, 'a']], {}, [entry(1)]);
    const load = await begin();
    await load.write('t', [[2, 'b']]);
    await load.checkpoint([entry(2)]);
    await load.finishTable('t', [entry(3)]);
    expect([await ids(), await database().state()]).toEqual([[1], [entry(1)]]);
    expect(await load.audit([rowCount('t', { min: 2, max: 2 })])).toEqual([
      { name: 'row_count(2..2)', table: 't', passed: true },
    ]);
    expect([await ids(), await database().state(), load.counts('t').inserted]).toEqual([[1], [entry(1)], 0]);
    await load.publish();
    expect([await ids(), await database().state(), load.counts('t').inserted]).toEqual([
      [1, 2],
      [entry(3)],
      1,
    ]);
  });

  test('runs every check, on the tables as they will be; those that fail say why', async () => {
    await database().load(table, [[1, 'a']]);
    const load = await begin();
    await load.write('t', [
      [1, null],
      [2, 'b'],
      [3, 'b'],
    ]);
    await load.finishTable('t', []);
    const results = await load.audit([
      noNulls('t', 'note'),
      unique('t', ['id']),
      unique('t', ['note']),
      sqlCheck('wrong_sql', 't', () => 'SELECT nope FROM t'),
      customCheck('throws', 't', () => Promise.reject(new Error('no idea'))),
      customCheck('big', 't', async (query) => {
        const [row] = await query('SELECT 9007199254740993 AS big, 1 AS small');
        return (row?.['big'] === 9_007_199_254_740_993n && row['small'] === 1) || 'digits were lost';
      }),
    ]);
    expect(results.map(({ passed }) => passed)).toEqual([false, true, false, false, false, true]);
    expect(results[0]?.message).toBe('1 rows have no note');
    expect(results[3]?.message).toMatch(/could not run.*nope/);
    expect(results[4]?.message).toMatch(/no idea/);
  });

  test.each([
    'DELETE FROM t',
    'COMMIT',
    'ROLLBACK',
    'WITH gone AS (SELECT 1) DELETE FROM t',
    'PRAGMA query_only = OFF',
    "ATTACH 'x.db' AS x",
  ])('a check can not change anything: %s', async (sql) => {
    await database().load(table, [[1, 'a']]);
    const load = await begin();
    await load.write('t', [[2, 'b']]);
    await load.finishTable('t', []);
    const meddle = customCheck('meddles', 't', async (query: CheckQuery) => {
      await query(sql).catch(() => undefined);
      return true;
    });
    expect(await load.audit([meddle, rowCount('t', { min: 2, max: 2 })])).toMatchObject([
      { passed: true },
      { passed: true },
    ]);
    expect(await ids()).toEqual([1]);
    await load.publish();
    expect(await ids()).toEqual([1, 2]);
  });

  test('whose checks fail is not published; its rows stay for inspection until the next load of the table', async () => {
    await database().load(table, [[1, 'a']], {}, [entry(1)]);
    const load = await begin();
    await load.write('t', [[2, 'b']]);
    await load.finishTable('t', [entry(2)]);
    await load.audit([rowCount('t', { max: 1 })]);
    database().exec('CREATE TABLE others_write_again (x)');
    await expect(load.publish()).rejects.toMatchObject({ code: 'CHECK_FAILED' });
    expect(await load.abort('checks failed', { keepStaged: true })).toEqual({
      staged: ['_plumbing_staging__t'],
    });
    expect(database().sql('SELECT id, note FROM _plumbing_staging__t')).toEqual([{ id: 2, note: 'b' }]);
    expect([await ids(), await database().state()]).toEqual([[1], [entry(1)]]);
    const session = await database().session();
    expect(await session.reader.tables()).toEqual(['t']);
    expect((await session.reader.status()).loads[0]).toMatchObject({
      status: 'checks_failed',
      error: 'checks failed',
    });
    await session.begin(database().info([table]));
    expect(database().sql("SELECT name FROM sqlite_schema WHERE name LIKE '%staging%'")).toEqual([]);
  });

  test('without rows to keep names nothing', async () => {
    const load = await begin();
    await load.finishTable('t', []);
    expect(await load.abort('why not', { keepStaged: true })).toEqual({ staged: [] });
  });

  test('keeps streams that are complete and leaves out the one that failed', async () => {
    const other = tableOf(['id:int64'], append, [], 'other');
    const load = await database().begin([table, other], { staged: true });
    await load.write('t', [[1, 'a']]);
    await load.finishTable('t', [entry(1)]);
    await load.write('other', [[1]]);
    await load.checkpoint([entry(9, 'other')]);
    await load.discardTable('other');
    await load.publish();
    expect([await ids(), await database().rows(['id'], {}, 'other'), await database().state()]).toEqual([
      [1],
      [],
      [entry(1)],
    ]);
    const session = await database().session();
    expect((await session.reader.status()).loads[0]).toMatchObject({
      status: 'failed',
      error: 'not complete: "other"',
    });
  });

  test('takes nothing more once it is audited', async () => {
    const load = await begin();
    await load.finishTable('t', []);
    await load.audit([rowCount('t', {})]);
    await expect(load.write('t', [[1, 'a']])).rejects.toMatchObject({ code: 'DEST_FAILED' });
    await load.publish();
  });

  test('whose commit fails publishes nothing, and can be aborted', async () => {
    const load = await begin();
    await load.write('t', [[1, 'a']]);
    await load.finishTable('t', [entry(1)]);
    fault('INSERT ON _plumbing_state');
    await expect(load.publish()).rejects.toMatchObject({ code: 'DEST_FAILED' });
    expect(await load.abort('no luck')).toEqual({ staged: [] });
    expect([await ids(), await database().state()]).toEqual([[], []]);
  });
});

describe('the life of a load', () => {
  test('rows that nobody finished or discarded are not lost in silence', async () => {
    for (const staged of [false, true]) {
      const load = await database().begin([table], { staged });
      await load.write('t', [[1, 'a']]);
      await expect(load.publish()).rejects.toMatchObject({
        code: 'DEST_FAILED',
        message: expect.stringContaining('"t"'),
      });
      await load.abort('a test');
      await database().close();
    }
  });

  test('ends once; afterwards everything but abort is an error', async () => {
    const load = await database().begin([table]);
    await load.finishTable('t', []);
    await load.publish();
    await expect(load.write('t', [])).rejects.toMatchObject({ code: 'DEST_FAILED' });
    await expect(load.publish()).rejects.toMatchObject({ code: 'DEST_FAILED' });
    expect(await load.abort('again')).toEqual({ staged: [] });
    const session = await database().session();
    expect((await session.reader.status()).loads[0]?.status).toBe('succeeded');
  });

  test('ends with its session', async () => {
    const session = await database().session();
    const load = await session.begin(database().info([table]));
    await load.write('t', [[1, 'a']]);
    await expect(session.begin(database().info([table]))).rejects.toMatchObject({ code: 'DEST_FAILED' });
    await session.close();
    expect(await ids()).toEqual([]);
    await expect(load.checkpoint([])).rejects.toMatchObject({ code: 'DEST_FAILED' });
  });

  test('knows its tables only', async () => {
    const load = await database().begin([table]);
    expect(() => load.table('u')).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }));
  });

  test('a second one waits for its turn, and gives up in time or when it is aborted', async () => {
    const load = await database().begin([table]);
    const impatient = await database().session({ lockTimeoutMs: 60 });
    await expect(impatient.begin(database().info([table]))).rejects.toMatchObject({
      code: 'DEST_BUSY',
      retryable: true,
      message: expect.stringContaining(database().path),
    });
    const patient = await database().session();
    const abort = new AbortController();
    const waiting = patient.begin(database().info([table], { signal: abort.signal }));
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    const next = patient.begin(database().info([table]));
    await load.finishTable('t', []);
    await load.publish();
    expect((await next).table('t').name).toBe('t');
  });

  test('its record tells what it did; a record that was left open is closed by the next load', async () => {
    const load = await database().begin([table], { loadId: 'dead' });
    await load.write('t', [[1, 'a']]);
    await load.checkpoint([]);
    await load.abort('x');
    database().exec("UPDATE _plumbing_loads SET status = 'running', finished_at = NULL, error = NULL");
    await database().load(table, [[2, 'b']], { loadId: 'live' });
    const session = await database().session();
    const { loads, tables } = await session.reader.status();
    expect(loads.find(({ loadId }) => loadId === 'dead')).toMatchObject({
      status: 'failed',
      error: 'the process ended before the load did',
      counts: { t: { inserted: 1 } },
    });
    expect(loads.find(({ loadId }) => loadId === 'live')).toMatchObject({
      status: 'succeeded',
      error: null,
      counts: { t: { inserted: 1 } },
    });
    expect(tables).toEqual([{ table: 't', rows: 2, quarantined: 0 }]);
  });

  test('records stay bounded: the newest 500 of a pipeline', async () => {
    await database().load(table, []);
    database().exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
      INSERT INTO _plumbing_loads SELECT 'old-' || i, 'p', 'succeeded', '2020-01-01', NULL, '{}', NULL FROM n`);
    await database().load(table, [], { pipeline: 'another' });
    await database().load(table, []);
    expect(
      database().sql(
        'SELECT pipeline, count(*) AS n FROM _plumbing_loads GROUP BY pipeline ORDER BY pipeline',
      ),
    ).toEqual([
      { pipeline: 'another', n: 1 },
      { pipeline: 'p', n: 500 },
    ]);
  });
});

describe('quarantine', () => {
  const raw = { id: 'x', big: 2n ** 70n, text: 'half \ud800', deep: [{ a: null }] };
  const quarantined = async (name = 't') => {
    const session = await database().session({ readOnly: true });
    return Array.fromAsync(session.reader.quarantined(name));
  };

  test('keeps a row with its reason, exactly as it came, from the commit on', async () => {
    const load = await database().begin([table], { loadId: 'l' });
    await load.quarantine('t', [{ index: 3, reason: 'id: expected an integer', raw }]);
    expect(await quarantined()).toEqual([]);
    await load.checkpoint([]);
    expect(await quarantined()).toEqual([
      {
        id: 1,
        loadId: 'l',
        index: 3,
        reason: 'id: expected an integer',
        raw,
        quarantinedAt: '2026-11-23T07:00:00.000000Z',
        key: '["x"]',
        isSuperseded: false,
      },
    ]);
    expect(load.counts('t').quarantined).toBe(1);
  });

  test('notes in the commit of a load that it has brought the key of a row that waits, not before, and not of its own rows', async () => {
    const superseded = async () => (await quarantined()).map(({ isSuperseded }) => isSuperseded);
    let load = await database().begin([table]);
    await load.quarantine('t', [{ index: 0, reason: 'r', raw: { id: 1, n: 1 } }]);
    await load.checkpoint([]);
    await load.write('t', [[1, 'a']]);
    await load.finishTable('t', []);
    await load.publish();
    await database().close();
    expect(await superseded()).toEqual([false]);
    load = await database().begin([table]);
    await load.quarantine('t', [{ index: 0, reason: 'r', raw: { id: 1, n: 2 } }]);
    await load.write('t', [
      [2, 'b'],
      [1, 'a'],
    ]);
    await load.discardTable('t');
    expect(await superseded()).toEqual([false]);
    await load.quarantine('t', [{ index: 0, reason: 'r', raw: { id: 1, n: 2 } }]);
    await load.write('t', [[1, 'a']]);
    await load.finishTable('t', []);
    await load.publish();
    expect(await superseded()).toEqual([true, false]);
  });

  test('does not grow when a source gives the same wrong rows at each run; equal rows of one run stay apart', async () => {
    for (let i = 0; i < 3; i++) {
      const load = await database().begin([table]);
      await load.quarantine('t', [
        { index: 0, reason: 'r', raw },
        { index: 1, reason: 'r', raw },
      ]);
      await load.checkpoint([]);
      await load.quarantine('t', [{ index: 2, reason: 'r', raw }]);
      await load.finishTable('t', []);
      await load.publish();
      await database().close();
    }
    expect((await quarantined()).map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  test('goes with its rows: dropped when they are discarded, held back when they are staged', async () => {
    const load = await database().begin([table], { staged: true });
    await load.quarantine('t', [{ index: 0, reason: 'r', raw: 1 }]);
    await load.checkpoint([]);
    expect(await quarantined()).toEqual([]);
    await load.discardTable('t');
    await load.publish();
    expect(await quarantined()).toEqual([]);
  });

  test('lets go of a row in the commit that stores it', async () => {
    let load = await database().begin([table, tableOf(['id:int64'], append, [], 'other')]);
    await load.quarantine('t', [
      { index: 0, reason: 'r', raw: 'a' },
      { index: 1, reason: 'r', raw: 'b' },
    ]);
    await load.finishTable('t', []);
    await load.finishTable('other', []);
    await load.publish();
    await database().close();
    load = await database().begin([table, tableOf(['id:int64'], append, [], 'other')]);
    await load.write('t', [[1, 'a']]);
    await load.releaseQuarantine('t', [1, 99]);
    await load.releaseQuarantine('other', [2]);
    expect((await quarantined()).length).toBe(2);
    await load.checkpoint([]);
    expect([(await quarantined()).map(({ raw: value }) => value), await ids()]).toEqual([['b'], [1]]);
  });

  test.each([undefined, Number.NaN, new Date(0), () => 1, new Uint8Array(2), { a: Infinity }])(
    'keeps what JSON can not hold as near as it gets: %s',
    async (value) => {
      const load = await database().begin([table]);
      await load.quarantine('t', [{ index: 0, reason: 'half \ud800', raw: value }]);
      await load.checkpoint([]);
      expect((await quarantined()).length).toBe(1);
    },
  );

  test('keeps a row that refers to itself', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const load = await database().begin([table]);
    await load.quarantine('t', [{ index: 0, reason: 'r', raw: circle }]);
    await load.checkpoint([]);
    expect((await quarantined()).length).toBe(1);
  });
});
