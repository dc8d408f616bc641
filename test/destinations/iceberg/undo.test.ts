/** A load that is taken back: everything is as if it had never been. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { maintainIceberg, readRows } from '../../../src/destinations/iceberg/index.ts';
import { decimal, defineStream, int64, rowCount, unique } from '../../../src/index.ts';
import type { Stream } from '../../../src/index.ts';
import { UndoPlace, itemSchema, streamOf } from './undo-place.ts';
import type { Contents, Item, Shape } from './undo-place.ts';

const byId = { cursor: { column: 'id' } } as const;
const scd2 = { mode: 'merge', strategy: 'scd2', closeAbsent: true } as const;
const scoped = { mode: 'merge', strategy: 'delete-insert', scope: ['note'] } as const;

const item = (id: number, note: string): Item => ({ id, note });
const first = [item(1, 'a'), item(2, 'b'), item(3, 'c')];
const second = [item(2, 'b'), item(3, 'changed'), item(4, 'd')];
const third = [item(3, 'c'), item(4, 'later'), item(5, 'e')];

const modes: readonly (readonly [string, Shape])[] = [
  ['append', { write: 'append', primaryKey: [], ...byId }],
  ['replace', { write: 'replace' }],
  ['upsert', byId],
  ['insert-only', { write: 'insert-only', ...byId }],
  ['delete-insert', { write: scoped, ...byId }],
  ['scd2', { write: scd2 }],
];

/** Without what tells one load of the same rows from another. */
function meaningOf({ tables, state }: Contents): unknown {
  const rows = Object.entries(tables).map(([name, table]) => [
    name,
    table.columns,
    table.rows
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([column, value]) => [
            column,
            /^_(plumbing|inserted|valid)/.test(column) && value !== null ? 'some' : value,
          ]),
        ),
      )
      .map((row) => JSON.stringify(row))
      .toSorted(),
  ]);
  return {
    rows,
    state: (state as { updatedAt: string }[]).map(({ updatedAt: _time, ...entry }) => entry),
  };
}

const checked = { checks: [unique('t', ['id'])] };

describe.each(modes)('%s', (mode, shape) => {
  const stream = (rows: readonly Item[]): Stream[] => [streamOf('t', rows, shape)];
  // An appended row of the same id is there twice, a version of it as well.
  const staged = mode === 'append' || mode === 'scd2' ? { checks: [rowCount('t', { min: 1 })] } : checked;

  test.each([
    ['checkpoint by checkpoint', { checkpoint: { rows: 1 } }],
    ['after checks', staged],
  ])('loaded %s, is as it was, and the next run goes on from there', async (_how, options) => {
    using place = new UndoPlace();
    await place.run(stream(first), options);
    const before = await place.contents();
    const { loadId } = await place.run(stream(second), options);
    expect(await place.contents()).not.toEqual(before);
    const report = await place.undo(loadId);
    expect(report).toMatchObject({ loadId, pipeline: 'shop', tables: [{ table: 't' }] });
    expect(await place.contents()).toEqual(before);
    expect(await place.status(loadId)).toBe('undone');

    using other = new UndoPlace();
    await other.run(stream(first), options);
    await other.run(stream(third), options);
    await place.run(stream(third), options);
    expect(meaningOf(await place.contents())).toEqual(meaningOf(await other.contents()));
  });

  test('of a first load leaves nothing, and reads begin anew', async () => {
    using place = new UndoPlace();
    const { loadId } = await place.run(stream(first));
    const report = await place.undo(loadId);
    expect(report.tables).toEqual([{ table: 't', removed: 3, restored: 0 }]);
    expect(report.state.every(({ state }) => Object.keys(state).length === 0)).toBe(true);
    expect(await place.contents()).toEqual({ tables: {}, state: [], quarantine: [] });
    await place.run(stream(second));
    using other = new UndoPlace();
    await other.run(stream(second));
    expect(meaningOf(await place.contents())).toEqual(meaningOf(await other.contents()));
  });
});

test('tells what was done, and the cursors as they are again', async () => {
  using place = new UndoPlace();
  await place.run([streamOf('t', first, byId)]);
  const { loadId } = await place.run([streamOf('t', second, byId), streamOf('u', first, byId)]);
  expect(await place.undo(loadId)).toEqual({
    loadId,
    pipeline: 'shop',
    tables: [
      { table: 't', removed: 1, restored: 1 },
      { table: 'u', removed: 3, restored: 0 },
    ],
    state: [
      { stream: 't', partition: '', state: { cursor: 3 } },
      { stream: 'u', partition: '', state: {} },
    ],
  });
});

