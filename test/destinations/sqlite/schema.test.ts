import { describe, expect, test } from 'vitest';
import type { LogicalType, Value } from '../../../src/model/index.ts';
import { append, column, entry, replace, tableOf, upsert, useDatabase } from './harness.ts';

const database = useDatabase();
const ddl = (): string =>
  String(database().sql("SELECT sql FROM sqlite_schema WHERE name = 't'")[0]?.['sql']);

describe('a definition that SQLite can not hold is refused, and nothing is created', () => {
  test.each([
    ['a reserved table name', tableOf(['a'], append, [], '_PLUMBING_state'), 'SCHEMA_INVALID'],
    ["SQLite's own table name", tableOf(['a'], append, [], 'sqlite_stat1'), 'SCHEMA_INVALID'],
    ['an empty table name', tableOf(['a'], append, [], ''), 'SCHEMA_INVALID'],
    ['a table name with NUL', tableOf(['a'], append, [], 'a\0b'), 'SCHEMA_INVALID'],
    ['an empty column name', tableOf([column('')]), 'SCHEMA_INVALID'],
    ['a column name with NUL', tableOf([column('a\0b')]), 'SCHEMA_INVALID'],
    ['a column name with half a character', tableOf([column('a\ud800')]), 'SCHEMA_INVALID'],
    ['column names that differ by case', tableOf(['id', 'Id']), 'SCHEMA_INVALID'],
    ['a bookkeeping column', tableOf(['_Inserted_at_ts']), 'SCHEMA_INVALID'],
    ['a key that is no column', tableOf(['a'], upsert, ['b']), 'SCHEMA_INVALID'],
    ['a merge without a key', tableOf(['a'], upsert), 'SCHEMA_INVALID'],
    [
      'a scope that is no column',
      tableOf(['a'], { mode: 'merge', strategy: 'delete-insert', scope: ['b'] }),
      'SCHEMA_INVALID',
    ],
    [
      'an empty scope',
      tableOf(['a'], { mode: 'merge', strategy: 'delete-insert', scope: [] }),
      'SCHEMA_INVALID',
    ],
    [
      '1,998 columns and three of our own',
      tableOf(Array.from({ length: 1_998 }, (_, index) => `c${index}`)),
      'LIMIT_EXCEEDED',
    ],
  ])('%s', async (_what, table, code) => {
    await expect(database().begin([table])).rejects.toMatchObject({ code });
    expect(
      database().sql(
        "SELECT name FROM sqlite_schema WHERE name NOT LIKE '\\_plumbing\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
      ),
    ).toEqual([]);
  });

  test('two tables whose names differ by case', async () => {
    const tables = [tableOf(['a'], append, [], 'x'), tableOf(['a'], append, [], 'X')];
    await expect(database().begin(tables)).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
  });

  test('rows for a table that has no columns', async () => {
    const load = await database().begin([tableOf([])]);
    await expect(load.write('t', [[]])).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
  });

  test('a row with more cells than there are columns', async () => {
    const load = await database().begin([tableOf(['a'])]);
    await expect(load.write('t', [['1', '2']])).rejects.toMatchObject({ code: 'ROW_INVALID' });
  });
});

test('names are data, never SQL', async () => {
  const names = [
    'a"; DROP TABLE other;--',
    "it's",
    '`x`',
    '[y]',
    'select',
    'rowid',
    '_rowid_',
    'oid',
    '__proto__',
    'constructor',
    '?1',
    ':a',
    'ünïcödé 😀',
    'x'.repeat(10_000),
  ];
  const name = 'tab"le; DROP TABLE other;--';
  database().exec('CREATE TABLE other (x)');
  const table = tableOf(
    names.map((each) => column(each)),
    upsert,
    names.slice(0, 2),
    name,
  );
  const cells = names.map((_, index) => String(index));
  await database().load(table, [cells]);
  expect(await database().load(table, [[...cells.slice(0, -1), 'changed']])).toMatchObject({ updated: 1 });
  const [row] = await database().rows(
    names,
    { where: names.slice(0, -1).map((each, index) => ({ column: each, op: '=', value: String(index) })) },
    name,
  );
  expect(Object.entries(row ?? {})).toEqual(
    names.map((each, index) => [each, index === names.length - 1 ? 'changed' : String(index)]),
  );
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  expect(database().sql("SELECT name FROM sqlite_schema WHERE name = 'other'").length).toBe(1);
});

