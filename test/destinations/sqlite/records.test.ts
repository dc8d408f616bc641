/** What a load says of itself, and what it holds back until it may be seen. */
import { expect, test } from 'vitest';
import { rowCount } from '../../../src/model/index.ts';
import type { LoadRecord } from '../../../src/model/index.ts';
import { append, entry, tableOf, upsert, useDatabase } from './harness.ts';

const database = useDatabase();
const table = tableOf(['id:int64', 'note'], upsert, ['id']);
const record = async (): Promise<LoadRecord | undefined> =>
  (await (await database().session({ readOnly: true })).reader.status()).loads[0];

test('a load that runs has no end yet; one that was aborted says why, in short', async () => {
  const load = await database().begin([table]);
  expect(await record()).toMatchObject({ status: 'running', finishedAt: null, error: null, counts: {} });
  await load.abort(`why: ${'x'.repeat(5_000)}\ud800`);
  const ended = await record();
  expect(ended).toMatchObject({ status: 'failed', finishedAt: expect.stringMatching(/^20.*Z$/) as string });
  expect(ended?.error).toHaveLength(1_000);
});

test('a table that was discarded and then finished is complete', async () => {
  const load = await database().begin([table]);
  await load.write('t', [[1, 'a']]);
  await load.discardTable('t');
  await load.write('t', [[2, 'b']]);
  await load.finishTable('t', []);
  await load.publish();
  expect(await record()).toMatchObject({ status: 'succeeded', error: null, counts: { t: { inserted: 1 } } });
});

test('a table that was finished and then discarded is not', async () => {
  const load = await database().begin([table], { staged: true });
  await load.write('t', [[1, 'a']]);
  await load.finishTable('t', [entry(1)]);
  await load.discardTable('t');
  await load.publish();
  expect(await record()).toMatchObject({ status: 'failed', error: 'not complete: "t"' });
  expect([await database().rows(), await database().state()]).toEqual([[], []]);
});

test('one check of several that fails is enough', async () => {
  const load = await database().begin([table], { staged: true });
  await load.write('t', [[1, 'a']]);
  await load.finishTable('t', []);
  const results = await load.audit([rowCount('t', { min: 1 }), rowCount('t', { min: 2 })]);
  expect(results.map(({ passed }) => passed)).toEqual([true, false]);
  await expect(load.publish()).rejects.toMatchObject({ code: 'CHECK_FAILED' });
  expect(await load.abort('checks failed')).toEqual({ staged: [] });
  expect(await record()).toMatchObject({ status: 'checks_failed' });
});

test('an audit of a load that is not staged looks at what is committed, and holds no lock', async () => {
  const load = await database().begin([table]);
  await load.write('t', [[1, 'a']]);
  await load.finishTable('t', []);
  expect(await load.audit([rowCount('t', { max: 1 })])).toMatchObject([{ passed: true }]);
  database().exec('CREATE TABLE others_write (x)');
  await load.publish();
});

test('state of a stream that has no table in a staged load waits for the load', async () => {
  const load = await database().begin([table], { staged: true });
  await load.checkpoint([entry(1, 'elsewhere')]);
  expect(await database().state()).toEqual([]);
  await load.finishTable('t', []);
  await load.publish();
  expect(await database().state()).toEqual([entry(1, 'elsewhere')]);
});

test('state alone is reason enough for a commit; with nothing there is none', async () => {
  const load = await database().begin([table]);
  const changes = (): unknown => database().sql('SELECT counts FROM _plumbing_loads')[0]?.['counts'];
  await load.checkpoint([]);
  expect(changes()).toBe('{}');
  await load.checkpoint([entry(1)]);
  expect(await database().state()).toEqual([entry(1)]);
  expect(changes()).toContain('"t"');
});

test('a load names the tables that it has', async () => {
  const load = await database().begin([table, tableOf(['id:int64'], append, [], 'u')]);
  expect(() => load.table('x')).toThrow('this load has no table "x"; it was begun with t, u');
  await load.abort('x');
  expect(() => load.table('t').name).not.toThrow();
  const none = await database().begin([]);
  expect(() => none.table('x')).toThrow('begun with none');
});

test('a table that someone dropped may come back with other types', async () => {
  await database().load(table, [[1, 'a']], {}, [entry(1)]);
  database().exec('DROP TABLE t');
  await database().load(tableOf(['id:int64', 'note:int64'], upsert, ['id']), [[1, 7]]);
  expect(await database().rows(['id', 'note'])).toEqual([{ id: 1, note: 7 }]);
});

test('a row that does not fit is named by its place in the load', async () => {
  const load = await database().begin([table]);
  await load.write('t', [
    [1, 'a'],
    [2, 'b'],
  ]);
  await expect(
    load.write('t', [
      [3, 'c'],
      [4, 'd'],
      ['x', 'e'],
    ]),
  ).rejects.toMatchObject({
    code: 'ROW_INVALID',
    message: expect.stringContaining('row 4: column "id" (int64)') as string,
    context: { table: 't', row: 4 },
  });
  await expect(
    load.write('t', [
      [3, 'c'],
      [null, 'd'],
    ]),
  ).rejects.toThrow('row 3: column "id" must have a value');
  await expect(load.write('t', [[3], [4, 'd', 5]])).rejects.toThrow('row 3: 3 cells for 2 columns');
});

test('rows that were there already are counted as unchanged where only new ones are inserted', async () => {
  const only = tableOf(['id:int64', 'note'], { mode: 'merge', strategy: 'insert-only' }, ['id']);
  expect(await database().load(only, [[1, 'a']])).toMatchObject({ inserted: 1, unchanged: 0 });
  expect(
    await database().load(only, [
      [1, 'b'],
      [2, 'c'],
      [3, 'd'],
    ]),
  ).toMatchObject({ inserted: 2, unchanged: 1 });
});

test('a session that is closed ends the streams of rows that are still read', async () => {
  await database().load(table, [
    [1, 'a'],
    [2, 'b'],
  ]);
  const session = await database().session({ readOnly: true });
  const rows = session.reader.readRows('t')[Symbol.asyncIterator]();
  await rows.next();
  await session.close();
  await expect(rows.next()).rejects.toThrow();
});
