import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decimal, defineStream, tableOf } from '../../src/model/index.ts';
import type { DriftPolicy, TableDefinition } from '../../src/model/index.ts';
import { RowShaper } from '../../src/pipeline/row-shaper.ts';

const schema = z.object({ id: z.string(), amount: z.object({ value: decimal(5, 2) }).nullish() });

function shaper(drift?: DriftPolicy, table?: TableDefinition): RowShaper {
  const stream = defineStream({
    name: 's',
    schema,
    primaryKey: ['id'],
    ...(drift && { drift }),
    async *read() {},
  });
  return new RowShaper(stream, table ?? tableOf(stream));
}

describe('rows that fit', () => {
  test('are laid out in the order of the table', () => {
    const { rows, rejected, changes } = shaper().shape([{ id: 'a', amount: { value: '1.50' } }, { id: 'b' }]);
    expect(rows).toEqual([
      ['a', '1.5'],
      ['b', undefined],
    ]);
    expect([rejected, changes]).toEqual([[], []]);
  });
});

describe('rows that do not fit', () => {
  test.each<[string, unknown, RegExp]>([
    ['a wrong value', { id: 'a', amount: { value: '1000' } }, /^amount\.value: expected a decimal/],
    ['no key', { amount: null }, /^id: /],
    ['a null key', { id: null }, /^id: /],
    ['an array', [], /expected an object/],
    ['null', null, /expected an object/],
    ['a number', 7, /expected an object/],
    ['a Map', new Map([['id', 'a']]), /expected an object/],
    ['an unknown Map', { id: 'a', more: new Map([['SECRET', 1]]) }, /^more: expected a JSON value, /],
    ['an unknown Set below', { id: 'a', more: { of: new Set() } }, /^more\.of: expected a JSON value, /],
    ['an unknown Set in a list', { id: 'a', more: [new Set()] }, /^more: expected a JSON value, /],
    ['an unknown date that is none', { id: 'a', at: new Date(Number.NaN) }, /^at: expected /],
    ['an unknown function', { id: 'a', call: () => 1 }, /^call: expected /],
    [
      'an unknown symbol',
      { id: 'a', mark: Symbol('SECRET') },
      /^mark: expected a JSON value, a date or bytes$/,
    ],
    ['an unknown object of a class', { id: 'a', to: new URL('https://a.test') }, /^to: expected /],
  ])('%s: the row is set aside with its index and reason, the others go on', (_what, bad, reason) => {
    const { rows, rejected } = shaper().shape([{ id: 'a' }, bad, { id: 'c' }]);
    expect(rows).toHaveLength(2);
    expect(rejected).toEqual([{ index: 1, reason: expect.stringMatching(reason) as string, raw: bad }]);
  });

  test('a key that is empty is one of them, also where the schema allows it', () => {
    const stream = defineStream({
      name: 's',
      schema: z.object({ id: z.string().nullish() }),
      primaryKey: ['id'],
      async *read() {},
    });
    const { rows, rejected } = new RowShaper(stream, tableOf(stream)).shape([{ id: null }, { id: '' }, {}]);
    expect(rows).toEqual([['']]);
    const reason = 'id: the key has no value';
    expect(rejected).toEqual([
      { index: 0, reason, raw: { id: null } },
      { index: 2, reason, raw: {} },
    ]);
  });

  test('count on over batches', () => {
    const shaping = shaper();
    shaping.shape([{ id: 'a' }, { id: 'b' }]);
    expect(shaping.shape([{ id: 1 }]).rejected[0]?.index).toBe(2);
    expect(shaping.rowsRead).toBe(3);
  });

  test('the reason never quotes the value', () => {
    const { rejected } = shaper().shape([{ id: 'a', amount: { value: 'DE00 SECRET' } }]);
    expect(rejected[0]?.reason).not.toContain('SECRET');
  });

  test.each([
    [5, /^a: .*; b: .*; c: .*; d: .*; deep\.e: [^;]*$/],
    [6, /^a: .*; deep\.e: [^;]*; and 1 more$/],
  ])('%d reasons are told in short', (count, reasons) => {
    const wide = z.object({
      id: z.string(),
      ...Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, z.string()])),
      deep: z.object({ e: z.string() }),
      ...(count === 6 && { f: z.string() }),
    });
    const stream = defineStream({ name: 's', schema: wide, primaryKey: ['id'], async *read() {} });
    const { rejected } = new RowShaper(stream, tableOf(stream)).shape([{ id: 'a', deep: {} }]);
    expect(rejected[0]?.reason).toMatch(reasons);
  });

  test('end the stream with freeze', () => {
    expect(() => shaper('freeze').shape([{ id: 'a' }, { id: 2 }])).toThrow(
      expect.objectContaining({ code: 'SCHEMA_DRIFT', message: expect.stringContaining('row 1') as string }),
    );
  });
});

