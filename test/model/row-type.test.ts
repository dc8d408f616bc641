/** The type of a row against the columns that the same schema gives at run time. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { columnName, compileSchema, decimal, json } from '../../src/model/index.ts';
import type { ColumnOf, RowOf } from '../../src/model/index.ts';

/** Columns of a schema; `names` must be all that the type has, and are compared with those of the table. */
function expectColumns<S extends z.ZodObject>(schema: S, names: Record<ColumnOf<S>, true>): void {
  expect(compileSchema(schema).columns.map(({ name }) => name)).toEqual(Object.keys(names));
}

describe('columns in types are those of the table', () => {
  test('objects are taken apart, also optional, defaulted and loose ones', () => {
    const inner = z.object({ key: z.string() });
    const schema = z.object({
      plain: inner,
      absent: inner.nullish(),
      preset: inner.default({ key: 'a' }),
      fixed: inner.readonly(),
      open: z.looseObject({ key: z.string() }),
      deep: z.object({ er: inner }).optional(),
    });
    expectColumns(schema, {
      plain__key: true,
      absent__key: true,
      preset__key: true,
      fixed__key: true,
      open__key: true,
      deep__er__key: true,
    });
    expectTypeOf<RowOf<typeof schema>>().toEqualTypeOf<{
      plain__key: string;
      absent__key: string | null;
      preset__key: string;
      fixed__key: string;
      open__key: string;
      deep__er__key: string | null;
    }>();
  });

  test('all else is one column: JSON, unions, records, intersections, lazy objects', () => {
    const one = z.object({ a: z.string() });
    const schema = z.object({
      any: json(),
      either: z.union([one, z.object({ b: z.date() })]).nullable(),
      byName: z.record(z.enum(['x', 'y']), z.number()),
      both: z.intersection(one, z.object({ b: z.bigint() })),
      later: z.lazy(() => one),
    });
    expectColumns(schema, { any: true, either: true, by_name: true, both: true, later: true });
    type Row = RowOf<typeof schema>;
    expectTypeOf<Row['any']>().toBeUnknown();
    expectTypeOf<Row['either']>().toEqualTypeOf<{ a: string } | { b: string } | null>();
    expectTypeOf<Row['by_name']>().toEqualTypeOf<{ x: number; y: number }>();
    expectTypeOf<Row['both']['b']>().toEqualTypeOf<number | bigint>();
    expectTypeOf<Row['later']>().toEqualTypeOf<{ a: string }>();
  });

  test('a field whose value alone has a type is taken apart by it', () => {
    const amount: z.ZodType<{ value: string }> = z.object({ value: decimal(15, 2) });
    const schema = z.object({ amount: amount.nullable() });
    expectColumns(schema, { amount__value: true });
    expectTypeOf<RowOf<typeof schema>>().toEqualTypeOf<{ amount__value: string | null }>();
  });
});

test('values of a kind of their own stay what they are', () => {
  const schema = z.object({
    id: z.string().brand<'Id'>(),
    money: decimal(15, 2).brand<'Money'>(),
    gaps: z.array(z.string().optional()),
    links: z.array(z.instanceof(URL)),
    list: z.array(z.date()),
    pair: z.tuple([z.date()]),
  });
  type Row = RowOf<typeof schema>;
  expectTypeOf<Row['id']>().toEqualTypeOf<string & z.$brand<'Id'>>();
  expectTypeOf<Row['money']>().toExtend<string>();
  expectTypeOf<Row['gaps']>().toEqualTypeOf<(string | null)[]>();
  expectTypeOf<Row['links']>().toEqualTypeOf<string[]>();
  expectTypeOf<Row['list']>().toEqualTypeOf<string[]>();
  expectTypeOf<Row['pair']>().toEqualTypeOf<[string]>();
});

test('names are those of the table', () => {
  const field = z.boolean();
  expectColumns(
    z.object({
      HTTPServer2: field,
      balanceEUR: field,
      createdAt: field,
      user_Id: field,
      line2Total: field,
      'content-type': field,
      'a--b C': field,
      größeÄndern: field,
      '2fa': field,
      _inserted_at_ts: field,
      _valid_from_ts: field,
      nested: z.object({ '1': field, _plumbing_x: field }),
      a_plain_name_of_sixty_characters_that_a_vendor_has_come_up_1: field,
      aNameWithExactlyOneHundredCharactersThatIsTheLongestWhichIsNotCutAtRunTimeAtXxxxx: field,
    }),
    {
      http_server2: true,
      balance_eur: true,
      created_at: true,
      user_id: true,
      line2_total: true,
      content_type: true,
      a_b_c: true,
      größe_ändern: true,
      _2fa: true,
      x_inserted_at_ts: true,
      x_valid_from_ts: true,
      nested___1: true,
      nested___plumbing_x: true,
      a_plain_name_of_sixty_characters_that_a_vendor_has_come_up_1: true,
      a_name_with_exactly_one_hundred_characters_that_is_the_longest_which_is_not_cut_at_run_time_at_xxxxx: true,
    },
  );
  expect(columnName(['HTTPServer2'])).toBe('http_server2');
});
