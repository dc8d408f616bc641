/** Tables that are cut into partitions, as their columns change. */
import { expect, test } from 'vitest';
import { PlumbingError } from '../../../src/errors/index.ts';
import type { LogicalType } from '../../../src/model/index.ts';
import { Warehouse, tableOf } from './harness.ts';

const by = (transform = 'identity') => ({ partitionBy: { t: [{ column: 'v', transform }] } });

test.each<[LogicalType, LogicalType, number | string, string]>([
  ['int64', 'string', 5, 'five'],
  ['date', 'string', '2026-01-05', 'soon'],
])('a column of partitions that would have to go from %s to %s is drift', async (from, to, first, second) => {
  using warehouse = new Warehouse(by());
  await warehouse.load(tableOf({ v: from }), [[1, first]]);
  const drift = expect.objectContaining({
    code: 'SCHEMA_DRIFT',
    message: expect.stringMatching(/"v".*partition/),
  });

  await expect(warehouse.load(tableOf({ v: to }), [[2, second]])).rejects.toEqual(drift);
  const [session, load] = await warehouse.begin(tableOf({ v: from }));
  await expect(load.evolve('t', [{ name: 'v', type: to, nullable: true, path: ['v'] }])).rejects.toEqual(
    drift,
  );
  await load.abort('drift');
  await session.close();
  expect(await warehouse.rows()).toEqual([{ id: 1, v: first }]);

  await warehouse.load(tableOf({ v: from }), [[1, first]]);
  expect(await warehouse.rows()).toHaveLength(1);
});

test('a column of partitions may grow as Iceberg lets it', async () => {
  using warehouse = new Warehouse(by());
  await warehouse.load(tableOf({ v: 'decimal(6,2)' }), [
    [1, '5.25'],
    [2, '-1.00'],
  ]);
  await warehouse.load(tableOf({ v: 'decimal(20,2)' }), [
    [2, '123456789012345678.99'],
    [3, '5.25'],
  ]);

  expect((await warehouse.rows()).map(({ v }) => v)).toEqual(['5.25', '123456789012345678.99', '5.25']);
  expect(
    await warehouse.rows('t', { columns: ['id'], where: [{ column: 'v', op: '=', value: '5.25' }] }),
  ).toHaveLength(2);
});

test.each([
  [
    [
      { column: 'v', transform: 'bucket[4]' },
      { column: 'v', transform: 'bucket[8]' },
    ],
    ['v_bucket', 'v_bucket_8'],
  ],
  [[{ column: 'day', transform: 'month' }], ['day_month_part']],
  [
    [{ column: 'day' }, { column: 'day_month' }],
    ['day', 'day_month'],
  ],
])('fields of partitions have names that nothing else has: %j', async (partitionBy, names) => {
  using warehouse = new Warehouse({ partitionBy: { t: partitionBy } });
  await warehouse.load(tableOf({ v: 'int64', day: 'date', day_month: 'string' }), [
    [1, 5, '2026-01-05', 'x'],
  ]);
  const house = await warehouse.house();
  const spec = (await house.load('t'))?.metadata['partition-specs'].at(-1);
  await house.catalog.close();

  expect(spec?.fields.map(({ name }) => name)).toEqual(names);
  expect(await warehouse.rows()).toEqual([{ id: 1, v: 5, day: '2026-01-05', day_month: 'x' }]);
});

test.each([
  [[{ column: 'v', name: 'day' }], 'the name "day"'],
  [
    [
      { column: 'v', transform: 'bucket[2]', name: 'part' },
      { column: 'day', name: 'part' },
    ],
    'the name "part"',
  ],
  [[{ column: 'v' }, { column: 'v' }], 'twice'],
])('partitions that can not be are refused before anything is written: %j', async (partitionBy, why) => {
  using warehouse = new Warehouse({ partitionBy: { t: partitionBy } });
  const failure = await warehouse
    .load(tableOf({ v: 'int64', day: 'date' }), [[1, 5, '2026-01-05']])
    .catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(PlumbingError);
  expect(failure).toMatchObject({ code: 'SCHEMA_INVALID', message: expect.stringContaining(why) });
});