describe('fields that the schema does not know', () => {
  test('become columns with evolve, typed by what they hold, at the end of the table', () => {
    const { rows, changes } = shaper().shape([
      { id: 'a' },
      { id: 'b', more: 1, deep: { flag: true } },
      { id: 'c', more: 2.5 },
    ]);
    expect(changes.map(({ column, kind }) => `${kind} ${column.name} ${column.type}`)).toEqual([
      'added more float64',
      'added deep__flag boolean',
    ]);
    expect(rows).toEqual([
      ['a', undefined],
      ['b', undefined, 1, true],
      ['c', undefined, 2.5],
    ]);
  });

  test('widen their column when a later batch holds more', () => {
    const shaping = shaper();
    shaping.shape([{ id: 'a', note: 1 }]);
    const { rows, changes } = shaping.shape([
      { id: 'b', note: 2 },
      { id: 'c', note: 'x' },
    ]);
    expect(changes).toMatchObject([{ kind: 'widened', column: { name: 'note', type: 'string' } }]);
    expect(rows).toEqual([
      ['b', undefined, '2'],
      ['c', undefined, 'x'],
    ]);
  });

  test('end the stream with freeze, and set the row aside with quarantine', () => {
    expect(() => shaper('freeze').shape([{ id: 'a', more: 1 }])).toThrow(
      /more: a field that the schema does not know/,
    );
    expect(shaper('quarantine').shape([{ id: 'a', more: 1 }]).rejected).toHaveLength(1);
  });

  test('that are null wait until they hold something', () => {
    expect(shaper().shape([{ id: 'a', more: null }]).changes).toEqual([]);
  });

  test('that cannot share a column set their row aside', () => {
    const shaping = shaper();
    shaping.shape([{ id: 'a', bytes: new Uint8Array(1) }]);
    expect(shaping.shape([{ id: 'b', bytes: 'text' }]).rejected[0]?.reason).toContain(
      'bytes: string does not fit',
    );
  });
});

test('a date in a field without schema is a timestamp, also when it comes back from quarantine as text', () => {
  const stream = defineStream({ name: 's', async *read() {} });
  const shaping = new RowShaper(stream, tableOf(stream));
  const { rows, rejected, changes } = shaping.shape([
    { id: 1, at: new Date(0), deep: { at: new Date(1) } },
    { id: 2, at: '1970-01-01T00:00:00.002Z', e: {} },
    { id: 3, s: new Set(['x']) },
  ]);
  expect(changes.map(({ column: { name, type } }) => `${name} ${type}`)).toEqual([
    'id int64',
    'at timestamp',
    'deep__at timestamp',
  ]);
  expect(rows).toEqual([
    [1, '1970-01-01T00:00:00.000000Z', '1970-01-01T00:00:00.001000Z'],
    [2, '1970-01-01T00:00:00.002000Z'],
  ]);
  expect(rejected).toMatchObject([{ index: 2, reason: 's: expected a JSON value, a date or bytes' }]);
});

test('a row may be an object of a class, as drivers of databases give', () => {
  class TextRow {
    readonly id = 'a';
    readonly more = 1;
  }
  expect(shaper().shape([new TextRow()]).rows).toEqual([['a', undefined, 1]]);
  const stream = defineStream({ name: 's', async *read() {} });
  expect(new RowShaper(stream, tableOf(stream)).shape([new TextRow()]).rows).toEqual([['a', 1]]);
});

test('a value that no column can hold ends the stream with freeze', () => {
  const stream = defineStream({ name: 's', drift: 'freeze', async *read() {} });
  expect(() => new RowShaper(stream, tableOf(stream)).shape([{ id: 1, s: new Set() }])).toThrow(
    expect.objectContaining({ code: 'SCHEMA_DRIFT' }),
  );
});

test('a stream without schema learns its columns and its key from the rows', () => {
  const stream = defineStream({ name: 's', primaryKey: ['user_id'], async *read() {} });
  const shaping = new RowShaper(stream, tableOf(stream));
  const { rows, rejected } = shaping.shape([{ userId: 1, tags: ['a'] }, { name: 'no key' }, { userId: 2 }]);
  expect(rows).toEqual([[1, ['a']], [2]]);
  expect(rejected).toMatchObject([{ index: 1, reason: 'user_id: the key has no value' }]);
});

test('a key may hold the day of the load, which no row has', () => {
  const stream = defineStream({
    name: 's',
    schema: z.object({ id: z.string() }),
    primaryKey: ['id', '_inserted_at_day'],
    async *read() {},
  });
  const { rows, rejected } = new RowShaper(stream, tableOf(stream)).shape([{ id: 'a' }]);
  expect([rows, rejected]).toEqual([[['a']], []]);
});

test('rows without key and schema get their key in the first column', () => {
  const stream = defineStream({ name: 's', rowKey: 'hash', async *read() {} });
  const { rows, rejected } = new RowShaper(stream, tableOf(stream)).shape([{ a: 1 }, { a: 1 }]);
  expect(rejected).toEqual([]);
  expect(new Set(rows.map(([key]) => key)).size).toBe(2);
  expect(rows.map((row) => row[1])).toEqual([1, 1]);
});

test('equal rows without a key stay two, and read again give the same two keys in any order of fields', () => {
  const stream = defineStream({
    name: 's',
    schema: z.object({ a: z.int(), b: z.int() }),
    rowKey: 'hash',
    async *read() {},
  });
  const keys = (rows: unknown[], partition = ''): unknown[] => {
    const shaping = new RowShaper(stream, tableOf(stream));
    shaping.startPartition(partition);
    return shaping.shape(rows).rows.map((row) => row[2]);
  };
  const first = keys([
    { a: 1, b: 2 },
    { a: 1, b: 2 },
    { a: 3, b: 4 },
  ]);
  expect(new Set(first).size).toBe(3);
  expect(
    keys([
      { b: 4, a: 3 },
      { b: 2, a: 1 },
      { b: 2, a: 1 },
    ]).toSorted(),
  ).toEqual(first.toSorted());
  expect(keys([{ a: 1, b: 2 }], 'other')[0]).not.toBe(first[0]);
});
