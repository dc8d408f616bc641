import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { date, decimal, int64, time, timestamp, uuid } from '../../src/model/index.ts';

describe('decimal', () => {
  test.each([
    ['-35', '-35'],
    ['-52.5', '-52.5'],
    ['12.3400', '12.34'],
    ['-0', '0'],
    ['-0.00', '0'],
    ['000123.10', '123.1'],
    [0.1, '0.1'],
    [1e-7, '0.0000001'],
    ['1.5E3', '1500'],
    [12345678901234567890n, '12345678901234567890'],
    ['12345678901234567890.12', '12345678901234567890.12'],
    ['-0.5', '-0.5'],
  ])('takes %s as %s', (sent, kept) => {
    expect(decimal(38, 9).parse(sent)).toBe(kept);
  });

  test.each([
    '',
    ' 1',
    '1,5',
    '+1',
    '.5',
    '1.',
    'NaN',
    '0x10',
    '1e9999',
    '--1',
    null,
    undefined,
    true,
    {},
    Number.NaN,
    Infinity,
  ])('refuses %s', (sent) => {
    expect(decimal(38, 9).safeParse(sent).success).toBe(false);
  });

  test('refuses a value beyond its precision or scale instead of rounding it', () => {
    expect(decimal(5, 2).parse('999.99')).toBe('999.99');
    expect(decimal(5, 2).safeParse('1000').success).toBe(false);
    expect(decimal(5, 2).safeParse('1.001').success).toBe(false);
    expect(decimal(2, 2).parse('0.99')).toBe('0.99');
  });

  test('keeps every digit of any decimal it declares', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 29n) + 1n, max: 10n ** 29n - 1n }),
        fc.integer({ min: 0, max: 999_999_999 }),
        (whole, part) => {
          const fraction = String(part).padStart(9, '0').replace(/0+$/, '');
          const text = `${whole}${fraction && `.${fraction}`}`;
          expect(decimal(38, 9).parse(text)).toBe(text);
        },
      ),
    );
  });

  test('names itself in the issue, without the value', () => {
    const result = decimal(5, 2).safeParse('123456789.00');
    expect(result.error?.issues[0]?.message).toBe(
      'expected a decimal of at most 5 digits, 2 after the point',
    );
  });

  test.each([
    [0, 0],
    [39, 0],
    [5, 6],
    [5, -1],
    [1.5, 0],
  ])('refuses the declaration (%d,%d)', (precision, scale) => {
    expect(() => decimal(precision, scale)).toThrow(TypeError);
  });
});

describe('int64', () => {
  test('gives safe integers as numbers and all others up to the limits as bigints', () => {
    expect(int64().parse(5n)).toBe(5);
    expect(Object.is(int64().parse(-0), 0)).toBe(true);
    expect(int64().parse(2n ** 63n - 1n)).toBe(2n ** 63n - 1n);
    expect(int64().parse(-(2n ** 63n))).toBe(-(2n ** 63n));
  });

  test.each([2n ** 63n, -(2n ** 63n) - 1n, 1.5, 2 ** 53, '1', null])('refuses %s', (value) => {
    expect(int64().safeParse(value).success).toBe(false);
  });
});

describe('timestamp', () => {
  test.each([
    ['2026-11-23T08:00:00+01:00', '2026-11-23T07:00:00.000000Z'],
    ['2020-10-09T11:17:40+02', '2020-10-09T09:17:40.000000Z'],
    ['2026-03-29T02:30:00.123456+01:00', '2026-03-29T01:30:00.123456Z'],
    ['2026-11-23 07:00:00Z', '2026-11-23T07:00:00.000000Z'],
    ['2026-11-23T07:00Z', '2026-11-23T07:00:00.000000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'],
    ['9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'],
    ['2024-02-29T23:30:00-01:00', '2024-03-01T00:30:00.000000Z'],
    [new Date(0), '1970-01-01T00:00:00.000000Z'],
  ])('takes %s as %s', (sent, kept) => {
    expect(timestamp().parse(sent)).toBe(kept);
  });

  test.each([
    '2026-11-23T07:00:00',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-23T24:00:00Z',
    '2026-11-23T07:00:00.1234567Z',
    '0001-01-01T00:00:00+01:00',
    '2026-11-23',
    '',
    0,
    new Date(Number.NaN),
  ])('refuses %s', (sent) => {
    expect(timestamp().safeParse(sent).success).toBe(false);
  });
});

test('dates must exist, times are of one day, UUIDs become lower case', () => {
  expect(date().safeParse('2026-02-30').success).toBe(false);
  expect(date().parse('2024-02-29')).toBe('2024-02-29');
  for (const [day, exists] of [
    ['0000-01-01', false],
    ['0000-02-29', false],
    ['0001-01-01', true],
    ['9999-12-31', true],
    ['10000-01-01', false],
    ['2023-02-29', false],
  ] as const)
    expect(date().safeParse(day).success).toBe(exists);
  expect(time().safeParse('24:00:00').success).toBe(false);
  expect(time().parse('23:59:59.5')).toBe('23:59:59.5');
  expect(z.object({ id: uuid() }).parse({ id: '0190E6C0-0000-7000-8000-000000000000' }).id).toBe(
    '0190e6c0-0000-7000-8000-000000000000',
  );
});

describe('a text of a million characters', () => {
  const million = 1_000_000;
  const zeros = '0'.repeat(million);

  test.each<[string, z.ZodType, string]>([
    ['zeros and no number', decimal(15, 2), `${zeros}x`],
    ['zeros before a number', decimal(15, 2), `${zeros}1`],
    ['zeros after a point', decimal(15, 2), `1.${zeros}x`],
    ['ones', decimal(38, 9), '1'.repeat(million)],
    ['digits with an exponent', decimal(38, 9), `${'1'.repeat(million)}.${zeros}e+`],
    ['zeros of a second', timestamp(), `2026-11-23T07:00:00.000000${zeros}x`],
    ['zeros of a time', time(), `23:59:59.${zeros}`],
    ['a long year', date(), `${zeros}-01-01`],
    ['a long UUID', uuid(), zeros],
  ])('is refused at once: %s', (_what, type, text) => {
    const start = performance.now();
    expect(type.safeParse(text).success).toBe(false);
    // A pattern that goes back and forth takes minutes.
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

test('a decimal is taken with up to a hundred characters', () => {
  expect(decimal(5, 2).parse(`${'0'.repeat(97)}1.5`.slice(-100))).toBe('1.5');
  expect(decimal(5, 2).safeParse(`${'0'.repeat(98)}1.5`).success).toBe(false);
  expect(decimal(5, 2).parse(`1${'0'.repeat(50)}e-50`)).toBe('1');
  expect(decimal(5, 2).safeParse('1e-999').success).toBe(false);
});
