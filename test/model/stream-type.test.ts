/** What `defineStream` takes and what `read` is given, by the stream's schema. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { date, decimal, defineStream, int64, json, timestamp } from '../../src/model/index.ts';
import type { JsonValue, ReadContext, WriteMode } from '../../src/model/index.ts';

const schema = z.object({
  id: int64(),
  shopName: z.string(),
  placedAt: timestamp(),
  day: date().nullish(),
  seen: z.date(),
  number: z.bigint(),
  total: decimal(15, 2),
  raw: json(),
});
const base = { name: 's', schema };

describe('from has the type of the column that the cursor names', () => {
  test('a moment or a day is a text, which may be absent', () => {
    defineStream({
      ...base,
      cursor: { column: 'placed_at', lookback: 1 },
      async *read({ from }) {
        expectTypeOf(from).toEqualTypeOf<string | undefined>();
        yield [];
      },
    });
    defineStream({
      ...base,
      cursor: { column: 'day' },
      async *read({ from }) {
        expectTypeOf(from).toEqualTypeOf<string | undefined>();
        yield [];
      },
    });
    defineStream({
      ...base,
      cursor: { column: 'seen' },
      read: async function* ({ from }) {
        expectTypeOf(from).toEqualTypeOf<string | undefined>();
        yield [];
      },
    });
  });

  test('an integer is a number or, beyond 2^53, a bigint', () => {
    defineStream({
      ...base,
      cursor: { column: 'id' },
      async *read({ from }) {
        expectTypeOf(from).toEqualTypeOf<number | bigint | undefined>();
        yield [];
      },
    });
    defineStream({
      ...base,
      cursor: { column: 'number' },
      async *read({ from }) {
        expectTypeOf(from).toEqualTypeOf<number | bigint | undefined>();
        yield [];
      },
    });
  });

  test('without cursor or schema it may be anything', () => {
    defineStream({
      ...base,
      async *read({ from }) {
        expectTypeOf(from).toEqualTypeOf<JsonValue | undefined>();
        yield [];
      },
    });
    defineStream({
      name: 's',
      cursor: { column: 'whatever' },
      async *read({ from }) {
        expectTypeOf(from).toEqualTypeOf<JsonValue | undefined>();
        yield [];
      },
    });
    defineStream({
      ...base,
      cursor: { column: 'raw' },
      async *read({ from }) {
        expectTypeOf(from).toEqualTypeOf<JsonValue | undefined>();
        yield [];
      },
    });
  });

  test('a source that gives tokens as cursors says so', () => {
    defineStream({
      ...base,
      cursor: { column: 'placed_at' },
      async *read({ from }: ReadContext) {
        expectTypeOf(from).toEqualTypeOf<JsonValue | undefined>();
        yield [];
      },
    });
  });
});

async function* read(): AsyncIterable<unknown[]> {}

test('a scope names columns of the table', () => {
  const scope = ['shop_name', '_inserted_at_day'] as const;
  defineStream({ ...base, write: { mode: 'merge', strategy: 'delete-insert', scope }, read });
  const write: WriteMode = { mode: 'merge', strategy: 'delete-insert', scope: ['shop_name'] };
  defineStream({ ...base, write, read });
  defineStream({ name: 's', write: { mode: 'merge', strategy: 'delete-insert', scope: ['any'] }, read });
  expect(() =>
    defineStream({
      ...base,
      // @ts-expect-error there is no such column
      write: { mode: 'merge', strategy: 'delete-insert', scope: ['shopNme'] },
      read,
    }),
  ).toThrow(/no column "shopNme"/);
});

test('the cursor and the key of a loose schema are columns that it declares', () => {
  const loose = z.looseObject({ id: int64(), createdAt: timestamp() });
  const stream = defineStream({
    name: 's',
    schema: loose,
    primaryKey: ['id'],
    cursor: { column: 'created_at' },
    async *read({ from }) {
      expectTypeOf(from).toEqualTypeOf<string | undefined>();
      yield [];
    },
  });
  expect(stream.cursor).toEqual({ column: 'created_at' });
  expect(() =>
    // @ts-expect-error there is no such column
    defineStream({ name: 's', schema: loose, cursor: { column: 'createdAt' }, read }),
  ).toThrow(/no column "createdAt"/);
});

test('a stream knows how it is written', () => {
  const versions = defineStream({ ...base, primaryKey: ['id'], write: 'scd2', read });
  expectTypeOf(versions.write).toEqualTypeOf<{ readonly mode: 'merge'; readonly strategy: 'scd2' }>();
  expect(versions.write).toEqual({ mode: 'merge', strategy: 'scd2' });
  expectTypeOf(defineStream({ ...base, read }).write).toEqualTypeOf<WriteMode>();
});
