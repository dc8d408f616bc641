/** Rows that wait for their commit: few in memory, many outside. */
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RowBuffer } from '../../../src/destinations/sqlite/row-buffer.ts';
import type { SqlRow } from '../../../src/destinations/sqlite/codec.ts';

let db: DatabaseSync;
beforeEach(() => {
  db = new DatabaseSync(':memory:');
});
afterEach(() => db.close());

/** How many rows have left memory, in how many tables. */
const outside = (): number => db.prepare('SELECT name FROM temp.sqlite_schema').all().length;
const rowsOf = (from: number, to: number): SqlRow[] =>
  Array.from({ length: to - from }, (_, i) => [
    from + i,
    `row ${from + i}`,
    null,
    new Uint8Array([(from + i) % 256]),
  ]);

test('rows come back in order, whether they fit in memory or not, and again', () => {
  const buffer = new RowBuffer(db, 600);
  buffer.push(rowsOf(0, 599));
  expect([buffer.length, outside()]).toEqual([599, 0]);
  buffer.push(rowsOf(599, 600));
  expect([buffer.length, outside()]).toEqual([600, 1]);
  buffer.push(rowsOf(600, 1_900));
  buffer.push([]);
  expect(buffer.length).toBe(1_900);
  expect([...buffer.rows()]).toEqual(rowsOf(0, 1_900));
  expect([...buffer.rows()]).toEqual(rowsOf(0, 1_900));
});

test('by default 2,000 rows leave memory', () => {
  const buffer = new RowBuffer(db);
  buffer.push(rowsOf(0, 1_999));
  expect(outside()).toBe(0);
  buffer.push(rowsOf(1_999, 2_000));
  expect(outside()).toBe(1);
});

test.each<[string, (bytes: number) => SqlRow]>([
  ['texts', (bytes) => ['x'.repeat(bytes)]],
  ['bytes', (bytes) => [1, new Uint8Array(bytes)]],
])('large %s leave memory, however few', (_what, rowOf) => {
  const half = 16 * 1024 * 1024;
  const buffer = new RowBuffer(db);
  buffer.push([rowOf(half)]);
  buffer.push([rowOf(half - 1)]);
  expect(outside()).toBe(0);
  buffer.push([rowOf(1)]);
  expect(outside()).toBe(1);
  // The count begins anew with what has left.
  buffer.push([rowOf(half)]);
  expect(db.prepare(`SELECT count(*) AS n FROM temp.${tableName()}`).get()).toEqual({ n: 1 });
});
const tableName = (): string => String(db.prepare('SELECT name FROM temp.sqlite_schema').get()?.['name']);

test('a buffer that was cleared is empty, leaves nothing outside, and can be filled again', () => {
  const buffer = new RowBuffer(db, 10);
  buffer.push(rowsOf(0, 25));
  buffer.clear();
  expect([buffer.length, outside(), [...buffer.rows()]]).toEqual([0, 0, []]);
  buffer.push(rowsOf(5, 30));
  expect([...buffer.rows()]).toEqual(rowsOf(5, 30));
});

test('rows are rewritten in place, in memory and outside', () => {
  const buffer = new RowBuffer(db, 10);
  for (const many of [3, 25]) {
    buffer.clear();
    buffer.push(rowsOf(0, many));
    buffer.rewrite(([id, ...rest]) => [Number(id) * 2, ...rest]);
    expect(buffer.length).toBe(many);
    expect([...buffer.rows()].map(([id]) => id)).toEqual(Array.from({ length: many }, (_, i) => i * 2));
    expect(outside()).toBe(many > 10 ? 1 : 0);
  }
});

test('two buffers of one connection keep their rows apart', () => {
  const [a, b] = [new RowBuffer(db, 1), new RowBuffer(db, 1)];
  a.push(rowsOf(0, 3));
  b.push(rowsOf(7, 9));
  expect([[...a.rows()], [...b.rows()]]).toEqual([rowsOf(0, 3), rowsOf(7, 9)]);
  a.clear();
  expect([...b.rows()]).toEqual(rowsOf(7, 9));
});
