/** What `readRows` of a warehouse says of the rows of a stream, at compile time and at run time. */
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { readRows } from '../../../src/destinations/iceberg/index.ts';
import { int64 } from '../../../src/model/index.ts';
import { Warehouse, tableOf } from './harness.ts';

const table = { name: 't', schema: z.object({ id: int64(), note: z.string().nullish() }) };
const wider = {
  name: 't',
  schema: table.schema.extend({ more: z.bigint().nullish(), mark: z.object({ x: z.string() }).optional() }),
};

async function filled(): Promise<Warehouse> {
  const warehouse = new Warehouse();
  await warehouse.load(tableOf({ note: 'string' }), [
    [1, 'a'],
    [2, null],
  ]);
  return warehouse;
}

test('columns, conditions and orders are those of the stream', async () => {
  using warehouse = await filled();
  const rows = readRows(warehouse.options, table, {
    columns: ['id', '_inserted_at_day'],
    where: [{ column: '_plumbing_load_id', op: 'is not null' }],
    orderBy: ['-id'],
    asOf: new Date(),
  });
  const [row] = await Array.fromAsync(rows);
  expectTypeOf(row).toEqualTypeOf<{ id: number | bigint; readonly _inserted_at_day: string } | undefined>();
  expect(row).toEqual({ id: 2, _inserted_at_day: expect.any(String) as string });
  // @ts-expect-error the stream has no such column
  const wrong = readRows(warehouse.options, table, { orderBy: ['-nte'] });
  await expect(Array.fromAsync(wrong)).rejects.toThrow(/nte/);
});

test('columns that the table does not have yet are null in all rows', async () => {
  using warehouse = await filled();
  const rows = readRows(warehouse.options, wider, { orderBy: ['-more', 'id'] });
  expect(await Array.fromAsync(rows)).toMatchObject([
    { id: 1, note: 'a', more: null, mark__x: null },
    { id: 2, note: null, more: null, mark__x: null },
  ]);
  const where = [{ column: 'more', op: '>', value: 1 }] as const;
  expect(await Array.fromAsync(readRows(warehouse.options, wider, { where }))).toEqual([]);
  const columns = ['mark__x'] as const;
  const none = [{ column: 'more', op: 'is null' }] as const;
  const marks = readRows(warehouse.options, wider, { columns, where: none });
  expect(await Array.fromAsync(marks)).toEqual([{ mark__x: null }, { mark__x: null }]);
});
