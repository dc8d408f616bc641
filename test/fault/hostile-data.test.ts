/** Whole runs, from a server whose rows are as no row should be. */
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decimal, int64 } from '../../src/model/index.ts';
import type { RowObject } from '../../src/model/index.ts';
import { servePages } from './item-source.ts';
import { openShop } from './shop.ts';
import type { Shop } from './shop.ts';

let shop: Shop;
beforeEach(async () => {
  shop = await openShop();
});
afterEach(() => shop[Symbol.asyncDispose]());

test('numbers arrive to their last digit, or are refused; none is rounded', async () => {
  const rows = [
    ['1', '12345678901234567890', '12.3400'],
    ['2', '-9223372036854775808', '-0'],
    ['3', '9007199254740993', '0.1'],
    ['4', '1e3', '1e400'],
    ['5', '7', '99999999999999999999.9999'],
  ].map(([id, big, amount]) => `{"id":${id},"big":${big},"amount":${amount}}`);
  const schema = z.object({ id: int64(), big: int64().nullish(), amount: decimal(30, 4) });
  const report = await shop.load(servePages(rows), { schema, primaryKey: ['id'] });
  // 12345678901234567890 is beyond 64 bits, 1e400 beyond 30 digits.
  expect(report).toMatchObject({ inserted: 3, quarantined: 2 });
  expect(await shop.stored()).toEqual([
    { id: 2, big: -9223372036854775808n, amount: '0.0000' },
    { id: 3, big: 9007199254740993n, amount: '0.1000' },
    { id: 5, big: 7, amount: '99999999999999999999.9999' },
  ]);
  const aside = await shop.database.sql('SELECT raw_json FROM _plumbing_quarantine ORDER BY row_index');
  expect(aside[0]?.['raw_json']).toContain('12345678901234567890');
  expect(aside[1]?.['raw_json']).toContain('1e400');
});

describe('names that mean something to JavaScript or SQL', () => {
  test.each([
    ['with a schema', { schema: z.object({ id: int64() }), primaryKey: ['id'] }],
    ['without one', { primaryKey: ['id'] }],
  ] as const)('become columns like all others, and change no prototype (%s)', async (_what, options) => {
    const row =
      '{"id":1,"__proto__":{"polluted":1},"constructor":"c","toString":"t","prototype":{"polluted":2},"hasOwnProperty":"h","valueOf":{"__proto__":{"polluted":3},"x":4}}';
    expect(await shop.load(servePages([row]), options)).toMatchObject({ status: 'succeeded', inserted: 1 });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(await shop.stored()).toEqual([
      {
        id: 1,
        constructor: 'c',
        to_string: 't',
        prototype__polluted: 2,
        has_own_property: 'h',
        value_of__x: 4,
      },
    ]);
  });

  const hostile = [
    'a"; DROP TABLE victims;--',
    "a'); DROP TABLE victims;--",
    ...['', ' ', '\0', 'a\0b', '\uD800', '\u202Eabc', 'x'.repeat(10_000), `${'x'.repeat(10_000)}y`].values(),
    ...'` [ ] " \' select SELECT Select rowid _rowid_ oid ID Id iD İd .. %s $1 ?1 :a @a'.split(' '),
    ...'_plumbing_load_id _inserted_at_ts _valid_to_ts ﬁ fi é e\u0301 1 01 -1 null undefined NaN 😀'.split(
      ' ',
    ),
  ];

  test('are stored under names of their own, each with its value; no other table suffers', async () => {
    await shop.load(servePages(['{"id":1}']));
    const db = new DatabaseSync(shop.database.path);
    db.exec('CREATE TABLE victims (x); INSERT INTO victims VALUES (1)');
    db.close();
    const row = JSON.stringify(
      Object.fromEntries([['id', 2], ...hostile.map((name, i) => [name, `value ${i}`])]),
    );
    // Twice: the second run has to find the same columns again.
    for (const inserted of [1, 0])
      expect(await shop.load(servePages([row]))).toMatchObject({
        status: 'succeeded',
        inserted,
        updated: 0,
        quarantined: 0,
      });
    const [, second] = await shop.stored();
    const { id: _, ...values } = second as RowObject;
    expect(Object.values(values).toSorted()).toEqual(hostile.map((_name, i) => `value ${i}`).toSorted());
    expect(await shop.database.sql('SELECT * FROM victims')).toEqual([{ x: 1 }]);
  });
});

