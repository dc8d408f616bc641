/** What `readRows` says of the rows of a stream, at compile time and at run time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { readRows, sqlite } from '../../../src/destinations/sqlite/index.ts';
import { decimal, defineSource, defineStream } from '../../../src/model/index.ts';
import type { RowObject, StoredRow } from '../../../src/model/index.ts';
import { run } from '../../../src/pipeline/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-typed-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const orders = defineStream({
  name: 'orders',
  schema: z.object({
    id: z.string(),
    placedAt: z.date(),
    total: decimal(15, 2).nullable(),
    count: z.bigint(),
  }),
  primaryKey: ['id'],
  async *read() {
    yield [{ id: 'a', placedAt: new Date('2026-01-01T00:00:00Z'), total: '1.50', count: 5n }];
  },
});
const file = (): string => join(folder, 'test.db');

async function first<T>(rows: AsyncIterable<T>): Promise<T> {
  for await (const row of rows) return row;
  throw new Error('there is no row');
}

beforeEach(async () => {
  await run({ source: defineSource({ name: 'test', streams: [orders] }), destination: sqlite(file()) });
});

test('whole rows, with what the library adds', async () => {
  const row = await first(readRows(file(), orders));

  expectTypeOf(row.placed_at).toEqualTypeOf<string>();
  expectTypeOf(row.count).toEqualTypeOf<number | bigint>();
  expectTypeOf(row._inserted_at_day).toEqualTypeOf<string>();
  expect(row).toEqual({
    id: 'a',
    placed_at: '2026-01-01T00:00:00.000000Z',
    total: '1.50',
    count: 5,
    _inserted_at_ts: expect.stringMatching(/Z$/) as string,
    _inserted_at_day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as string,
    _plumbing_load_id: expect.any(String) as string,
  });
});

test('some columns', async () => {
  const row = await first(readRows(file(), orders, { columns: ['total', '_plumbing_load_id'] }));

  expectTypeOf(row).toEqualTypeOf<{ total: string | null; readonly _plumbing_load_id: string }>();
  expect(Object.keys(row)).toEqual(['total', '_plumbing_load_id']);
  // @ts-expect-error the stream has no such column
  await expect(first(readRows(file(), orders, { columns: ['totl'] }))).rejects.toThrow(/totl/);
});

test('of a table that is only named, and of a stream without a schema, columns are not known', async () => {
  const open = defineStream({ name: 'orders', async *read() {} });

  expectTypeOf(await first(readRows(file(), 'orders'))).toEqualTypeOf<RowObject>();
  expectTypeOf((await first(readRows(file(), open)))['total']).toExtend<RowObject[string] | undefined>();
});

test('conditions and orders name columns of the stream, or those that the library adds', async () => {
  const where = [{ column: '_inserted_at_day', op: '>=', value: '2026-01-01' }] as const;
  const rows = readRows(file(), orders, { where, orderBy: ['-placed_at', 'id', '-_inserted_at_ts'] });
  expectTypeOf(await first(rows)).toEqualTypeOf<StoredRow<NonNullable<typeof orders.schema>>>();

  // @ts-expect-error the stream has no such column
  await expect(first(readRows(file(), orders, { orderBy: ['-plced_at'] }))).rejects.toThrow(/plced_at/);
  await expect(
    // @ts-expect-error the stream has no such column
    first(readRows(file(), orders, { where: [{ column: 'totl', op: 'is null' }] })),
  ).rejects.toThrow(/totl/);
  const open = defineStream({ name: 'orders', async *read() {} });
  await expect(first(readRows(file(), open, { orderBy: ['-plced_at'] }))).rejects.toThrow(/plced_at/);
});

test('rows of a loose schema have what it declares, and may have more', async () => {
  const loose = { name: 'orders', schema: z.looseObject({ id: z.string(), placedAt: z.date() }) };
  const row = await first(readRows(file(), loose));
  expectTypeOf(row.placed_at).toEqualTypeOf<string>();
  expectTypeOf(row['total']).toEqualTypeOf<RowObject[string] | undefined>();
  expect(row['total']).toBe('1.50');
  const some = await first(readRows(file(), loose, { columns: ['id', 'total'] }));
  expectTypeOf(some.id).toEqualTypeOf<string>();
  expect(some).toEqual({ id: 'a', total: '1.50' });
});

test('versions of a row say when they held', async () => {
  const prices = defineStream({
    name: 'prices',
    schema: z.object({ id: z.string(), price: z.number() }),
    primaryKey: ['id'],
    write: 'scd2',
    async *read() {
      yield [{ id: 'a', price: 1 }];
    },
  });
  await run({ source: defineSource({ name: 'test', streams: [prices] }), destination: sqlite(file()) });
  const row = await first(readRows(file(), prices, { orderBy: ['-_valid_from_ts'] }));
  expectTypeOf(row._valid_from_ts).toEqualTypeOf<string>();
  expectTypeOf(row._valid_to_ts).toEqualTypeOf<string | null>();
  expect(row).toMatchObject({ id: 'a', _valid_from_ts: row._inserted_at_ts, _valid_to_ts: null });
});

test('a column that the table does not have yet is null in all rows', async () => {
  const schema = orders.schema?.extend({ note: z.string().nullish(), buyer: z.object({ name: z.string() }) });
  const more = { name: 'orders', ...(schema && { schema }) };
  const row = await first(readRows(file(), more));
  expectTypeOf(row.note).toEqualTypeOf<string | null>();
  expect(row).toMatchObject({ id: 'a', total: '1.50', note: null, buyer__name: null });

  const columns = ['note', 'id'] as const;
  const orderBy = ['-note'] as const;
  const noted = (op: 'is null' | 'is not null') =>
    Array.fromAsync(readRows(file(), more, { columns, orderBy, where: [{ column: 'note', op }] }));
  expect(await noted('is null')).toEqual([{ note: null, id: 'a' }]);
  expect(await noted('is not null')).toEqual([]);
  const equal = [{ column: 'note', op: '!=', value: 'x' }] as const;
  expect(await Array.fromAsync(readRows(file(), more, { where: equal }))).toEqual([]);
});