test('1,997 columns work, updates included', async () => {
  const table = tableOf(
    Array.from({ length: 1_997 }, (_, index) => `c${index}`),
    upsert,
    ['c0'],
  );
  const row = table.columns.map((_, index) => String(index));
  await database().load(table, [row]);
  expect(await database().load(table, [row])).toMatchObject({ unchanged: 1 });
  expect(await database().load(table, [[...row.slice(0, -1), 'x']])).toMatchObject({ updated: 1 });
});

describe('a column that widens', () => {
  test.each<[LogicalType, LogicalType, Value, Value]>([
    ['int64', 'decimal(10,2)', -7, '-7.00'],
    ['int64', 'decimal(38,2)', 2n ** 62n, '4611686018427387904.00'],
    ['int64', 'float64', 2 ** 53 - 1, 2 ** 53 - 1],
    ['int64', 'string', -(2n ** 63n), '-9223372036854775808'],
    ['boolean', 'string', true, 'true'],
    ['float64', 'string', 0.1, '0.1'],
    ['decimal(5,2)', 'string', '1.5', '1.50'],
    ['date', 'string', '2026-01-01', '2026-01-01'],
    ['string', 'json', 'a"\0b', 'a"\0b'],
    ['decimal(20,2)', 'json', '1.50', '1.50'],
    ['decimal(15,2)', 'decimal(16,2)', '1234567890123.45', '1234567890123.45'],
  ])('from %s to %s keeps its values', async (from, to, sent, read) => {
    const table = (type: LogicalType) => tableOf(['id:int64', column('v', type)], upsert, ['id']);
    await database().load(table(from), [
      [1, sent],
      [2, null],
    ]);
    await database().load(table(to), []);
    expect(await database().rows(['id', 'v'], { orderBy: ['id'] })).toEqual([
      { id: 1, v: read },
      { id: 2, v: null },
    ]);
    // Twice, as every later run declares the same.
    expect(await database().load(table(to), [[1, read]])).toMatchObject({ unchanged: 1 });
  });

  test.each<[LogicalType, LogicalType, Value]>([
    ['int64', 'float64', 2n ** 53n + 1n],
    ['int64', 'decimal(4,2)', 100],
    ['decimal(10,4)', 'decimal(12,2)', '1.0001'],
    ['date', 'timestamp', '2026-01-01'],
  ])('from %s to %s is refused when a stored value would not fit', async (from, to, value) => {
    await database().load(tableOf([column('v', from)]), [[value]]);
    const before = await database().rows();
    const failure = database().begin([tableOf([column('v', to)])]);
    await expect(failure).rejects.toMatchObject({
      code: 'SCHEMA_DRIFT',
      message: expect.stringContaining('"v"'),
    });
    expect(await database().rows()).toEqual(before);
  });

  test.each<[LogicalType, LogicalType]>([
    ['decimal(15,2)', 'decimal(10,2)'],
    ['float64', 'int64'],
    ['string', 'int64'],
    ['json', 'string'],
    ['binary', 'string'],
    ['string', 'binary'],
  ])('from %s to the narrower or foreign %s is refused, even without rows', async (from, to) => {
    await database().load(tableOf([column('v', from)]), []);
    await expect(database().begin([tableOf([column('v', to)])])).rejects.toMatchObject({
      code: 'SCHEMA_DRIFT',
    });
  });

  test('takes key, indexes, triggers and views along', async () => {
    const table = (type: LogicalType) => tableOf([column('id', type), 'note'], upsert, ['id']);
    await database().load(table('int64'), [[1, 'a']]);
    database().exec(`CREATE TABLE log (id); CREATE UNIQUE INDEX by_note ON t (note);
      CREATE TRIGGER logged AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); END;
      CREATE VIEW v AS SELECT id FROM t`);
    await database().load(table('decimal(21,2)'), [
      ['1', 'b'],
      ['2.50', 'c'],
    ]);
    expect(await database().rows(['id', 'note'], { orderBy: ['id'] })).toEqual([
      { id: '1.00', note: 'b' },
      { id: '2.50', note: 'c' },
    ]);
    expect(database().sql('SELECT id FROM log')).toEqual([{ id: '2.50' }]);
    expect(database().sql('SELECT count(*) AS n FROM v')).toEqual([{ n: 2 }]);
    expect(() => database().exec("UPDATE t SET note = 'same'")).toThrow(/UNIQUE/);
    expect(ddl()).toContain('PRIMARY KEY ("id")');
  });

  test('in the middle of a load converts the rows that wait, in memory and outside', async () => {
    for (const rows of [10, 5_000]) {
      const name = `t${rows}`;
      const load = await database().begin([tableOf(['n:int64', 'v:int64'], append, [], name)], {
        staged: true,
      });
      await load.write(
        name,
        Array.from({ length: rows }, (_, index) => [index, index]),
      );
      await load.evolve(name, [column('v', 'decimal(21,2)'), column('extra')]);
      await load.write(name, [[rows, '0.5', 'x']]);
      await load.finishTable(name, []);
      await load.publish();
      expect(await database().rows(['n', 'v', 'extra'], { orderBy: ['-n'], limit: 2 }, name)).toEqual([
        { n: rows, v: '0.50', extra: 'x' },
        { n: rows - 1, v: `${rows - 1}.00`, extra: null },
      ]);
      expect((await database().rows(['n'], {}, name)).length).toBe(rows + 1);
      await database().close();
    }
  });

  test('in the middle of a load is refused when a row that waits would not fit', async () => {
    const load = await database().begin([tableOf(['v:int64'])]);
    await load.write('t', [[2n ** 53n + 1n]]);
    await expect(load.evolve('t', [column('v', 'float64')])).rejects.toMatchObject({ code: 'SCHEMA_DRIFT' });
    await load.finishTable('t', []);
    expect(await database().rows(['v'])).toEqual([{ v: 2n ** 53n + 1n }]);
  });
});

