import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  compileSchema,
  date,
  decimal,
  defineSource,
  defineStream,
  int64,
  json,
  tableOf,
  timestamp,
} from '../../src/model/index.ts';
import type { RowObject, RowOf } from '../../src/model/index.ts';
import { isPlumbingError } from '../../src/errors/index.ts';

const amount = z.object({ value: decimal(15, 2), unit: z.string() });
const schema = z.object({
  accountId: z.string(),
  amount: amount.nullable(),
  bookedAt: timestamp().optional(),
  day: date().nullish(),
  count: int64().default(0),
  ratio: z.number(),
  open: z.boolean(),
  tags: z.array(z.string()),
  raw: json(),
  kind: z.enum(['a', 'b']),
});

describe('compileSchema', () => {
  const compiled = compileSchema(schema);

  test('gives a column for each field, nested objects in place', () => {
    expect(
      compiled.columns.map(({ name, type, nullable }) => `${name} ${type}${nullable ? '?' : ''}`),
    ).toEqual([
      'account_id string',
      'amount__value decimal(15,2)?',
      'amount__unit string?',
      'booked_at timestamp?',
      'day date?',
      'count int64',
      'ratio float64',
      'open boolean',
      'tags json?',
      'raw json?',
      'kind string',
    ]);
  });

  test('lays a parsed row out in any order of columns', () => {
    const row = schema.parse({
      accountId: 'x',
      amount: { value: '1.50', unit: 'EUR' },
      ratio: 1,
      open: true,
      tags: [],
      raw: null,
      kind: 'a',
    });
    const order = compiled.columns.toReversed();
    const other = { name: 'elsewhere', type: 'string' as const, nullable: true, path: ['elsewhere'] };
    expect(compiled.flattener([other, ...order])(row)).toEqual([
      undefined,
      'a',
      null,
      [],
      true,
      1,
      0,
      undefined,
      undefined,
      'EUR',
      '1.5',
      'x',
    ]);
    expect(compiled.flattener(compiled.columns)({ ...row, amount: null })[1]).toBeUndefined();
  });

  test('brings zod dates and date-times into the one sortable form', () => {
    const stamps = compileSchema(z.object({ a: z.date(), b: z.iso.datetime() }));
    expect(stamps.columns.map((column) => column.type)).toEqual(['timestamp', 'timestamp']);
    expect(stamps.flattener(stamps.columns)({ a: new Date(0), b: '2026-01-01T00:00:00.5Z' })).toEqual([
      '1970-01-01T00:00:00.000000Z',
      '2026-01-01T00:00:00.500000Z',
    ]);
  });

  test.each([
    [{}, false],
    [{ accountId: 'x' }, false],
    [{ accountId: 'x', more: 1 }, true],
    [{ more: undefined }, false],
    [{ amount: { value: '1', unit: 'EUR', more: 1 } }, true],
    [{ amount: null }, false],
    [JSON.parse('{"__proto__": {"polluted": 1}}') as object, true],
  ])('sees whether %j has fields that the schema does not know', (raw, expected) => {
    expect(compiled.hasUnknownFields(raw)).toBe(expected);
    expect(compiled.hasUnknownValues(raw)).toBe(expected);
  });

  test.each([
    [{ accountId: 'x', more: null }, false],
    [{ accountId: null, amount: { value: null, more: null } }, false],
    [{ accountId: null, more: 0 }, true],
    [{ amount: { unit: null, more: '' } }, true],
  ])('sees whether %j has more than empty fields that the schema does not know', (raw, expected) => {
    expect(compiled.hasUnknownFields(raw)).toBe(true);
    expect(compiled.hasUnknownValues(raw)).toBe(expected);
  });

  test('takes unknown objects apart and keeps arrays whole', () => {
    const raw = {
      accountId: 'x',
      amount: { value: '1', extra: 2 },
      more: { deep: { er: 1 }, list: [1] },
      none: null,
    };
    expect(compiled.unknownFields(raw)).toEqual([
      { path: ['amount', 'extra'], value: 2 },
      { path: ['more', 'deep', 'er'], value: 1 },
      { path: ['more', 'list'], value: [1] },
      { path: ['none'], value: null },
    ]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('refuses a type that no column can hold, by name', () => {
    expect(() => compileSchema(z.object({ when: z.object({ call: z.promise(z.string()) }) }))).toThrow(
      /when\.call/,
    );
  });

  test('field names cannot break out of the generated code', () => {
    const hostile = 'a"]; globalThis.broken = 1; //';
    const evil = compileSchema(z.object({ [hostile]: z.string(), '`${1}\n\u2028': z.string() }));
    expect(evil.flattener(evil.columns)({ [hostile]: 'x', '`${1}\n\u2028': 'y' })).toEqual(['x', 'y']);
    expect((globalThis as Record<string, unknown>)['broken']).toBeUndefined();
  });
});

test('the row type follows the schema', () => {
  type Row = RowOf<typeof schema>;
  expectTypeOf<Row['account_id']>().toEqualTypeOf<string>();
  expectTypeOf<Row['amount__value']>().toEqualTypeOf<string | null>();
  expectTypeOf<Row['booked_at']>().toEqualTypeOf<string | null>();
  expectTypeOf<Row['count']>().toEqualTypeOf<number | bigint>();
  expectTypeOf<Row['tags']>().toEqualTypeOf<string[]>();
  expectTypeOf<RowOf<z.ZodObject<{ balanceEUR: z.ZodString; idHTTPCode: z.ZodNumber }>>>().toEqualTypeOf<{
    balance_eur: string;
    id_http_code: number;
  }>();
});

describe('the row type', () => {
  const kind = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), x: z.string() }),
    z.object({ kind: z.literal('b'), at: z.date() }),
  ]);
  const odd = z.object({ when: z.date().optional(), big: z.bigint(), many: z.array(z.bigint()), kind });
  type Odd = RowOf<typeof odd>;

  test('says what is read back, not what was given', () => {
    expectTypeOf<Odd['when']>().toEqualTypeOf<string | null>();
    expectTypeOf<Odd['big']>().toEqualTypeOf<number | bigint>();
    expectTypeOf<Odd['many']>().toEqualTypeOf<(number | bigint)[]>();
  });

  test('has one column for a union of objects, as the table has', () => {
    expectTypeOf<keyof Odd>().toEqualTypeOf<'when' | 'big' | 'many' | 'kind'>();
    expectTypeOf<Odd['kind']>().toEqualTypeOf<{ kind: 'a'; x: string } | { kind: 'b'; at: string }>();
    expect(compileSchema(odd).columns.map(({ name }) => name)).toEqual(['when', 'big', 'many', 'kind']);
  });

  test('an enum of integers is a column of integers', () => {
    const levels = { Low: 1, High: 2, 1: 'Low', 2: 'High' } as const;
    const numbers = z.object({
      level: z.enum(levels as unknown as { Low: 1; High: 2 }),
      mixed: z.enum({ a: 1, b: 'x' }),
    });
    expect(compileSchema(numbers).columns.map(({ type }) => type)).toEqual(['int64', 'string']);
    expectTypeOf<RowOf<typeof numbers>['level']>().toEqualTypeOf<1 | 2>();
  });

  test('takes names of any length', () => {
    const name =
      'subscriptionCancellationReasonGivenByTheSupportTeamOfTheOtherCompanyThatNobodyHasEverHeardOfBefore';
    const long = z.object({ [name]: z.string() });
    type Name = keyof RowOf<typeof long>;
    const column: Name =
      'subscription_cancellation_reason_given_by_the_support_team_of_the_other_company_that_nobody_has_ever_heard_of_before';
    expectTypeOf<RowOf<typeof long>>().toEqualTypeOf<{ [K in typeof column]: string }>();
  });

  test('knows the fields of a loose object, and is open without a schema', () => {
    const loose = z.looseObject({ id: z.string() });
    expectTypeOf<RowOf<typeof loose>>().toEqualTypeOf<{ id: string }>();
    expectTypeOf<RowOf<z.ZodObject>>().toEqualTypeOf<RowObject>();
  });
});

