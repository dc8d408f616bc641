import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseJson } from '../../src/http/index.ts';
import { date, decimal, int64, json, timestamp } from '../../src/model/index.ts';
import { linePattern } from '../../src/model/line-pattern.ts';

const schema = z.object({
  id: int64(),
  amount: decimal(18, 4),
  small: decimal(5, 2),
  day: date(),
  at: timestamp(),
  ok: z.boolean(),
  n: z.number(),
  text: z.string(),
  name: z.string().min(1),
  maybe: z.string().nullish(),
});
const keys = Object.keys(schema.shape);
const fitting = {
  id: 1,
  amount: '1.5',
  small: 2.25,
  day: '2024-02-29',
  at: '2024-02-29T23:59:59.123456+01:00',
  ok: true,
  n: 0.5,
  text: '',
  name: 'x',
  maybe: null,
};

/** Whether a line matches as a whole. */
function matches(line: string): boolean {
  const expression = linePattern(schema, keys)?.expression;
  if (!expression) throw new Error('no pattern');
  expression.lastIndex = 0;
  const text = Buffer.from(`${line}\n`).toString('latin1');
  return expression.test(text) && expression.lastIndex === text.length;
}

const lineWith = (change: object): string => JSON.stringify({ ...fitting, ...change });
/** As {@link lineWith}, but with the value's own text. */
const lineWithText = (key: string, text: string): string => lineWith({ [key]: '@' }).replace('"@"', text);

describe('linePattern', () => {
  test('matches what fits, also as other programs space it', () => {
    expect(matches(lineWith({}))).toBe(true);
    const { maybe: _, ...withoutMaybe } = fitting;
    expect(matches(JSON.stringify(withoutMaybe))).toBe(true);
    expect(matches(JSON.stringify(fitting, null, 1).replaceAll('\n', ' ').replaceAll('  ', ' '))).toBe(true);
  });

  test.each([
    ['id', '"1"'],
    ['id', '1.0'],
    ['id', '-0'],
    ['id', '01'],
    ['id', '9223372036854775808'],
    ['id', 'null'],
    ['amount', '"1.23456"'],
    ['amount', '1.5'],
    ['amount', '"123456789012345.0"'],
    ['amount', '"1e3"'],
    ['small', '1000.5'],
    ['small', '"+1"'],
    ['day', '"2023-02-29"'],
    ['day', '"1900-02-29"'],
    ['day', '"2024-04-31"'],
    ['day', '"0000-01-01"'],
    ['day', '"2024-13-01"'],
    ['at', '"2024-02-29T24:00:00Z"'],
    ['at', '"2024-02-29T23:00:00"'],
    ['at', '"2024-02-29T23:00:00.1234567Z"'],
    ['at', '"2024-02-29T23:00:60Z"'],
    ['ok', '1'],
    ['ok', '"true"'],
    ['n', '-0'],
    ['n', '-0.0'],
    ['n', '1e999'],
    ['n', 'NaN'],
    ['text', '"\\ud800"'],
    ['text', '"\\udc00\\ud800"'],
    ['text', '"\\u0000"'],
    ['text', '"\t"'],
    ['text', '5'],
    ['name', '""'],
    ['maybe', '1'],
    ['text', '"a","text":"b"'],
    ['text', '{}'],
  ])('%s: %s is left to the parser', (key, text) => {
    expect(matches(lineWithText(key, text))).toBe(false);
  });

  test.each([
    ['text', '"\\ud83d\\ude00"'],
    ['text', '"\\u00e4\\n\\"\\\\"'],
    ['n', '1e-7'],
    ['n', '-12.75E+3'],
    ['day', '"2000-02-29"'],
    ['id', '-999999999999999999'],
    ['maybe', '"€😀"'],
  ])('%s: %s fits', (key, text) => {
    expect(matches(lineWithText(key, text))).toBe(true);
  });

  test('a field that the schema does not know, or another order, is left to the parser', () => {
    expect(matches(lineWith({ more: 1 }))).toBe(false);
    expect(matches(JSON.stringify(Object.fromEntries(Object.entries(fitting).toReversed())))).toBe(false);
    expect(linePattern(schema, [...keys, 'more'])).toBeUndefined();
    expect(linePattern(schema, keys.slice(1))).toBeUndefined();
  });

  test.each([
    ['a rule on the object', z.object({ a: z.string() }).refine(() => true)],
    ['a rule on a text', z.object({ a: z.string().max(3) })],
    ['a transform', z.object({ a: z.string().transform(Number) })],
    ['a default', z.object({ a: z.string().default('x') })],
    ['JSON', z.object({ a: json() })],
    ['an object', z.object({ a: z.object({ b: z.string() }) })],
    ['a strict object', z.strictObject({ a: z.string() })],
    ['a coerced number', z.object({ a: z.coerce.number() })],
    ['a wide decimal', z.object({ a: decimal(38, 2) })],
  ])('there is no pattern for %s', (_what, given) => {
    expect(linePattern(given, ['a'])).toBeUndefined();
  });

  test('whatever matches, the schema takes', () => {
    const scalar = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double().map((n) => String(n)),
      fc.integer(),
      fc.double({ noDefaultInfinity: true, noNaN: true }),
      fc.boolean(),
      fc.constant(null),
      fc.date({ noInvalidDate: true }).map((at) => at.toISOString()),
      fc.date({ noInvalidDate: true }).map((at) => at.toISOString().slice(0, 10)),
      fc.stringMatching(/^-?\d{1,20}(\.\d{0,6})?$/),
      fc.stringMatching(/^\d{4}-\d\d-\d\d$/),
    );
    let matched = 0;
    fc.assert(
      fc.property(fc.constantFrom(...keys), scalar, (key, value) => {
        const line = lineWith({ [key]: value });
        if (!matches(line)) return;
        matched++;
        expect(schema.safeParse(parseJson(line)).success).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    expect(matched).toBeGreaterThan(500);
  });
});
