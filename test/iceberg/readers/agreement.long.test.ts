/** Whatever was done to a table, PyIceberg and DuckDB's extension read what this library reads. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { iceberg, maintainIceberg } from '../../../src/destinations/iceberg/index.ts';
import { date, decimal, defineSource, defineStream, int64, run, timestamp } from '../../../src/index.ts';
import type { Row } from '../../../src/model/index.ts';
import { jsonLines } from '../../../src/sources/json-lines/index.ts';
import { Warehouse, tableOf, upsert } from '../../destinations/iceberg/harness.ts';
import { catalogOf, expectAgreement } from './agree.ts';
import { Readers } from './readers.ts';
import { everyType, everyValue } from './type-matrix.ts';

let readers: Readers;
beforeAll(async () => {
  readers = await Readers.start();
}, 240_000);
afterAll(() => readers.close());

test('every type, its limits and NULL', async () => {
  using warehouse = new Warehouse();
  const rows = everyValue();
  await warehouse.load(tableOf(everyType), rows);
  const read = await expectAgreement(readers, warehouse);
  expect(read).toHaveLength(rows.length);
});

test('what DuckDB has written from files of JSON lines', async () => {
  using warehouse = new Warehouse();
  const path = join(warehouse.folder, 'rows.jsonl');
  const values = {
    flag: [true, false],
    whole: [0, -1, 999_999_999_999_999],
    real: [0.1, -1.5, 1e-7, -1.25e-20],
    d9: ['0.00', '-9999999.99', '9999999.99'],
    d18: ['99999999999999.9999', '-0.0001'],
    day: ['1000-01-01', '9999-12-31', '1969-12-31', '2024-02-29'],
    moment: ['1000-01-02T00:00:00.000001Z', '9998-12-31T23:59:59.999999+05:30', '1969-12-31T23:59:59Z'],
    text: ['', 'ß€𝄞👩‍👩‍👧', 'x'.repeat(100_000), "it's \\", 'a\nb"', '\u{10ffff}'.repeat(20), '\\x41', '\u007f'],
  };
  const names = Object.keys(values);
  const row = (change: object): object => ({
    ...Object.fromEntries(names.map((name) => [name, null])),
    ...change,
  });
  let id = 0;
  const rows = Object.entries(values).flatMap(([name, cells]) =>
    (cells as unknown[]).map((cell) => ({ id: id++, ...row({ [name]: cell }) })),
  );
  const schema = z.object({
    id: int64(),
    flag: z.boolean().nullable(),
    whole: int64().nullable(),
    real: z.number().nullable(),
    d9: decimal(9, 2).nullable(),
    d18: decimal(18, 4).nullable(),
    day: date().nullable(),
    moment: timestamp().nullable(),
    text: z.string().nullable(),
  });
  const stream = defineStream({
    name: 't',
    schema,
    primaryKey: ['id'],
    write: 'upsert',
    read: () => jsonLines(path),
  });
  const load = async (lines: readonly object[]): Promise<void> => {
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const report = await run({
      source: defineSource({ name: 'files', streams: [stream] }),
      destination: iceberg(warehouse.options),
    });
    expect(report).toMatchObject({ status: 'succeeded', streams: [{ batches: 1, quarantined: 0 }] });
  };
  await load(rows);
  expect(await expectAgreement(readers, warehouse)).toHaveLength(rows.length);
  // Enough of them that some rows are deleted by a file of positions, and some files written anew.
  await load(Array.from({ length: 60_000 }, (_, i) => ({ id: i, ...row({ text: `text ${i * 7919}` }) })));
  await load(Array.from({ length: 100 }, (_, i) => ({ id: i * 500, ...row({ whole: i }) })));
  await expectAgreement(readers, warehouse);
  // Enough of them that DuckDB names the rows, those that are named already among them.
  await load(Array.from({ length: 2_000 }, (_, i) => ({ id: i * 20 + 1, ...row({ whole: i }) })));
  await expectAgreement(readers, warehouse);
  await load(Array.from({ length: 40_000 }, (_, i) => ({ id: i, ...row({ real: i / 7 }) })));
  expect(await expectAgreement(readers, warehouse)).toHaveLength(60_000);
});

for (const rewriteBelowBytes of [0, 8 * 1024 * 1024]) {
  const how = rewriteBelowBytes === 0 ? 'delete files' : 'copy on write';
  test(`append, upsert, delete, evolution and compaction, by ${how}`, async () => {
    using warehouse = new Warehouse({ rewriteBelowBytes });
    const first = tableOf({ note: 'string', amount: 'decimal(10,2)' });
    const numbered = (from: number, to: number, note: string): Row[] =>
      Array.from({ length: to - from }, (_, i) => [from + i, `${note} ${from + i}`, `${i}.50`]);
    await warehouse.load(first, numbered(0, 100, 'old'));
    await expectAgreement(readers, warehouse);
    await warehouse.load(first, numbered(50, 120, 'new'));
    await warehouse.load(first, numbered(60, 70, 'newer'));
    expect(await expectAgreement(readers, warehouse)).toHaveLength(120);
    const wider = tableOf({ note: 'string', amount: 'decimal(18,2)', extra: 'int64' });
    await warehouse.load(wider, [
      [1, 'x', '1234567890123456.78', 7],
      [500, 'y', null, null],
    ]);
    await expectAgreement(readers, warehouse);
    const rebuilt = tableOf({ note: 'string', amount: 'decimal(20,4)', extra: 'decimal(21,2)' });
    await warehouse.load(rebuilt, [[2, 'z', '0.0001', '1.25']]);
    await expectAgreement(readers, warehouse);
    const scoped = tableOf(
      { note: 'string', amount: 'decimal(20,4)', extra: 'decimal(21,2)' },
      { mode: 'merge', strategy: 'delete-insert', scope: ['note'] },
    );
    await warehouse.load(scoped, [[9_000, 'x', '1.0', null]]);
    expect(await expectAgreement(readers, warehouse)).toHaveLength(121);
    await maintainIceberg(warehouse.options, { expireOlderThanDays: 0, retainLast: 1 });
    expect(await expectAgreement(readers, warehouse)).toHaveLength(121);
    await warehouse.load(rebuilt, [[3, 'after', null, null]]);
    await expectAgreement(readers, warehouse);
  });
}

test('partitions by every transform; a key may move from one to another', async () => {
  using warehouse = new Warehouse({
    rewriteBelowBytes: 0,
    partitionBy: {
      t: [
        { column: 'region' },
        { column: 'moment', transform: 'month' },
        { column: 'id', transform: 'bucket[4]' },
        { column: 'day', transform: 'year' },
        { column: 'amount', transform: 'truncate[100]' },
      ],
      hours: [
        { column: 'moment', transform: 'hour' },
        { column: 'note', transform: 'truncate[2]' },
        { column: 'day', transform: 'day' },
      ],
    },
  });
  const columns = {
    region: 'string',
    moment: 'timestamp',
    day: 'date',
    amount: 'decimal(9,2)',
    note: 'string',
  } as const;
  const row = (id: number, region: string | null, day: number): Row => [
    id,
    region,
    `2026-0${day}-01T0${day}:00:00Z`,
    `19${60 + day}-01-01`,
    `-${id}.25`,
    region === null ? null : `${region}𝄞x`,
  ];
  for (const name of ['t', 'hours']) {
    const table = tableOf(columns, upsert, name);
    await warehouse.load(
      table,
      Array.from({ length: 30 }, (_, i) => row(i, i % 5 === 0 ? null : `r/${i % 3} ü`, (i % 9) + 1)),
    );
    await warehouse.load(table, [row(1, 'moved', 4), row(5, null, 5), row(99, 'new', 9)]);
    expect(await expectAgreement(readers, warehouse, name)).toHaveLength(31);
  }
  const plan = await readers.call('pyiceberg_plan', {
    catalog: catalogOf(warehouse),
    table: 'default.t',
    filter: "region = 'moved'",
  });
  expect(plan['files']).toHaveLength(1);
});

test('odd names of columns and tables', async () => {
  using warehouse = new Warehouse();
  const names = ['select', 'a"; DROP', "o'clock", 'a.b', 'ünï𝄞', 'a b', 'x'.repeat(1_000), '1st'];
  const table = tableOf(
    Object.fromEntries(names.map((name) => [name, 'string' as const])),
    upsert,
    'odd "name"; --',
  );
  await warehouse.load(table, [
    [1, ...names],
    [2, ...names.map(() => null)],
  ]);
  await warehouse.load(table, [[2, ...names]]);
  expect(await expectAgreement(readers, warehouse, table.name)).toHaveLength(2);
});

describe('PyIceberg writes, and this library goes on', () => {
  test('append, upsert, delete and evolution', async () => {
    using warehouse = new Warehouse();
    const table = tableOf({ note: 'string', amount: 'decimal(10,2)' });
    await warehouse.load(table, [
      [1, 'a', '1.00'],
      [2, 'b', '2.00'],
      [3, 'c', '3.00'],
    ]);
    const place = { catalog: catalogOf(warehouse), table: 'default.t' };
    const theirs = (id: number, note: string): Record<string, string> => ({
      id: String(id),
      note,
      amount: '9.99',
      _inserted_at_ts: '2026-11-23T07:00:00Z',
      _inserted_at_day: '2026-11-23',
      _plumbing_load_id: 'by hand',
    });
    await readers.call('pyiceberg_append', { ...place, rows: [theirs(10, 'theirs')] });
    await expectAgreement(readers, warehouse);
    await warehouse.load(table, [
      [10, 'ours', '5.00'],
      [1, 'A', '1.00'],
    ]);
    await expectAgreement(readers, warehouse);
    await readers.call('pyiceberg_delete', { ...place, filter: 'id = 2' });
    await readers.call('pyiceberg_upsert', {
      ...place,
      rows: [theirs(3, 'upserted'), theirs(11, 'new')],
      keys: ['id'],
    });
    await warehouse.load(table, [
      [3, 'again', '0.01'],
      [12, 'ours', null],
    ]);
    expect(await warehouse.rows()).toEqual([
      { id: 1, note: 'A', amount: '1.00' },
      { id: 3, note: 'again', amount: '0.01' },
      { id: 10, note: 'ours', amount: '5.00' },
      { id: 11, note: 'new', amount: '9.99' },
      { id: 12, note: 'ours', amount: null },
    ]);
    await expectAgreement(readers, warehouse);
    await readers.call('pyiceberg_evolve', {
      ...place,
      changes: [
        ['add', 'theirs', 'long'],
        ['widen', 'amount', 'decimal(18, 2)'],
      ],
    });
    await warehouse.load(tableOf({ note: 'string', amount: 'decimal(18,2)' }), [
      [1, 'after', '1234567890123456.78'],
    ]);
    expect(await expectAgreement(readers, warehouse)).toHaveLength(5);
  });
});