test('cursors of partitions, some moved and some new, and what sources remember', async () => {
  using place = new UndoPlace();
  const parts = (keys: readonly string[], cursor: number): Stream =>
    defineStream({
      name: 't',
      schema: itemSchema,
      primaryKey: ['id'],
      write: 'upsert',
      partitions: async () => keys.map((key) => ({ key })),
      async *read({ partition }) {
        const id = Number(partition?.key) + cursor;
        yield { rows: [item(id, 'x')], cursor, custom: { at: cursor, big: 2n ** 60n } };
      },
    });
  await place.run([parts(['100', '200'], 1)]);
  const before = await place.contents();
  const { loadId } = await place.run([parts(['200', '300'], 2)]);
  const { state } = await place.undo(loadId);
  expect(state).toEqual([
    { stream: 't', partition: '200', state: { cursor: 1, custom: { at: 1, big: 2n ** 60n } } },
    { stream: 't', partition: '300', state: {} },
  ]);
  expect(await place.contents()).toEqual(before);
});

const amounts = (type: ReturnType<typeof decimal>, extra = {}): Shape => ({
  schema: z.object({ id: int64(), note: z.string(), amount: type, ...extra }),
});
const priced = (id: number, more: object = {}): Item => ({ id, note: 'n', amount: '1.25', ...more });

test.each([
  ['a new column', amounts(decimal(10, 2), { extra: z.string() }), priced(2, { extra: 'x' })],
  ['a wider decimal', amounts(decimal(20, 2)), priced(2, { amount: '123456789012345678.25' })],
  ['a decimal of another scale', amounts(decimal(20, 4)), priced(2, { amount: '0.0001' })],
  ['a new column without rows', amounts(decimal(10, 2), { extra: z.string().optional() }), priced(1)],
])('%s goes again', async (_what, shape, row) => {
  using place = new UndoPlace();
  const old = amounts(decimal(10, 2));
  await place.run([streamOf('t', [priced(1), priced(9, { amount: '-0.01' })], old)]);
  const before = await place.contents();
  const { loadId } = await place.run([streamOf('t', [row], shape)]);
  expect((await place.contents()).tables['t']?.columns).not.toEqual(before.tables['t']?.columns);
  await place.undo(loadId);
  expect(await place.contents()).toEqual(before);
  // The same change once more, and the old shape as well.
  const again = await place.run([streamOf('t', [row], shape)]);
  expect(again.status).toBe('succeeded');
  await place.undo(again.loadId);
  await place.run([streamOf('t', [priced(3)], old)]);
  expect((await place.contents()).tables['t']?.rows).toHaveLength(3);
});

test('a table that gets column after column in one load', async () => {
  using place = new UndoPlace();
  const open = (rows: readonly Item[]): Stream => ({
    name: 't',
    primaryKey: ['id'],
    write: { mode: 'merge', strategy: 'upsert' },
    async *read() {
      for (const row of rows) yield [row];
    },
  });
  await place.run([open(first)]);
  const before = await place.contents();
  const rows = [
    { id: 7, note: 'x', one: 1 },
    { id: 8, note: 'x', one: 1, two: 2 },
    { id: 9, note: 'x', one: 1.5, two: 2, three: true },
  ];
  const { loadId } = await place.run([open(rows)], { checkpoint: { rows: 1 } });
  expect((await place.contents()).tables['t']?.rows).toHaveLength(6);
  await place.undo(loadId);
  expect(await place.contents()).toEqual(before);
});

test('columns that came before the first rows', async () => {
  using place = new UndoPlace();
  const wider = { schema: itemSchema.extend({ extra: z.string().optional() }) };
  await place.run([streamOf('t', [])]);
  const before = await place.contents(true);
  const { loadId: columns } = await place.run([streamOf('t', [], wider)]);
  const { loadId: rows } = await place.run([streamOf('t', first, wider)]);
  await place.undo(rows);
  await place.undo(columns);
  expect(await place.contents(true)).toEqual(before);
});

test('cursors of a stream that has no table yet', async () => {
  using place = new UndoPlace();
  const empty = (cursor: number): Stream => ({
    name: 'later',
    write: { mode: 'append' },
    async *read() {
      yield { rows: [], cursor };
    },
  });
  await place.run([empty(1)]);
  const before = await place.contents();
  expect(before.state).toMatchObject([{ stream: 'later', state: { cursor: 1 } }]);
  const { loadId } = await place.run([empty(2)]);
  expect((await place.undo(loadId)).state).toEqual([
    { stream: 'later', partition: '', state: { cursor: 1 } },
  ]);
  expect(await place.contents()).toEqual(before);
});

