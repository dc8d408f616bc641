/** What can not be taken back is refused, and nothing is changed by the refusal. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { TableDefinition, WriteMode } from '../../../src/model/index.ts';
import { append, column, entry, replace, scopedBy, tableOf, upsert, useDatabase } from './harness.ts';
import { contentOf, keptOf, loadSteps, undo } from './undo-harness.ts';
import type { Step } from './undo-harness.ts';

const database = useDatabase();
beforeEach(() => {
  database().undoLoads = 9;
});

const columns = ['id:int64', 'part', 'value:int64'];
const keyed = tableOf(columns, upsert, ['id']);
const versions: WriteMode = { mode: 'merge', strategy: 'scd2' };
const closing: WriteMode = { mode: 'merge', strategy: 'scd2', closeAbsent: true };
const emptying: WriteMode = { mode: 'replace', allowEmpty: true };

const load = (
  table: TableDefinition,
  rows: Step['rows'],
  more: Parameters<typeof loadSteps>[2] = {},
): Promise<string> => loadSteps(database(), [[table, [{ rows: rows ?? [] }]]], more);

async function expectRefused(loadId: string, why: RegExp): Promise<void> {
  const look = (): unknown => [
    contentOf(database()),
    keptOf(database()),
    database().sql('SELECT * FROM _plumbing_loads'),
  ];
  const before = look();
  const refusal = undo(database(), loadId);
  await expect(refusal).rejects.toMatchObject({ code: 'UNDO_REFUSED', message: expect.stringMatching(why) });
  await expect(refusal).rejects.toThrow(database().path);
  expect(look()).toEqual(before);
}

describe('by what is known of the load', () => {
  test('an unknown one', async () => {
    await load(keyed, [[1, 'a', 1]]);
    await expectRefused('019a0000-0000-7000-8000-ffffffffffff', /no such load/);
  });

  test('one that was taken back already', async () => {
    const loadId = await load(keyed, [[1, 'a', 1]]);
    await undo(database(), loadId);
    await expectRefused(loadId, /done already/);
  });

  test.each([
    ['kept nothing', 0],
    ['is too long ago', 1],
  ])('one that %s', async (_why, undoLoads) => {
    database().undoLoads = undoLoads;
    const loadId = await load(keyed, [[1, 'a', 1]]);
    await load(keyed, [[2, 'a', 1]]);
    await expectRefused(loadId, /undoLoads \(SQLITE_UNDO_LOADS\)/);
  });

  test('one that changed nothing', async () => {
    const session = await database().session();
    const info = database().info([keyed]);
    await (await session.begin(info)).abort('no luck');
    await session.close();
    await expectRefused(info.loadId, /it had changed nothing/);
  });

  test('one that is running, however it is asked', async () => {
    const session = await database().session();
    const info = database().info([keyed]);
    const running = await session.begin(info);
    await running.write('t', [[1, 'a', 1]]);
    await running.checkpoint([]);
    const { signal } = new AbortController();
    await expect(session.undo?.(info.loadId, signal)).rejects.toMatchObject({ code: 'DEST_FAILED' });
    const other = await database().session({ lockTimeoutMs: 0 });
    await expect(other.undo?.(info.loadId, signal)).rejects.toMatchObject({
      code: 'DEST_BUSY',
      retryable: true,
    });
    await running.finishTable('t', []);
    await running.publish();
    expect(await database().rows(['id'])).toEqual([{ id: 1 }]);
  });

  test('by a session that reads only', async () => {
    const loadId = await load(keyed, [[1, 'a', 1]]);
    const session = await database().session({ readOnly: true });
    await expect(session.undo?.(loadId, new AbortController().signal)).rejects.toMatchObject({
      code: 'DEST_READ_ONLY',
    });
  });
});

describe('when a later load', () => {
  test.each([3, 0])('has changed a row of it (the later one keeps %i)', async (later) => {
    const loadId = await load(keyed, [
      [1, 'a', 1],
      [2, 'a', 1],
    ]);
    database().undoLoads = later;
    await load(keyed, [[1, 'a', 2]], { pipeline: 'q' });
    await expectRefused(loadId, /rows that it wrote to table "t" were changed/);
  });

  test('of another pipeline has found the same rows', async () => {
    const loadId = await load(keyed, [[1, 'a', 1]], { state: [entry(1)] });
    await load(keyed, [[1, 'a', 1]], { pipeline: 'other', state: [entry(1)] });
    await expectRefused(loadId, /pipeline "other" has moved its cursor/);
  });

  test('has moved its cursor', async () => {
    const loadId = await load(keyed, [[1, 'a', 1]], { state: [entry(1)] });
    await load(keyed, [[2, 'a', 1]], { state: [entry(2)] });
    await expectRefused(loadId, /cursor of "t"/);
  });

  test('has inserted a row that it had deleted', async () => {
    await load(keyed, [[1, 'a', 1]]);
    const loadId = await load(tableOf(columns, emptying, ['id']), []);
    await load(keyed, [[1, 'b', 2]]);
    await expectRefused(loadId, /written again/);
  });

  test('has filled a set that it had emptied', async () => {
    const table = tableOf(columns, emptying);
    await load(table, [[1, 'a', 1]]);
    const loadId = await load(table, []);
    await load(table, [[2, 'b', 2]]);
    await expectRefused(loadId, /replaced all rows/);
  });

  test('has filled a scope that it had emptied; other scopes are no matter', async () => {
    const table = tableOf(columns, scopedBy('part'));
    const empty = (part: string): Promise<string> =>
      loadSteps(database(), [[table, [{ scopes: [{ part }] }]]]);
    await load(table, [
      [1, 'a', 1],
      [2, 'b', 1],
    ]);
    const [a, b] = [await empty('a'), await empty('b')];
    await load(table, [[3, 'a', 1]]);
    await expectRefused(a, /replaced all rows/);
    await undo(database(), b);
    expect(await database().rows(['id'], { orderBy: ['id'] })).toEqual([{ id: 2 }, { id: 3 }]);
  });

  test('has replaced its rows', async () => {
    const loadId = await load(tableOf(columns, replace), [[1, 'a', 1]]);
    await load(tableOf(columns, replace), [[1, 'a', 1]]);
    await expectRefused(loadId, /changed or deleted/);
  });

  test('has closed a version that it opened', async () => {
    const table = tableOf(columns, versions, ['id']);
    await load(table, [[1, 'a', 1]]);
    const loadId = await load(table, [[1, 'a', 2]]);
    await load(table, [[1, 'a', 3]]);
    await expectRefused(loadId, /versions that it opened/);
  });

  test('has opened a version of what it closed', async () => {
    const table = tableOf(columns, closing, ['id']);
    await load(table, [
      [1, 'a', 1],
      [2, 'a', 1],
    ]);
    const loadId = await load(table, [[1, 'a', 1]]);
    await load(tableOf(columns, versions, ['id']), [[2, 'b', 1]]);
    await expectRefused(loadId, /written again/);
  });

  test('has given the table a key that rows of before share', async () => {
    await load(tableOf(columns, replace), [
      [1, 'a', 1],
      [1, 'b', 1],
    ]);
    const loadId = await load(tableOf(columns, replace), [[2, 'a', 1]]);
    await load(keyed, []);
    await expectRefused(loadId, /share a key/);
  });

  test('has given a column a type that can not hold what was there', async () => {
    await load(keyed, [[1, 'a', 123_456]]);
    const loadId = await load(keyed, [[1, 'a', 1]]);
    await load(tableOf(['id:int64', 'part', 'value:decimal(5,2)'], upsert, ['id']), [[2, 'a', '1.50']]);
    await expectRefused(loadId, /value/);
  });
});

describe('when somebody', () => {
  test.each([
    ['dropped the table', 'DROP TABLE t', /is gone/],
    ['dropped a column', 'ALTER TABLE t DROP COLUMN value', /not as this library made it/],
    [
      'put a view in its place',
      'DROP TABLE t; CREATE VIEW t AS SELECT 1 AS id',
      /not as this library made it/,
    ],
    ['put another table in its place', 'DROP TABLE t; CREATE TABLE t (id)', /not as this library made it/],
    ['deleted a row', 'DELETE FROM t WHERE id = 2', /changed or deleted/],
    ['dropped what was kept', 'DROP TABLE _plumbing_undo__3', /what was kept/],
    ['damaged it', "UPDATE _plumbing_undo_images SET definition = 'x'", /can not be read/],
    ['changed the cursor', 'DELETE FROM _plumbing_state', /cursor/],
    ['emptied the run log', 'DELETE FROM _plumbing_loads', /no such load/],
    ['made a rule', "CREATE TRIGGER no BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'no'); END", /forbids/],
    ['points to a row', 'CREATE TABLE mine (id REFERENCES t (id)); INSERT INTO mine VALUES (2)', /forbids/],
  ])('%s', async (_what, sql, why) => {
    await load(keyed, [[1, 'a', 1]]);
    const loadId = await load(
      keyed,
      [
        [1, 'a', 2],
        [2, 'a', 2],
      ],
      { state: [entry(1)] },
    );
    database().exec(sql);
    await expectRefused(loadId, why);
  });

  test('dropped the table and it was loaded anew: rows of another life do not come back', async () => {
    await load(tableOf(columns, emptying, ['id']), [[1, 'a', 1]]);
    const loadId = await load(tableOf(columns, emptying, ['id']), []);
    database().exec('DROP TABLE t');
    await load(tableOf([column('id', 'string'), 'part', 'value:int64'], append), []);
    await expectRefused(loadId, /not known how the rows were/);
    expect(keptOf(database()).images).toBe(0);
  });
});

test('rows that others point to stay in place while what a load made of them is taken back', async () => {
  await load(keyed, [[1, 'a', 1]]);
  database().exec('CREATE TABLE mine (id REFERENCES t (id) ON DELETE CASCADE); INSERT INTO mine VALUES (1)');
  const loadId = await load(keyed, [[1, 'a', 2]]);
  await undo(database(), loadId);
  expect(database().sql('SELECT value, (SELECT count(*) FROM mine) AS n FROM t')).toEqual([
    { value: 1, n: 1 },
  ]);
});
