import { describe, expect, test } from 'vitest';
import {
  createSqliteReader,
  getMaxDate,
  loadSqliteConfig,
  readRows,
} from '../../../src/destinations/sqlite/index.ts';
import type { Condition, RowQuery } from '../../../src/model/index.ts';
import { append, tableOf, upsert, useDatabase } from './harness.ts';

const database = useDatabase();
const table = tableOf(
  ['id:int64', 'day:date', 'amount:decimal(15,2)', 'wide:decimal(38,2)', 'flag:boolean', 'data:json', 'note'],
  upsert,
  ['id'],
);
const rows = [
  [1, '2026-01-01', '9.50', '-99999999999999999999.00', true, { a: 1 }, 'x'],
  [2, '2026-01-02', '10.00', '-1.00', false, [2n ** 60n], "o'clock"],
  [3, '2026-01-03', '-3.00', '9.00', null, null, null],
  [4, '2026-01-04', '100.00', '10.00', true, 'text', '10%'],
];
const ids = async (query: RowQuery): Promise<unknown[]> =>
  (await database().rows(['id'], query)).map(({ id }) => id);

describe('a query', () => {
  test.each<[string, Condition, number[]]>([
    ['a number', { column: 'id', op: '>', value: 2 }, [3, 4]],
    ['a bigint', { column: 'id', op: '<=', value: 2n }, [1, 2]],
    ['a date', { column: 'day', op: '>=', value: '2026-01-03' }, [3, 4]],
    ['a decimal, as a number', { column: 'amount', op: '<', value: '9.6' }, [1, 3]],
    ['a wide decimal, as a number', { column: 'wide', op: '<', value: '9.5' }, [1, 2, 3]],
    ['a wide decimal that is equal', { column: 'wide', op: '=', value: '9' }, [3]],
    ['a negative wide decimal', { column: 'wide', op: '>', value: '-2' }, [2, 3, 4]],
    ['a flag', { column: 'flag', op: '=', value: true }, [1, 4]],
    ['a text with a quote', { column: 'note', op: '=', value: "o'clock" }, [2]],
    ['SQL in a text', { column: 'note', op: '=', value: "' OR 1=1 --" }, []],
    ['not equal, which leaves out what is empty', { column: 'note', op: '!=', value: 'x' }, [2, 4]],
    ['empty', { column: 'note', op: 'is null' }, [3]],
    ['not empty', { column: 'flag', op: 'is not null' }, [1, 2, 4]],
    ['a bookkeeping column', { column: '_inserted_at_day', op: '=', value: '2026-11-23' }, [1, 2, 3, 4]],
  ])('finds rows by %s', async (_what, condition, found) => {
    await database().load(table, rows);
    expect(await ids({ where: [condition], orderBy: ['id'] })).toEqual(found);
  });

  test('joins its conditions by AND, orders, and limits', async () => {
    await database().load(table, rows);
    const where: Condition[] = [
      { column: 'id', op: '>', value: 1 },
      { column: 'day', op: '<', value: '2026-01-04' },
    ];
    expect(await ids({ where, orderBy: ['-amount'] })).toEqual([2, 3]);
    expect(await ids({ orderBy: ['-wide'] })).toEqual([4, 3, 2, 1]);
    expect(await ids({ orderBy: ['flag', '-id'], limit: 3 })).toEqual([3, 2, 4]);
    expect(await ids({ limit: 0 })).toEqual([]);
  });

  test('gives exact values, bookkeeping columns last', async () => {
    await database().load(table, rows, { loadId: 'l' });
    const [row] = await database().rows(undefined, { where: [{ column: 'id', op: '=', value: 2 }] });
    expect(Object.entries(row ?? {})).toEqual([
      ['id', 2],
      ['day', '2026-01-02'],
      ['amount', '10.00'],
      ['wide', '-1.00'],
      ['flag', false],
      ['data', [2n ** 60n]],
      ['note', "o'clock"],
      ['_inserted_at_ts', '2026-11-23T07:00:00.000000Z'],
      ['_inserted_at_day', '2026-11-23'],
      ['_plumbing_load_id', 'l'],
    ]);
  });

  test.each<[string, RowQuery]>([
    ['selects an unknown column', { columns: ['nope'] }],
    ['selects nothing', { columns: [] }],
    ['selects an expression', { columns: ['count(*)'] }],
    ['orders by an unknown column', { orderBy: ['id; DROP TABLE t'] }],
    ['asks for an unknown column', { where: [{ column: 'x', op: '=', value: 1 }] }],
    ['has an operator of its own', { where: [{ column: 'id', op: 'OR 1=1 --' as '=', value: 1 }] }],
    ['compares with nothing', { where: [{ column: 'id', op: '=', value: null }] }],
    ['has a limit that is no number', { limit: Number.NaN }],
  ])('that %s is refused', async (_what, query) => {
    await database().load(table, rows);
    await expect(database().rows(undefined, query)).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
  });

  test('whose value does not fit its column is refused, without the value', async () => {
    await database().load(table, rows);
    const where: Condition[] = [{ column: 'amount', op: '=', value: 'secret' }];
    await expect(database().rows(undefined, { where })).rejects.toMatchObject({
      code: 'ROW_INVALID',
      message: expect.not.stringContaining('secret'),
    });
  });

  test('on an unknown table is refused', async () => {
    await database().load(table, rows);
    for (const name of ['u', 'T', '_plumbing_state']) {
      await expect(database().rows(undefined, {}, name)).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
    }
  });
});

