import { expect, test } from 'vitest';
import { inferType, widenType } from '../../src/model/index.ts';
import { isStorable } from '../../src/model/widen.ts';
import type { LogicalType } from '../../src/model/index.ts';

test.each<[LogicalType, LogicalType, LogicalType | undefined]>([
  ['int64', 'int64', 'int64'],
  ['int64', 'float64', 'float64'],
  ['int64', 'decimal(10,2)', 'decimal(21,2)'],
  ['decimal(10,2)', 'decimal(15,4)', 'decimal(15,4)'],
  ['decimal(10,2)', 'decimal(10,6)', 'decimal(14,6)'],
  ['decimal(38,0)', 'decimal(38,9)', 'string'],
  ['float64', 'decimal(10,2)', 'string'],
  ['boolean', 'int64', 'string'],
  ['date', 'timestamp', 'string'],
  ['string', 'json', 'json'],
  ['binary', 'string', undefined],
  ['int64', 'binary', undefined],
])('%s and %s meet in %s, from either side', (a, b, expected) => {
  expect(widenType(a, b)).toBe(expected);
  expect(widenType(b, a)).toBe(expected);
});

test.each<[unknown, LogicalType | undefined]>([
  [1, 'int64'],
  [1.5, 'float64'],
  [2 ** 53, 'float64'],
  [2n ** 62n, 'int64'],
  [2n ** 64n, 'decimal(20,0)'],
  [10n ** 40n, 'string'],
  ['2026-01-01', 'string'],
  [null, undefined],
  [undefined, undefined],
  [[1], 'json'],
  [{}, 'json'],
  [new Uint8Array(1), 'binary'],
  [new Date(0), 'timestamp'],
  [Object.create(null), 'json'],
  [false, 'boolean'],
])('a value %o is inferred as %s', (value, expected) => {
  expect(inferType(value)).toBe(expected);
});

test.each<[unknown, boolean]>([
  [null, true],
  [undefined, true],
  [1, true],
  [[1, { a: new Date(0) }], true],
  [new Date(0), true],
  [new Uint8Array(1), true],
  [new Date(Number.NaN), false],
  [new Date('+010000-01-01'), false],
  [new Map(), false],
  [new Set(), false],
  [new Float32Array(1), false],
  [new URL('https://a.test'), false],
  [Symbol('a'), false],
  [() => 1, false],
  [[new Set()], false],
  [[Number.NaN], false],
])('%o of an unknown field can be stored: %s', (value, can) => {
  expect(isStorable(value)).toBe(can);
  if (!can && !Array.isArray(value)) expect(inferType(value)).toBeUndefined();
});