describe('a source that changes its mind', () => {
  test.each<[string, string, string, unknown]>([
    [
      'a new field',
      '{"id":1,"a":1}',
      '{"id":2,"a":2,"b":"x"}',
      [
        { id: 1, a: 1, b: null },
        { id: 2, a: 2, b: 'x' },
      ],
    ],
    [
      'a field that is gone',
      '{"id":1,"a":1}',
      '{"id":2}',
      [
        { id: 1, a: 1 },
        { id: 2, a: null },
      ],
    ],
    [
      'a fraction where integers were',
      '{"id":1,"a":1}',
      '{"id":2,"a":2.5}',
      [
        { id: 1, a: 1 },
        { id: 2, a: 2.5 },
      ],
    ],
    [
      'a text where numbers were',
      '{"id":1,"a":1}',
      '{"id":2,"a":"two"}',
      [
        { id: 1, a: '1' },
        { id: 2, a: 'two' },
      ],
    ],
    [
      'a field whose name differs by case',
      '{"id":1,"name":"a"}',
      '{"id":2,"Name":"b"}',
      [
        { id: 1, name: 'a', other: null },
        { id: 2, name: null, other: 'b' },
      ],
    ],
    [
      'an object where a text was',
      '{"id":1,"a":"x"}',
      '{"id":2,"a":{"b":1}}',
      [
        { id: 1, a: 'x', a__b: null },
        { id: 2, a: null, a__b: 1 },
      ],
    ],
    [
      'a list where a text was',
      '{"id":1,"a":"x"}',
      '{"id":2,"a":["y"]}',
      [
        { id: 1, a: 'x' },
        { id: 2, a: '["y"]' },
      ],
    ],
  ])('%s: both rows are there, whole', async (_what, before, after, expected) => {
    expect(await shop.load(servePages([before]))).toMatchObject({ status: 'succeeded' });
    expect(await shop.load(servePages([after]))).toMatchObject({ status: 'succeeded', quarantined: 0 });
    const rows = (await shop.stored()).map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name.startsWith('name_') ? 'other' : name, value]),
      ),
    );
    expect(rows).toEqual(expected);
  });

  test('3,000 new fields at once are an error, and what was there stays', async () => {
    await shop.load(servePages(['{"id":1}']));
    const row = JSON.stringify({
      id: 2,
      ...Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`f${i}`, i])),
    });
    expect(await shop.load(servePages([row]))).toMatchObject({
      status: 'failed',
      error: { code: 'LIMIT_EXCEEDED' },
    });
    expect(await shop.stored()).toEqual([{ id: 1 }]);
  });
});

describe('keys', () => {
  test('that are null or missing put their row aside, by its place; of twins the last wins', async () => {
    const rows = [
      '{"id":1,"v":"a"}',
      '{"id":null,"v":"b"}',
      '{"v":"c"}',
      '{"id":1,"v":"d"}',
      '{"id":2,"v":"e"}',
    ];
    expect(
      await shop.load(servePages(rows, ['{"id":2,"v":"f"}', 'null', '7', '"text"', '[]'])),
    ).toMatchObject({
      inserted: 2,
      quarantined: 6,
      read: 10,
    });
    expect(await shop.stored()).toEqual([
      { id: 1, v: 'd' },
      { id: 2, v: 'f' },
    ]);
    const aside = await shop.database.sql(
      'SELECT row_index, reason FROM _plumbing_quarantine ORDER BY row_index',
    );
    expect(aside.map(({ row_index }) => row_index)).toEqual([1, 2, 6, 7, 8, 9]);
    expect(aside[0]?.['reason']).toBe('id: the key has no value');
  });
});
