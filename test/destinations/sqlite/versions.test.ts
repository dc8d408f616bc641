/** scd2 at its edges: what is counted, instants that must not meet, several loads of one session. */
import { expect, test } from 'vitest';
import type { Load, LoadInfo, Row } from '../../../src/model/index.ts';
import { tableOf, useDatabase } from './harness.ts';

const database = useDatabase();
const table = tableOf(['id:int64', 'note'], { mode: 'merge', strategy: 'scd2', closeAbsent: true }, ['id']);
const finish = async (load: Load, rows: readonly Row[]) => {
  await load.write('t', rows);
  await load.finishTable('t', []);
  await load.publish();
  return load.counts('t');
};
const from = async (): Promise<unknown[]> =>
  (await database().rows(['_valid_from_ts'], { orderBy: ['_valid_from_ts'] })).map(
    (row) => row['_valid_from_ts'],
  );

test('each row is counted as what became of it', async () => {
  expect(
    await database().load(
      table,
      [
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
      ],
      at(1),
    ),
  ).toEqual(counts(3, 0, 0, 0));
  expect(
    await database().load(
      table,
      [
        [1, 'a'],
        [2, 'B'],
        [4, 'd'],
      ],
      at(2),
    ),
  ).toEqual(counts(1, 1, 1, 1));
  // A second row of the same key takes the place of the first, and is a change of it.
  expect(
    await database().load(
      table,
      [
        [1, 'x'],
        [1, 'y'],
        [1, 'y'],
      ],
      at(3),
    ),
  ).toEqual(counts(0, 2, 1, 2));
  expect(await database().rows(['note'], { where: [{ column: '_valid_to_ts', op: 'is null' }] })).toEqual([
    { note: 'y' },
  ]);
});

test('a table of nothing but its key keeps versions as well', async () => {
  const keys = { ...table, columns: table.columns.slice(0, 1) };
  expect(await database().load(keys, [[1], [2]], at(1))).toEqual(counts(2, 0, 0, 0));
  expect(await database().load(keys, [[2], [3]], at(2))).toEqual(counts(1, 0, 1, 1));
});

test('several loads of one session do not see each other’s keys', async () => {
  const session = await database().session();
  await finish(await session.begin(database().info([table], at(1))), [
    [1, 'a'],
    [2, 'b'],
  ]);
  const second = await finish(await session.begin(database().info([table], at(2))), [[2, 'b']]);
  expect(second).toEqual(counts(0, 0, 1, 1));
});

test('the instant after the last microsecond of a second, minute or year is the first of the next', async () => {
  const last = '2025-12-31T23:59:59.999999Z';
  await database().load(table, [[1, 'a']], { startedAt: last });
  await database().load(table, [[1, 'b']], { startedAt: last });
  await database().load(table, [[1, 'c']], { startedAt: last });
  expect(await from()).toEqual([last, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000001Z']);
});

function at(hour: number): Partial<LoadInfo> {
  return { startedAt: `2026-01-01T0${hour}:00:00.000000Z` };
}

function counts(inserted: number, updated: number, unchanged: number, deleted: number) {
  return { inserted, updated, unchanged, deleted, quarantined: 0 };
}