describe('columns over runs', () => {
  test('a stored column that is no longer declared stays, and is empty for new rows', async () => {
    await database().load(
      tableOf(['id:int64', column('old', 'string', { nullable: false })], upsert, ['id']),
      [[1, 'x']],
    );
    await database().load(tableOf(['id:int64', 'new'], upsert, ['id']), [[2, undefined, 'y']]);
    expect(await database().rows(['id', 'old', 'new'], { orderBy: ['id'] })).toEqual([
      { id: 1, old: 'x', new: null },
      { id: 2, old: null, new: 'y' },
    ]);
  });

  test('a field keeps the name of its column, though another one would be made for it today', async () => {
    await database().load(
      tableOf(['id:int64', column('first_name', 'string', { path: ['Name'] })], upsert, ['id']),
      [[1, 'x']],
    );
    const renamed = tableOf(['id:int64', column('name', 'string', { path: ['Name'] })], upsert, ['id']);
    const load = await database().begin([renamed]);
    expect(load.table('t').columns.map(({ name }) => name)).toEqual(['id', 'first_name']);
  });

  test('a key follows its field to the name that is stored', async () => {
    await database().load(tableOf([column('ident', 'string', { path: ['ID'] }), 'v'], upsert, ['ident']), [
      ['a', '1'],
    ]);
    const renamed = tableOf([column('id', 'string', { path: ['ID'] }), 'v'], upsert, ['id']);
    expect(await database().load(renamed, [['a', '2']])).toMatchObject({ updated: 1 });
    expect(await database().rows(['ident', 'v'])).toEqual([{ ident: 'a', v: '2' }]);
  });

  test('a required column that is added later is required of new rows only', async () => {
    await database().load(tableOf(['id:int64'], upsert, ['id']), [[1]]);
    const table = tableOf(['id:int64', column('must', 'string', { nullable: false })], upsert, ['id']);
    await database().load(table, [[2, 'x']]);
    const load = await database().begin([table]);
    await expect(load.write('t', [[3]])).rejects.toMatchObject({ code: 'ROW_INVALID' });
    const reader = await database().session({ readOnly: true });
    expect((await reader.reader.columns('t'))?.map(({ name, nullable }) => [name, nullable])).toEqual([
      ['id', false],
      ['must', true],
      ['_inserted_at_ts', false],
      ['_inserted_at_day', false],
      ['_plumbing_load_id', false],
    ]);
  });

  test.each(['discarded', 'aborted', 'killed by a fault'])(
    'a load that is %s leaves no new column and no wider type',
    async (end) => {
      await database().load(tableOf(['id:int64', 'v:int64'], upsert, ['id']), [[1, 1]]);
      const before = [ddl(), await database().rows()];
      const load = await database().begin([tableOf(['id:int64', 'v:decimal(21,2)', 'more'], upsert, ['id'])]);
      await load.evolve('t', [column('even_more')]);
      await load.write('t', [[2, '1.5', 'x', 'y']]);
      if (end === 'discarded') {
        await load.discardTable('t');
        await load.publish();
      } else if (end === 'aborted') {
        await load.abort('a test');
      } else {
        database().exec(
          "CREATE TRIGGER fault BEFORE INSERT ON _plumbing_state BEGIN SELECT RAISE(ABORT, 'fault'); END",
        );
        await expect(load.finishTable('t', [entry(1)])).rejects.toMatchObject({ code: 'DEST_FAILED' });
      }
      expect([ddl(), await database().rows()]).toEqual(before);
    },
  );

  test('a stream without a schema starts with no columns, and its table appears with the first rows', async () => {
    const open = tableOf([], upsert, ['id']);
    await database().load(open, []);
    const load = await database().begin([open]);
    await load.evolve('t', [column('id', 'int64'), column('v')]);
    await expect(load.write('t', [[null, 'x']])).rejects.toMatchObject({ code: 'ROW_INVALID' });
    await load.write('t', [[1, 'x']]);
    await load.finishTable('t', []);
    await load.publish();
    expect(await database().load(open, [[1, 'x']])).toMatchObject({ unchanged: 1 });
    expect(ddl()).toContain('PRIMARY KEY ("id")');
  });
});