test('a stream of rows is one snapshot, whatever is committed meanwhile', async () => {
  await database().load(table, rows);
  const reader = createSqliteReader(database().path);
  const seen: unknown[] = [];
  for await (const { id } of reader.readRows('t', { orderBy: ['id'] })) {
    if (seen.length === 0) {
      await database().load(table, [[5, '2026-01-05']]);
      database().exec('ALTER TABLE t ADD COLUMN more');
    }
    seen.push(id);
  }
  expect(seen).toEqual([1, 2, 3, 4]);
  expect(await ids({ orderBy: ['id'] })).toEqual([1, 2, 3, 4, 5]);
});

test('a stream of rows that is left early holds nothing open', async () => {
  await database().load(table, rows);
  for await (const _row of readRows(database().path, 't')) break;
  const reader = createSqliteReader(database().path);
  const rest = reader.readRows('t')[Symbol.asyncIterator]();
  await rest.next();
  await reader.close();
  database().exec('PRAGMA journal_mode = DELETE');
  expect(database().sql('PRAGMA journal_mode')).toEqual([{ journal_mode: 'delete' }]);
});

test('columns and tables are told with their logical types', async () => {
  await database().load(table, rows);
  const reader = createSqliteReader(database().path);
  expect(await reader.tables()).toEqual(['t']);
  expect((await reader.columns('t'))?.slice(0, 4).map(({ name, type }) => `${name} ${type}`)).toEqual([
    'id int64',
    'day date',
    'amount decimal(15,2)',
    'wide decimal(38,2)',
  ]);
  expect(await reader.columns('u')).toBeUndefined();
});

describe('the largest value', () => {
  test('is exact and of its type', async () => {
    await database().load(table, [...rows, [2n ** 62n]]);
    const reader = createSqliteReader(database().path);
    expect(await reader.getMax('t', 'id')).toBe(2n ** 62n);
    expect(await reader.getMax('t', 'amount')).toBe('100.00');
    expect(await reader.getMax('t', 'wide')).toBe('10.00');
    expect(await reader.getMax('t', 'flag')).toBe(true);
    await expect(reader.getMax('t', 'nope')).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
  });

  test('of an empty table or column is null', async () => {
    await database().load(tableOf(['day:date', 'wide:decimal(38,2)'], append), []);
    const reader = createSqliteReader(database().path);
    expect([await reader.getMax('t', 'day'), await reader.getMax('t', 'wide')]).toEqual([null, null]);
  });

  test('getMaxDate gives the latest date of the rows that meet the conditions', async () => {
    expect(await getMaxDate(database().path, 't', 'day')).toBeNull();
    await database().load(table, rows);
    expect(await getMaxDate(database().path, 'not_yet', 'day')).toBeNull();
    expect(await getMaxDate({ path: database().path }, 't', 'day')).toBe('2026-01-04');
    expect(await getMaxDate(database().path, 't', 'day', [{ column: 'flag', op: '=', value: false }])).toBe(
      '2026-01-02',
    );
    expect(await getMaxDate(database().path, 't', 'day', [{ column: 'id', op: '>', value: 99 }])).toBeNull();
    await expect(getMaxDate(database().path, 't', 'id')).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
  });
});

describe('configuration', () => {
  test('comes from SQLITE_DB_PATH', () => {
    expect(loadSqliteConfig({ SQLITE_DB_PATH: ' data/bank.db ' })).toEqual({ path: 'data/bank.db' });
    const env = { SQLITE_DB_PATH: 'bank.db', SQLITE_UNDO_LOADS: ' 7 ' };
    expect(loadSqliteConfig(env)).toEqual({ path: 'bank.db', undoLoads: 7 });
    expect(loadSqliteConfig(env, 'other.db')).toEqual({ path: 'other.db', undoLoads: 7 });
    expect(loadSqliteConfig({ ...env, SQLITE_UNDO_LOADS: '' })).toEqual({ path: 'bank.db' });
  });

  test.each(['-1', '1.5', 'all', '1e3'])('names SQLITE_UNDO_LOADS when it is no number: %s', (undoLoads) => {
    expect(() => loadSqliteConfig({ SQLITE_DB_PATH: 'bank.db', SQLITE_UNDO_LOADS: undoLoads })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('SQLITE_UNDO_LOADS'),
      }),
    );
  });

  test.each([{}, { SQLITE_DB_PATH: '' }, { SQLITE_DB_PATH: '  ' }])('that is missing is named: %o', (env) => {
    expect(() => loadSqliteConfig(env)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('SQLITE_DB_PATH') }),
    );
  });
});
