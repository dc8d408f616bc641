/** JSON columns and cursors: the text, and the way back. */
import { expect, test } from 'vitest';
import { decodeJson, encodeJson } from '../../src/model/json-text.ts';

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
])('%o is %s', (value, text) => {
  expect(encodeJson(value)).toBe(text);
});

test.each([Number.NaN, Infinity, -Infinity, { a: [Infinity] }])('%o has no text', (value) => {
  expect(encodeJson(value)).toBeUndefined();
});

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