test('tables in partitions, and rows that were deleted by position', async () => {
  using place = new UndoPlace({
    rewriteBelowBytes: 0,
    partitionBy: { t: [{ column: 'id', transform: 'bucket[3]' }] },
  });
  const many = (note: string, step: number): Item[] =>
    Array.from({ length: 300 }, (_, i) => item(i * step, note));
  await place.run([streamOf('t', many('old', 1))]);
  const { loadId: kept } = await place.run([streamOf('t', many('kept', 7).slice(0, 5))]);
  const before = await place.contents();
  const { loadId } = await place.run([streamOf('t', many('new', 2))], { checkpoint: { rows: 100 } });
  await place.undo(loadId);
  expect(await place.contents()).toEqual(before);
  await place.undo(kept);
  expect((await place.contents()).tables['t']?.rows.every((row) => row['note'] === 'old')).toBe(true);
});

test('goes back past a compaction, and snapshots of then are read as before', async () => {
  using place = new UndoPlace();
  const append: Shape = { write: 'append', primaryKey: [] };
  for (let id = 0; id < 3; id++) await place.run([streamOf('t', [item(id, 'old')], append)]);
  const before = await place.contents();
  const rows = Array.from({ length: 6 }, (_, i) => item(100 + i, 'new'));
  const { loadId } = await place.run([streamOf('t', rows, append, 1)], { checkpoint: { rows: 1 } });
  const between = new Date();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const [done] = await maintainIceberg(place.options, { tables: ['t'] });
  expect(done?.filesCompacted).toBeGreaterThan(5);
  await place.undo(loadId);
  expect(await place.contents()).toEqual(before);
  const ids: unknown[] = [];
  for await (const row of readRows(place.options, 't', { asOf: between })) ids.push(row['id']);
  expect(ids).toHaveLength(9);
  const now: unknown[] = [];
  for await (const row of readRows(place.options, 't', { asOf: new Date() })) now.push(row['id']);
  expect(now).toHaveLength(3);
});

test('loads are taken back one after the other, latest first, down to nothing and up again', async () => {
  using place = new UndoPlace();
  const seen: Contents[] = [{ tables: {}, state: [], quarantine: [] }];
  const ids: string[] = [];
  for (const rows of [first, second, third]) {
    if (ids.length > 0) seen.push(await place.contents());
    ids.push((await place.run([streamOf('t', rows, byId)])).loadId);
  }
  await expect(place.undo(String(ids[0]))).rejects.toMatchObject({ code: 'UNDO_REFUSED' });
  for (const [i, loadId] of [...ids.entries()].toReversed()) {
    await place.undo(loadId);
    expect(await place.contents()).toEqual(seen[i]);
  }
  const { loadId } = await place.run([streamOf('t', first, byId)]);
  expect((await place.contents()).tables['t']?.rows).toHaveLength(3);
  await place.undo(loadId);
  expect(await place.contents()).toEqual(seen[0]);
});

test('runs without news in between are no obstacle', async () => {
  using place = new UndoPlace();
  await place.run([streamOf('t', first, byId)]);
  const before = await place.contents();
  const { loadId } = await place.run([streamOf('t', second, byId)]);
  for (let i = 0; i < 3; i++) await place.run([streamOf('t', second, byId)]);
  await place.undo(loadId);
  expect(await place.contents()).toEqual(before);
});

test('another table of the warehouse may have gone on', async () => {
  using place = new UndoPlace();
  const { loadId } = await place.run([streamOf('t', first)]);
  await place.run([streamOf('u', second)], { pipeline: 'other' });
  await place.undo(loadId);
  expect(Object.keys((await place.contents()).tables)).toEqual(['u']);
});

test('a load of which some streams failed', async () => {
  using place = new UndoPlace();
  await place.run([streamOf('t', first, byId)]);
  const before = await place.contents();
  const broken: Stream = {
    ...streamOf('t', [], { ...byId, cursor: { column: 'id', order: 'ascending' } }),
    async *read() {
      yield [item(7, 'kept')];
      yield [item(8, 'kept')];
      throw new Error('the source is down');
    },
  };
  const { loadId, status } = await place.run([broken], { checkpoint: { rows: 1 } });
  expect(status).toBe('failed');
  expect((await place.contents()).tables['t']?.rows).toHaveLength(5);
  await place.undo(loadId);
  expect(await place.contents()).toEqual(before);
});

test('a load that checks have stopped has nothing to take back', async () => {
  using place = new UndoPlace();
  await place.run([streamOf('t', first, byId)]);
  const before = await place.contents();
  const { loadId, status } = await place.run([streamOf('t', second, byId)], {
    checks: [rowCount('t', { max: 1 })],
  });
  expect(status).toBe('checks_failed');
  expect(await place.undo(loadId)).toMatchObject({ tables: [], state: [] });
  expect(await place.contents()).toEqual(before);
  expect(await place.status(loadId)).toBe('undone');
});
