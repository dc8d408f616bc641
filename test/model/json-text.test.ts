/** JSON columns and cursors: the text, and the way back. */
import { expect, test } from 'vitest';
import { decodeJson, encodeJson, isJson } from '../../src/model/json-text.ts';

test.each<[unknown, string]>([
  [undefined, 'null'],
  [null, 'null'],
  [0, '0'],
  [-0, '-0'],
  [1.5, '1.5'],
  [2n ** 53n, '9007199254740992'],
  [5n, '5'],
  [2 ** 53, '9.007199254740992e+15'],
  [1e300, '1e+300'],
  [0.1, '0.1'],
  ['1234567890123456789', '"1234567890123456789"'],
  [
    { a: [2n ** 64n, { b: -(2n ** 64n) }], c: undefined },
    '{"a":[18446744073709551616,{"b":-18446744073709551616}]}',
  ],
  [new Date(0), '"1970-01-01T00:00:00.000Z"'],
  [{ at: [new Date(0)] }, '{"at":["1970-01-01T00:00:00.000Z"]}'],
  [new URL('https://a.test/'), '"https://a.test/"'],
  [[undefined, 1], '[null,1]'],
  [Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
])('%o is %s', (value, text) => {
  expect(encodeJson(value)).toBe(text);
  expect(isJson(value)).toBe(true);
});

class Point {
  readonly x = 1;
}
const circle: unknown[] = [];
circle.push(circle);
let deep: unknown[] = [];
for (let level = 0; level < 100_000; level++) deep = [deep];

const unsayable: readonly unknown[] = [
  Number.NaN,
  Infinity,
  -Infinity,
  new Date(Number.NaN),
  new Map([['a', 1]]),
  new Set(['a']),
  new WeakMap(),
  new Uint8Array([1]),
  Buffer.from('a'),
  new Float64Array([1]),
  new ArrayBuffer(1),
  new Point(),
  new Error('a'),
  /a/,
  () => 1,
  Symbol('a'),
  Object(1),
  Object('a'),
  Promise.resolve(1),
  circle,
  deep,
  { toJSON: () => undefined },
  {
    toJSON() {
      throw new Error('no');
    },
  },
];

test.each(unsayable.map((value) => [Object.prototype.toString.call(value), value]))(
  'a %s has no text, nor has what holds it',
  (_kind, value) => {
    for (const holder of [value, [value], { a: { b: [1, value] } }]) {
      expect(encodeJson(holder)).toBeUndefined();
      expect(isJson(holder)).toBe(false);
    }
  },
);

test.each<[string, unknown]>([
  ['9007199254740991', 2 ** 53 - 1],
  ['9007199254740992', 2n ** 53n],
  ['-9007199254740993', -(2n ** 53n) - 1n],
  ['9.007199254740992e+15', 2 ** 53],
  ['1234567890123456.75', 1234567890123456.75],
  [
    '{"a":["1234567890123456789",12345678901234567890]}',
    { a: ['1234567890123456789', 12345678901234567890n] },
  ],
  ['{"a":1e+300}', { a: 1e300 }],
  ['-0', -0],
])('%s is read as %o', (text, value) => {
  expect(decodeJson(text)).toEqual(value);
});
