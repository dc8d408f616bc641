/** Keys made of what a row holds. */
import { expect, test } from 'vitest';
import { RowKeys } from '../../src/model/index.ts';

const keyOf = (row: unknown): string => new RowKeys('p').keyFor(row);

// Keys are stored: a change of one of these would load rows a second time.
test.each<[unknown, string]>([
  [{}, '0a1a08dd1c1078efedb9e4da72afca23-1'],
  [
    {
      id: 1,
      name: 'a',
      ok: true,
      no: null,
      list: [1, { b: 2, a: [] }],
      deep: { z: -0.5, y: 'é' },
      skipped: undefined,
    },
    'b40162aeaf4578dcdc6bfe7425c3d2d2-1',
  ],
  [{ n: -0, big: 2n ** 60n, far: 1e21, sure: 5n }, '2bc0691732c71bf53faf806babe9fc3e-1'],
  [{ bytes: new Uint8Array([1, 2]) }, 'd76aac6204bac2236a3d39875a7b154c-1'],
  ['text', 'd6557683bc32bf017987af39d252b649-1'],
])('the key of %o stays what it was', (row, key) => {
  expect(keyOf(row)).toBe(key);
});

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}

class Money {
  readonly #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  toJSON(): string {
    return String(this.#cents);
  }
}

const values: readonly unknown[] = [
  null,
  0,
  'NaN',
  Number.NaN,
  Infinity,
  -Infinity,
  '2026-01-01T00:00:00.000Z',
  new Date('2026-01-01'),
  new Date('2026-01-02'),
  new Date(Number.NaN),
  [],
  [1],
  ['date', 1],
  new Map(),
  new Map([['a', 1]]),
  new Map([['a', 2]]),
  new Map([[1, 'a']]),
  new Set(),
  new Set([1]),
  new Set(['1']),
  new Set([new Date(0)]),
  new Uint8Array(),
  new Uint8Array([1]),
  new Uint8Array([2]),
  new Int8Array([1]),
  new Int16Array([1]),
  new Float64Array([Number.NaN]),
  new Float64Array([1]),
  new DataView(new ArrayBuffer(1)),
  new ArrayBuffer(1),
  new ArrayBuffer(2),
  new Point(1),
  new Point(2),
  new Money(1),
  new Money(2),
  new URL('https://a.test/'),
  new URL('https://b.test/'),
  Object(1),
  Object('1'),
  Object(1n),
  /a/,
  /b/,
  new Error('a'),
  Symbol('a'),
  Symbol('b'),
  () => 1,
  () => 2,
];

test('rows that differ in one value have different keys, whatever the value is', () => {
  expect(new Set(values.map((v) => keyOf({ v }))).size).toBe(values.length);
  expect(new Set(values.map((v) => keyOf({ deep: [{ v }] }))).size).toBe(values.length);
});

test('equal rows have one key, whatever the order of what they hold', () => {
  const pairs: readonly [string, number][] = [
    ['a', 1],
    ['b', 2],
  ];
  expect(keyOf({ v: new Map(pairs) })).toBe(keyOf({ v: new Map(pairs.toReversed()) }));
  expect(keyOf({ v: new Set([1, 2]) })).toBe(keyOf({ v: new Set([2, 1]) }));
  expect(keyOf({ v: new Date(5) })).toBe(keyOf({ v: new Date(5) }));
  expect(keyOf({ v: 5n })).toBe(keyOf({ v: 5 }));
  const bare = Object.assign(Object.create(null) as object, { x: 1 });
  expect([keyOf(bare), keyOf(new Point(1))]).toEqual([keyOf({ x: 1 }), keyOf({ x: 1 })]);
});

test('an object that shows nothing of itself gets no key, which another would share', () => {
  class Hidden {
    readonly #value = 1;
    get value(): number {
      return this.#value;
    }
  }
  for (const v of [new Hidden(), Promise.resolve(1), new WeakMap()]) {
    expect(() => keyOf({ v })).toThrow(expect.objectContaining({ code: 'ROW_INVALID' }));
  }
});
