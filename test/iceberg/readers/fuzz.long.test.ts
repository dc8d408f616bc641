/** Bounds and transforms, value by value, against PyIceberg's own functions. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeSingleValue, decodeSingleValue } from '../../../src/iceberg/single-value.ts';
import { transformOf } from '../../../src/iceberg/transforms.ts';
import type { Cell } from '../../../src/iceberg/types.ts';
import { Readers } from './readers.ts';

let readers: Readers;
beforeAll(async () => {
  readers = await Readers.start();
}, 240_000);
afterAll(() => readers.close());

const text = fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.toWellFormed());
const micros = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });
const values: Readonly<Record<string, fc.Arbitrary<Exclude<Cell, null>>>> = {
  boolean: fc.boolean(),
  int: fc.integer(),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float: fc.float({ noNaN: true }),
  double: fc.double({ noNaN: true }),
  date: fc.integer({ min: -719_162, max: 2_932_896 }),
  time: fc.bigInt({ min: 0n, max: 86_399_999_999n }),
  timestamp: micros,
  timestamptz: micros,
  string: text,
  uuid: fc.uuid(),
  binary: fc.uint8Array({ maxLength: 40 }),
  'fixed[5]': fc.uint8Array({ minLength: 5, maxLength: 5 }),
  'decimal(9,2)': fc.bigInt({ min: -999_999_999n, max: 999_999_999n }),
  'decimal(38,9)': fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
};

/** Numbers are written differently by each language; what they are is the same. */
function same(a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return a === b;
  const [x, y] = [a, b].map((text) => Number(text.replace(/^(-?)inf$/, '$1Infinity')));
  return x === y || a.toLowerCase() === b.toLowerCase();
}

function textOf(type: string, cell: Cell): string | null {
  if (cell === null) return null;
  if (cell instanceof Uint8Array) return Buffer.from(cell).toString('hex');
  const scale = Number(/^decimal\(\d+,(\d+)\)$/.exec(type)?.[1] ?? -1);
  if (scale >= 0) {
    const digits = String(cell)
      .replace('-', '')
      .padStart(scale + 1, '0');
    return `${String(cell).startsWith('-') ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  }
  return Object.is(cell, -0) ? '-0.0' : String(cell);
}

test('single values as bytes', async () => {
  for (const [type, arbitrary] of Object.entries(values)) {
    const cells = fc.sample(arbitrary, 400);
    const { answers } = (await readers.call('oracle_bytes', {
      cases: cells.map((cell) => [type, textOf(type, cell)]),
    })) as { answers: string[] };
    const own = cells.map((cell) => Buffer.from(encodeSingleValue(type, cell) ?? []).toString('hex'));
    expect(own, type).toEqual(answers);
    expect(
      cells.map((cell) => decodeSingleValue(type, encodeSingleValue(type, cell) as Uint8Array)),
      type,
    ).toEqual(cells);
  }
});

test('transforms', async () => {
  const transforms = [
    'identity',
    'void',
    'bucket[16]',
    'bucket[1000]',
    'truncate[3]',
    'truncate[10]',
    'year',
    'month',
    'day',
    'hour',
  ];
  let compared = 0;
  for (const [type, arbitrary] of Object.entries(values)) {
    for (const name of transforms) {
      let transform;
      try {
        transform = transformOf(name, type);
      } catch {
        continue;
      }
      const cells: Cell[] = [null, ...fc.sample(arbitrary, 150)];
      const { answers } = (await readers.call('oracle_transform', {
        cases: cells.map((cell) => [name, type, textOf(type, cell)]),
      })) as { answers: (string | null)[] };
      const own = cells.map((cell) => textOf(transform.resultType, transform.apply(cell)));
      const different = own.findIndex((answer, i) => !same(answer, answers[i] ?? null));
      expect(
        different < 0
          ? 'all alike'
          : `${textOf(type, cells[different] ?? null)}: ${own[different]}, not ${answers[different]}`,
        `${name} of ${type}`,
      ).toBe('all alike');
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(60);
});