test.each([z.map(z.string(), z.number()), z.set(z.string())])(
  'a field that JSON has no form for is refused',
  (field) => {
    expect(() => compileSchema(z.object({ field }))).toThrow(/field field: no column can hold the zod type/);
  },
);

describe('defineStream', () => {
  async function* read(): AsyncIterable<unknown[]> {
    yield [];
  }

  test('completes the write mode and forbids nulls in keys', () => {
    const stream = defineStream({
      name: 's',
      schema: z.object({ id: z.string().nullable() }),
      primaryKey: ['id'],
      read,
    });
    expect(stream.write).toEqual({ mode: 'merge', strategy: 'upsert' });
    expect(tableOf(stream).columns[0]?.nullable).toBe(false);
  });

  test.each<[string, () => unknown]>([
    [
      'a key that is no column',
      () => defineStream({ name: 's', schema: z.object({ a: z.string() }), primaryKey: ['b' as 'a'], read }),
    ],
    [
      'a cursor that is no column',
      () =>
        defineStream({
          name: 's',
          schema: z.object({ a: z.string() }),
          cursor: { column: 'b' as 'a' },
          read,
        }),
    ],
    [
      'a cursor on a table that is replaced as a whole',
      () => defineStream({ name: 's', write: 'replace', cursor: { column: 'a' }, read }),
    ],
    [
      'a cursor where absent keys are closed',
      () =>
        defineStream({
          name: 's',
          primaryKey: ['a'],
          cursor: { column: 'a' },
          write: { mode: 'merge', strategy: 'scd2', closeAbsent: true },
          read,
        }),
    ],
    ['an upsert without a key', () => defineStream({ name: 's', write: 'upsert', read })],
    [
      'a key beside a row hash',
      () =>
        defineStream({
          name: 's',
          schema: z.object({ a: z.string() }),
          primaryKey: ['a'],
          rowKey: 'hash',
          read,
        }),
    ],
    ['a reserved name', () => defineStream({ name: '_plumbing_state', read })],
    [
      'a schema that is none of zod 4',
      () => defineStream({ name: 's', schema: { _def: { typeName: 'ZodObject' } } as never, read }),
    ],
    [
      'a field whose type is none of zod 4',
      () => defineStream({ name: 's', schema: z.object({ a: { _def: {} } as never }), read }),
    ],
    ['an empty name', () => defineStream({ name: '', read })],
    [
      'two streams of one name',
      () =>
        defineSource({
          name: 'x',
          streams: [defineStream({ name: 's', read }), defineStream({ name: 'S', read })],
        }),
    ],
  ])('refuses %s', (_what, define) => {
    expect(define).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }));
  });

  test('the refusal is a PlumbingError that names stream and column', () => {
    try {
      defineStream({ name: 's', schema: z.object({ a: z.string() }), primaryKey: ['b' as 'a'], read });
      expect.unreachable();
    } catch (error) {
      expect(isPlumbingError(error, 'SCHEMA_INVALID') && error.message).toContain(
        'stream "s": no column "b"',
      );
    }
  });
});
