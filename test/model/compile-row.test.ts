import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  binary,
  compileSchema,
  date,
  decimal,
  int64,
  json,
  time,
  timestamp,
  uuid,
} from '../../src/model/index.ts';

const party = z.object({ holderName: z.string(), iban: z.string().nullish() });
const schema = z.object({
  text: z.string(),
  filled: z.string().min(1),
  twice: z.string().min(1).max(3).optional(),
  short: z.string().max(5).nullish(),
  trimmed: z.string().trim().optional(),
  amount: z.object({ value: decimal(15, 2), unit: z.string() }),
  party: party.nullish(),
  nullable: party.nullable(),
  count: int64().nullable(),
  whole: z.int().optional(),
  ratio: z.number().nullish(),
  open: z.boolean(),
  day: date().nullish(),
  at: timestamp().optional(),
  sent: z.iso.datetime().nullish(),
  clock: time().optional(),
  id: uuid().nullish(),
  kind: z.enum(['a', 'b']).default('a'),
  tags: z.array(z.string()).optional(),
  raw: json(),
  bytes: binary().nullish(),
});

/** Valid values more often than not, so that whole rows are valid now and then. */
const value = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 'a', 'long text', ' x ', '1.50', '-0', '1e3', 1, 1.5, -0),
  fc.constantFrom<unknown>(
    NaN,
    Infinity,
    2 ** 60,
    12n,
    2n ** 70n,
    true,
    '2026-02-29',
    '0000-01-01',
    '2026-11-23',
    [],
    {},
    ['x', 1],
  ),
  fc.constantFrom<unknown>('2026-11-23T07:00:00Z', '2026-11-23T07:00:00.000000Z', '07:30:00', ['x']),
  fc.constantFrom<unknown>(new Date(0), new Uint8Array([1]), '019A0000-0000-7000-8000-000000000001'),
);
const object = (keys: readonly string[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...keys, 'unknown'), value) },
  );
const good = {
  text: 'x',
  filled: 'x',
  amount: { value: '12.50', unit: 'EUR' },
  nullable: null,
  count: 1,
  open: true,
  raw: 0,
};
const row = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...Object.keys(schema.shape)), value, { maxKeys: 2 }),
    object(['holderName', 'iban']),
    object(['value', 'unit']),
  )
  .map(([fields, party_, amount]) => ({
    ...good,
    ...fields,
    ...(party_ === undefined ? {} : { party: party_ }),
    ...(amount === undefined ? {} : { amount }),
  }));

describe('the short way for the usual row', () => {
  const compiled = compileSchema(schema);
  const fast = compiled.fastRow(compiled.columns);
  const flatten = compiled.flattener(compiled.columns);

  test('gives the cells that zod gives, or leaves the row to zod', () => {
    let taken = 0;
    let left = 0;
    fc.assert(
      fc.property(row, (raw) => {
        const parsed = schema.safeParse(raw);
        const cells = fast(raw);
        if (!parsed.success) expect(cells).toBeUndefined();
        else if (cells === undefined) left++;
        else {
          taken++;
          expect(cells).toStrictEqual(flatten(parsed.data));
        }
      }),
      { numRuns: 5_000 },
    );
    expect(taken).toBeGreaterThan(500);
    expect(left).toBeLessThan(taken / 10);
  });

  test.each([[null], [undefined], ['text'], [[good]], [7]])('leaves %j to zod', (raw) => {
    expect(fast(raw)).toBeUndefined();
  });

  test.each([
    ['rules on the whole row', z.object({ a: z.string() }).refine(({ a }) => a !== 'x')],
    ['rules on fields that are not named', z.object({ a: z.string() }).catchall(z.number())],
    ['rules on a nested object', z.object({ a: z.object({ b: z.string() }).refine(() => false) })],
    ['an object with a default', z.object({ a: z.object({ b: z.string() }).prefault({ b: 'y' }) })],
    [
      'an object that is one value',
      z.object({ a: z.object({ b: z.string() }).meta({ logicalType: 'json' }) }),
    ],
    ['a field named __proto__', z.object({ ['__proto__']: z.string(), a: z.string() })],
  ])('leaves every row to zod where the schema has %s', (_what, given) => {
    const { columns, fastRow } = compileSchema(given as z.ZodObject);
    for (const raw of [{ a: 'x' }, { a: { b: 'x' } }, {}]) {
      expect(fastRow(columns)(raw)).toBeUndefined();
    }
  });
});
