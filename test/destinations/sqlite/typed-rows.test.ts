/** What `readRows` says of the rows of a stream, at compile time and at run time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { readRows, sqlite } from '../../../src/destinations/sqlite/index.ts';
import { decimal, defineSource, defineStream } from '../../../src/model/index.ts';
import type { RowObject } from '../../../src/model/index.ts';
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
