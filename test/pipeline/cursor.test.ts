import { describe, expect, test } from 'vitest';
import type { JsonValue, LogicalType } from '../../src/model/index.ts';
import { CursorTracker, isAfter, notAhead, startAfter } from '../../src/pipeline/cursor.ts';

test.each<[JsonValue, JsonValue, LogicalType]>([
  ['2026-02-01', '2026-01-31', 'date'],
  ['2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.000000Z', 'timestamp'],
  ['10', '9.99', 'decimal(10,2)'],
  ['-1', '-2', 'decimal(10,2)'],
  ['12345678901234567890.13', '12345678901234567890.12', 'decimal(38,2)'],
  [10, 9, 'int64'],
  [2n ** 60n, 5, 'int64'],
])('%s lies after %s as %s, and not the other way round', (a, b, type) => {
  expect(isAfter(a, b, type)).toBe(true);
  expect(isAfter(b, a, type)).toBe(false);
  expect(isAfter(a, a, type)).toBe(false);
});

test('the tracker keeps the largest value in any order, and never falls behind its start', () => {
  const tracker = new CursorTracker('2026-01-10', { type: 'date' });
  for (const value of ['2026-01-05', null, undefined, '2026-03-01', '2026-02-01']) tracker.takeRow(value);
  expect(tracker.value).toBe('2026-03-01');
  const empty = new CursorTracker(undefined, { type: 'date' });
  for (const value of [null, undefined, new Uint8Array([1])]) empty.takeRow(value);
  expect(empty.value).toBeUndefined();
  const idle = new CursorTracker('2026-01-10', { type: 'date' });
  idle.takeRow('2025-01-01');
  expect(idle.value).toBe('2026-01-10');
});

test('a row that is dated ahead moves the cursor to the moment of the run, and not further', () => {
  const tracker = new CursorTracker('2026-01-10', { type: 'date', ceiling: '2026-03-01' });
  tracker.takeRow('9999-12-31');
  expect(tracker.value).toBe('2026-03-01');
  tracker.take('2026-04-01');
  expect(tracker.value).toBe('2026-04-01');
});

test.each<[JsonValue, LogicalType, string, JsonValue]>([
  ['2026-06-01T12:30:00+02:00', 'timestamp', '2026-06-01T11:00:00.000000Z', '2026-06-01T12:30:00+02:00'],
  ['2026-06-01T12:30:00+01:00', 'timestamp', '2026-06-01T11:00:00.000000Z', '2026-06-01T11:00:00.000000Z'],
  ['z9f8', 'timestamp', '2026-06-01T11:00:00.000000Z', 'z9f8'],
  [99, 'timestamp', '2026-06-01T11:00:00.000000Z', 99],
  ['page 7', 'date', '2026-06-01', 'page 7'],
  ['2026-06-02', 'date', '2026-06-01', '2026-06-01'],
  ['2026-05-02', 'date', '2026-06-01', '2026-05-02'],
])('a cursor %s (%s), read again at %s, counts as %s', (cursor, type, ceiling, expected) => {
  expect(notAhead(cursor, ceiling, type)).toBe(expected);
});

describe('the next read begins', () => {
  test.each<[JsonValue, LogicalType, number, JsonValue]>([
    ['2026-03-01', 'date', 0, '2026-03-01'],
    ['2026-03-01', 'date', 1, '2026-02-28'],
    ['2024-03-01', 'date', 14, '2024-02-16'],
    ['2026-03-01T12:00:00.000000Z', 'timestamp', 1, '2026-02-28T12:00:00.000Z'],
    [100, 'int64', 10, 90],
    [2n ** 60n, 'int64', 1, 2n ** 60n - 1n],
    ['100.5', 'decimal(10,2)', 1, '99.5'],
    ['abc', 'string', 3, 'abc'],
    ['2026-03-01', 'string', 3, '2026-02-26'],
    ['soon', 'date', 3, 'soon'],
    [true, 'boolean', 3, true],
    ['2026-03-01T12:00:00.123456Z', 'timestamp', 0, '2026-03-01T12:00:00.123456Z'],
  ])('after cursor %s (%s) with lookback %d at %s', (cursor, type, lookback, start) => {
    expect(startAfter(cursor, type, { column: 'c', lookback })).toEqual(start);
  });
});
