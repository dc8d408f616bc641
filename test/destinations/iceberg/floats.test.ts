/** Floating-point numbers that are equal and yet not the same, or not even equal to themselves. */
import { expect, test } from 'vitest';
import { maintainIceberg } from '../../../src/destinations/iceberg/index.ts';
import type { Condition, Row } from '../../../src/model/index.ts';
import { Warehouse, tableOf } from './harness.ts';

const table = tableOf({ x: 'float64' }, { mode: 'append' });
const zeros: Row[] = Array.from({ length: 2_000 }, (_, i) => [i, i % 3 === 0 ? -0 : 0]);

test('a column of both zeros keeps each of them, also when its files are put together', async () => {
  using warehouse = new Warehouse();
  const expected = zeros.map(([id, x]) => ({ id, x }));
  for (let i = 0; i < zeros.length; i += 400) await warehouse.load(table, zeros.slice(i, i + 400));
  expect(await warehouse.rows()).toEqual(expected);

  expect(await maintainIceberg(warehouse.options, { tables: ['t'] })).toMatchObject([{ filesCompacted: 5 }]);
  expect(await warehouse.rows()).toEqual(expected);
});

test('conditions take both zeros for one number, whatever bounds and partitions files have', async () => {
  using whole = new Warehouse();
  using parts = new Warehouse({ partitionBy: { t: [{ column: 'x' }] } });
  for (const warehouse of [whole, parts]) {
    for (const row of [
      [1, -0],
      [2, 0],
      [3, 1.5],
      [4, null],
    ] as Row[])
      await warehouse.load(table, [row]);
    const ids = async (op: Condition['op'], value: number): Promise<unknown[]> =>
      (
        await warehouse.rows('t', { columns: ['id'], where: [{ column: 'x', op, value }], orderBy: ['id'] })
      ).map(({ id }) => id);

    for (const zero of [0, -0]) {
      expect(await ids('=', zero)).toEqual([1, 2]);
      expect(await ids('!=', zero)).toEqual([3]);
      expect(await ids('>=', zero)).toEqual([1, 2, 3]);
      expect(await ids('<', zero)).toEqual([]);
      expect(await ids('>', zero)).toEqual([3]);
    }
  }
});

test('NaN is not a value of a condition', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [
    [1, Number.NaN],
    [2, 1.5],
  ]);
  const where = [{ column: 'x', op: '=', value: Number.NaN }] as const;

  await expect(warehouse.rows('t', { where })).rejects.toMatchObject({ code: 'ROW_INVALID' });
  expect(await warehouse.rows('t', { where: [{ column: 'x', op: '>', value: 1 }] })).toMatchObject([
    { id: 2 },
  ]);
});
