/** Columns that no schema declares: what a value may become. */
import { describe, expect, test } from 'vitest';
import type { Column, LogicalType, Value } from '../../src/model/index.ts';
import { pathKey } from '../../src/model/index.ts';
import { ExtraColumns } from '../../src/pipeline/extra-columns.ts';

const column = (type: LogicalType): Column => ({ name: 'c', type, nullable: true, path: ['c'] });
const key: Column = { name: 'id', type: 'string', nullable: false, path: ['id'] };
/** Places `value` in a column `c` of `type`, after a key. */
function place(type: LogicalType, value: unknown, declared = false) {
  const known = new Set(declared ? [pathKey(['id']), pathKey(['c'])] : [pathKey(['id'])]);
  const extras = new ExtraColumns([key, column(type)], known);
  const found = extras.place({ path: ['c'], value });
  const [change] = extras.takeChanges();
  return { found, became: change?.column.type, extras };
}

const huge = 2n ** 60n + 1n;

describe('a value that fits its column as it is changes nothing', () => {
  test.each<[LogicalType, unknown]>([
    ['string', 'x'],
    ['string', 1],
    ['string', { a: 1 }],
    ['string', new Date(0)],
    ['timestamp', new Date(0)],
    ['timestamp', '2026-01-01T00:00:00.000Z'],
    ['json', new Date(0)],
    ['json', 'x'],
    ['json', 1],
    ['json', [1]],
    ['int64', 1],
    ['int64', huge],
    ['float64', 1.5],
    ['float64', 1],
    ['decimal(5,2)', 999],
    ['decimal(5,2)', -999],
    ['decimal(38,0)', huge],
    ['date', null],
    ['binary', new Uint8Array([1])],
  ])('%s: %o', (type, value) => {
    expect(place(type, value)).toMatchObject({ found: 1, became: undefined });
    expect(place(type, value, true)).toMatchObject({ found: 1, became: undefined });
  });
});

describe('a value that does not fit widens a column that was found in rows, and is refused by a declared one', () => {
  test.each<[LogicalType, unknown, LogicalType]>([
    ['int64', 1.5, 'float64'],
    ['int64', 'x', 'string'],
    ['int64', 2n ** 70n, 'decimal(22,0)'],
    ['boolean', 1, 'string'],
    ['decimal(5,2)', 1000, 'decimal(21,2)'],
    ['decimal(5,2)', -1000, 'decimal(21,2)'],
    ['decimal(5,2)', 1.5, 'string'],
    ['boolean', { a: 1 }, 'json'],
    ['date', '2026-01-01', 'string'],
    ['timestamp', '2026-01-01', 'string'],
    ['timestamp', '2026-13-01T00:00:00.000Z', 'string'],
    ['date', new Date(0), 'string'],
  ])('%s: %o makes it %s', (type, value, became) => {
    expect(place(type, value)).toMatchObject({ found: 1, became });
    const { found } = place(type, value, true);
    expect(found).toMatchObject({ path: ['c'], from: type });
  });
});

test.each<[LogicalType, unknown, LogicalType]>([
  ['binary', 1, 'int64'],
  ['json', new Uint8Array([1]), 'binary'],
  ['string', new Uint8Array([1]), 'binary'],
  ['int64', new Uint8Array([1]), 'binary'],
])('%s and %o share no column: it is a conflict', (type, value, to) => {
  expect(place(type, value)).toMatchObject({ found: { path: ['c'], from: type, to }, became: undefined });
});

test('a column found in rows is named once, and keeps what it was called for within a batch', () => {
  const extras = new ExtraColumns([key], new Set([pathKey(['id'])]));
  expect(extras.place({ path: ['a', 'b'], value: null })).toBeUndefined();
  expect(extras.place({ path: ['a', 'b'], value: 1 })).toBe(1);
  expect(extras.place({ path: ['a', 'b'], value: 1.5 })).toBe(1);
  expect(extras.place({ path: ['c'], value: true })).toBe(2);
  expect([extras.indexOfName('a__b'), extras.indexOfName('c'), extras.indexOfName('d')]).toEqual([1, 2, -1]);
  expect(extras.takeChanges().map(({ kind, column: { name, type } }) => [kind, name, type])).toEqual([
    ['added', 'a__b', 'float64'],
    ['added', 'c', 'boolean'],
  ]);
  expect(extras.place({ path: ['a', 'b'], value: 'x' })).toBe(1);
  expect(extras.takeChanges().map(({ kind, column: { type } }) => [kind, type])).toEqual([
    ['widened', 'string'],
  ]);
  expect(extras.takeChanges()).toEqual([]);
});

test.each<[LogicalType, unknown, Value]>([
  ['string', 1, '1'],
  ['string', null, null],
  ['string', Number.NaN, 'NaN'],
  ['string', new Date(0), '1970-01-01T00:00:00.000000Z'],
  ['json', new Date(0), '1970-01-01T00:00:00.000000Z'],
  ['timestamp', new Date(0), '1970-01-01T00:00:00.000000Z'],
  ['timestamp', '2026-01-01T00:00:00.500Z', '2026-01-01T00:00:00.500000Z'],
  ['string', undefined, null],
  ['string', { a: 1n }, '{"a":1}'],
  ['string', 'x', 'x'],
  ['decimal(5,2)', 12, '12'],
  ['decimal(5,2)', '1.50', '1.50'],
  ['int64', 5n, 5],
  ['int64', huge, huge],
  ['int64', 2n ** 60n, 2n ** 60n],
  ['float64', 1, 1],
  ['json', 5n, 5n],
  ['boolean', false, false],
])('in a %s column %o is held as %o', (type, value, held) => {
  expect(place(type, null).extras.convert(value, 1)).toEqual(held);
});