describe('a key that changes', () => {
  test('is taken on when the stored rows allow it', async () => {
    await database().load(tableOf(['a', 'b']), [
      ['1', 'x'],
      ['2', 'x'],
    ]);
    const keyed = tableOf(['a', 'b'], upsert, ['a']);
    expect(await database().load(keyed, [['2', 'y']])).toMatchObject({ updated: 1 });
    expect(ddl()).toContain('PRIMARY KEY ("a")');
  });

  test.each([
    ['share it', 'b'],
    ['lack it', 'c'],
    ['never had it', 'd'],
  ])('is refused when stored rows %s', async (_why, key) => {
    await database().load(tableOf(['a', 'b', 'c']), [
      ['1', 'x', 'q'],
      ['2', 'x', null],
    ]);
    const keyed = tableOf(['a', 'b', 'c', 'd'], upsert, [key]);
    await expect(database().begin([keyed])).rejects.toMatchObject({ code: 'SCHEMA_DRIFT' });
  });

  test('of a table that is only added to is not enforced', async () => {
    const table = tableOf(['id:int64'], append, ['id']);
    await database().load(table, [[1], [1]]);
    expect(await database().rows(['id'])).toEqual([{ id: 1 }, { id: 1 }]);
  });

  test('from replace to upsert needs no rebuild', async () => {
    await database().load(tableOf(['id:int64', 'v'], replace, ['id']), [[1, 'a']]);
    expect(await database().load(tableOf(['id:int64', 'v'], upsert, ['id']), [[1, 'b']])).toMatchObject({
      updated: 1,
    });
  });
});
