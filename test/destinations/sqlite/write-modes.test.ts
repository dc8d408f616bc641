import { describe, expect, test } from 'vitest';
import type { TableDefinition, WriteMode } from '../../../src/model/index.ts';
import { append, entry, replace, scopedBy, tableOf, upsert, useDatabase } from './harness.ts';

const database = useDatabase();
const at = (hour: number, day = '2026-11-23') => ({ startedAt: `${day}T0${hour}:00:00.000000Z`, day });
const stamps = ['id', '_inserted_at_ts', '_inserted_at_day', '_plumbing_load_id'] as const;

describe('upsert', () => {
  const table = tableOf(
    ['id:int64', 'amount:decimal(15,2)', 'wide:decimal(30,2)', 'note', 'flag:boolean'],
    upsert,
    ['id'],
  );

  test('leaves equal rows untouched, and counts what it did', async () => {
    const first = [
      [1, '1.10', '1.10', 'a', true],
      [2, '12', '12', null, null],
      [3, null, null, null, false],
    ];
    expect(await database().load(table, first, at(1))).toEqual({
      inserted: 3,
      updated: 0,
      unchanged: 0,
      deleted: 0,
      quarantined: 0,
    });
    const before = await database().rows(stamps);
    const same = [
      [1, '1.1', '1.1', 'a', true],
      [2, '12.00', '12.00', undefined, null],
      [3, null, null, null, false],
    ];
    expect(await database().load(table, same, at(2))).toMatchObject({
      inserted: 0,
      updated: 0,
      unchanged: 3,
    });
    expect(await database().rows(stamps)).toEqual(before);
  });

  test.each([
    ['a number', [1, '1.11', '1.10', 'a', true]],
    ['a wide number', [1, '1.10', '1.11', 'a', true]],
    ['a text', [1, '1.10', '1.10', 'b', true]],
    ['a text that goes away', [1, '1.10', '1.10', null, true]],
    ['a flag', [1, '1.10', '1.10', 'a', false]],
    ['a field that is missing now', [1, '1.10', '1.10', 'a']],
  ])(
    'updates a row of which %s changed; it keeps its insertion time and gets the new load id',
    async (_what, changed) => {
      await database().load(table, [[1, '1.10', '1.10', 'a', true]], at(1));
      const load = await database().begin([table], { ...at(2, '2026-11-24'), loadId: 'second' });
      await load.write('t', [changed]);
      await load.finishTable('t', []);
      expect(load.counts('t')).toMatchObject({ inserted: 0, updated: 1, unchanged: 0 });
      expect(await database().rows(stamps)).toEqual([
        { id: 1, _inserted_at_ts: at(1).startedAt, _inserted_at_day: at(1).day, _plumbing_load_id: 'second' },
      ]);
    },
  );

  test("a row that breaks a user's own unique index is an error, not a row that was there already", async () => {
    await database().load(table, [[1, '1', '1', 'a', true]]);
    database().exec('CREATE UNIQUE INDEX mine ON t (note)');
    await expect(database().load(table, [[2, '1', '1', 'a', true]])).rejects.toMatchObject({
      code: 'DEST_FAILED',
    });
  });

  test('a table of nothing but its key works', async () => {
    const keys = tableOf(['a', 'b'], upsert, ['a', 'b']);
    await database().load(keys, [['x', 'y']]);
    expect(
      await database().load(keys, [
        ['x', 'y'],
        ['x', 'z'],
      ]),
    ).toMatchObject({ inserted: 1, unchanged: 1 });
  });

  test('a key beyond 2^53 is inserted, updated and followed by others', async () => {
    const big = 2n ** 63n - 1n;
    await database().load(
      table,
      [
        [big, '1', '1', 'a'],
        [1, '1', '1', 'a'],
      ],
      {},
      [entry(big)],
    );
    expect(await database().load(table, [[big, '1', '1', 'b']])).toMatchObject({ updated: 1 });
    expect(await database().rows(['id', 'note'], { orderBy: ['id'] })).toEqual([
      { id: 1, note: 'a' },
      { id: big, note: 'b' },
    ]);
  });

  test('of two rows with one key the last wins, over batches and checkpoints as well', async () => {
    const load = await database().begin([table]);
    await load.write('t', [[1, '1', '1', 'first', true]]);
    await load.write('t', [[1, '1', '1', 'second', true]]);
    await load.checkpoint([]);
    await load.write('t', [[1, '1', '1', 'third', true]]);
    await load.finishTable('t', []);
    expect(await database().rows(['id', 'note'])).toEqual([{ id: 1, note: 'third' }]);
    expect(load.counts('t')).toMatchObject({ inserted: 1, updated: 2 });
  });

  test('a key that holds the day keeps one row a day', async () => {
    const daily = tableOf(['id:int64', 'note'], upsert, ['id', '_inserted_at_day']);
    await database().load(daily, [[1, 'a']], at(1));
    expect(await database().load(daily, [[1, 'b']], at(2))).toMatchObject({ updated: 1 });
    expect(await database().load(daily, [[1, 'c']], at(1, '2026-11-24'))).toMatchObject({ inserted: 1 });
    expect(await database().rows(['note', '_inserted_at_day'], { orderBy: ['note'] })).toEqual([
      { note: 'b', _inserted_at_day: '2026-11-23' },
      { note: 'c', _inserted_at_day: '2026-11-24' },
    ]);
  });
});

describe('replace', () => {
  const table = tableOf(['id:int64', 'note'], replace, ['id']);

  test('without rows keeps the old ones', async () => {
    await database().load(table, [[1, 'a']]);
    expect(await database().load(table, [])).toMatchObject({ deleted: 0 });
    expect(await database().rows(['id'])).toEqual([{ id: 1 }]);
  });

  test('without rows empties the table where that is allowed', async () => {
    await database().load(table, [[1, 'a']]);
    const emptied = { ...table, write: { mode: 'replace', allowEmpty: true } as const };
    expect(await database().load(emptied, [])).toMatchObject({ deleted: 1, inserted: 0 });
    expect(await database().rows(['id'])).toEqual([]);
  });

  test('takes the last of two rows with one key, and counts what came and went', async () => {
    await database().load(table, [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
    expect(
      await database().load(table, [
        [7, 'x'],
        [8, 'y'],
        [7, 'z'],
      ]),
    ).toMatchObject({ deleted: 3, inserted: 2, updated: 1 });
    expect(await database().rows(['id', 'note'], { orderBy: ['id'] })).toEqual([
      { id: 7, note: 'z' },
      { id: 8, note: 'y' },
    ]);
  });

  test("keeps a user's index, trigger and view", async () => {
    await database().load(table, [[1, 'a']]);
    database().exec('CREATE INDEX by_note ON t (note); CREATE VIEW notes AS SELECT note FROM t');
    await database().load(table, [[2, 'b']]);
    expect(database().sql('SELECT note FROM notes')).toEqual([{ note: 'b' }]);
    expect(database().sql("SELECT name FROM sqlite_schema WHERE name = 'by_note'").length).toBe(1);
  });

  test('shows nothing of a stream that failed half-way', async () => {
    await database().load(table, [[1, 'a']], {}, [entry(1)]);
    const load = await database().begin([table]);
    await load.write('t', [[2, 'b']]);
    await load.checkpoint([entry(2)]);
    await load.discardTable('t');
    await load.publish();
    expect(await database().rows(['id'])).toEqual([{ id: 1 }]);
    expect(await database().state()).toEqual([entry(1)]);
  });
});

describe('delete-insert', () => {
  const balances = tableOf(['account', 'value:decimal(15,2)'], scopedBy('account', '_inserted_at_day'), [
    'account',
    '_inserted_at_day',
  ]);

  test('keeps one snapshot an account and day', async () => {
    await database().load(
      balances,
      [
        ['a', '1'],
        ['b', '2'],
      ],
      at(1),
    );
    expect(await database().load(balances, [['a', '3']], at(2))).toMatchObject({ deleted: 1, inserted: 1 });
    await database().load(balances, [['a', '4']], at(1, '2026-11-24'));
    const columns = ['account', 'value', '_inserted_at_day', '_inserted_at_ts'];
    expect(await database().rows(columns, { orderBy: ['_inserted_at_day', 'account'] })).toEqual([
      { account: 'a', value: '3.00', _inserted_at_day: '2026-11-23', _inserted_at_ts: at(2).startedAt },
      { account: 'b', value: '2.00', _inserted_at_day: '2026-11-23', _inserted_at_ts: at(1).startedAt },
      {
        account: 'a',
        value: '4.00',
        _inserted_at_day: '2026-11-24',
        _inserted_at_ts: at(1, '2026-11-24').startedAt,
      },
    ]);
  });

  test('clears each scope once a load, whatever the order of batches', async () => {
    const table = tableOf(['account', 'n:int64'], scopedBy('account'));
    await database().load(table, [
      ['a', 0],
      ['b', 0],
    ]);
    const load = await database().begin([table]);
    await load.write('t', [['a', 1]], [{ account: 'a' }]);
    await load.write('t', [
      ['b', 2],
      ['a', 3],
    ]);
    await load.write('t', [['b', 4]], [{ account: 'b' }, { account: 'a' }]);
    await load.finishTable('t', []);
    expect(load.counts('t')).toMatchObject({ deleted: 2, inserted: 4 });
    expect((await database().rows(['n'], { orderBy: ['n'] })).map(({ n }) => n)).toEqual([1, 2, 3, 4]);
  });

  test('does not confuse scopes whose texts run together', async () => {
    const table = tableOf(['a', 'b', 'n:int64'], scopedBy('a', 'b'));
    await database().load(table, [
      ['x', 'yz', 1],
      ['xy', 'z', 2],
      ['x', null, 3],
      ['x', 'null', 4],
    ]);
    const load = await database().begin([table]);
    await load.write(
      't',
      [],
      [
        { a: 'xy', b: 'z' },
        { a: 'x', b: null },
      ],
    );
    await load.finishTable('t', []);
    expect((await database().rows(['n'], { orderBy: ['n'] })).map(({ n }) => n)).toEqual([1, 4]);
  });

  test.each([{}, { account: 7 }])('refuses the scope %o, which does not fit its columns', async (scope) => {
    const load = await database().begin([balances]);
    await expect(load.write('t', [], [scope])).rejects.toMatchObject({ code: 'ROW_INVALID' });
  });
});

describe('scd2', () => {
  const scd2 = (closeAbsent: boolean): WriteMode => ({ mode: 'merge', strategy: 'scd2', closeAbsent });
  const table = (closeAbsent = true): TableDefinition =>
    tableOf(['id:int64', 'note'], scd2(closeAbsent), ['id']);
  const versions = async (): Promise<string[]> => {
    const rows = await database().rows(['id', 'note', '_valid_from_ts', '_valid_to_ts'], {
      orderBy: ['id', '_valid_from_ts'],
    });
    const short = (value: unknown): string =>
      typeof value === 'string' ? value.slice(11).replace(':00:00.000000Z', 'h') : '...';
    return rows.map(
      (row) =>
        `${row['id'] as number}${row['note'] as string} ${short(row['_valid_from_ts'])}-${short(row['_valid_to_ts'])}`,
    );
  };

  test('a re-run with equal rows changes nothing', async () => {
    await database().load(
      table(),
      [
        [1, 'a'],
        [2, 'b'],
      ],
      at(1),
    );
    const before = await database().rows();
    expect(
      await database().load(
        table(),
        [
          [2, 'b'],
          [1, 'a'],
        ],
        at(2),
      ),
    ).toMatchObject({ inserted: 0, updated: 0, unchanged: 2, deleted: 0 });
    expect(await database().rows()).toEqual(before);
  });

  test('closes keys that are absent only when it is told that the read is complete', async () => {
    await database().load(
      table(false),
      [
        [1, 'a'],
        [2, 'b'],
      ],
      at(1),
    );
    await database().load(table(false), [[2, 'B']], at(2));
    expect(await versions()).toEqual(['1a 01h-...', '2b 01h-02h', '2B 02h-...']);
    expect(await database().load(table(true), [[2, 'B']], at(3))).toMatchObject({ deleted: 1, unchanged: 1 });
    expect(await versions()).toEqual(['1a 01h-03h', '2b 01h-02h', '2B 02h-...']);
  });

  const emptying = () => ({
    ...table(),
    write: { mode: 'merge', strategy: 'scd2', closeAbsent: true, allowEmpty: true } as const,
  });

  test('a complete read without rows closes all where it may be empty', async () => {
    await database().load(table(), [[1, 'a']], at(1));
    await database().load(table(), [], at(2));
    expect(await versions()).toEqual(['1a 01h-...']);
    await database().load(emptying(), [], at(2));
    expect(await versions()).toEqual(['1a 01h-02h']);
  });

  test('a change at the very instant of the version before, or with a clock that went back, still leaves no overlap', async () => {
    await database().load(table(), [[1, 'a']], at(2));
    await database().load(table(), [[1, 'b']], at(2));
    await database().load(emptying(), [], at(1));
    await database().load(table(), [[1, 'b']], at(2));
    expect(await versions()).toEqual([
      '1a 02h-02:00:00.000001Z',
      '1b 02:00:00.000001Z-02:00:00.000002Z',
      '1b 02:00:00.000003Z-...',
    ]);
  });

  test('of two rows with one key in a load the last wins, in one version', async () => {
    await database().load(
      table(),
      [
        [1, 'a'],
        [1, 'b'],
      ],
      at(1),
    );
    expect(await versions()).toEqual(['1b 01h-...']);
    await database().load(
      table(),
      [
        [1, 'b'],
        [1, 'c'],
        [1, 'd'],
      ],
      at(2),
    );
    expect(await versions()).toEqual(['1b 01h-02h', '1d 02h-...']);
  });

  test('a table can not turn into one with versions, nor back', async () => {
    await database().load(table(), [[1, 'a']]);
    await expect(database().begin([{ ...table(), write: upsert }])).rejects.toMatchObject({
      code: 'SCHEMA_DRIFT',
    });
    const other = tableOf(['id:int64', 'note'], upsert, ['id'], 'u');
    await database().close();
    await database().load(other, [[1, 'a']]);
    await expect(database().begin([{ ...other, write: scd2(true) }])).rejects.toMatchObject({
      code: 'SCHEMA_DRIFT',
    });
  });
});

describe('many rows at once', () => {
  const count = 45_000;
  const rows = Array.from({ length: count }, (_, index) => [
    index,
    `note \0 ${index}`,
    2n ** 60n + BigInt(index),
  ]);

  test.each<[string, WriteMode, readonly string[]]>([
    ['append', append, []],
    ['upsert', upsert, ['id']],
    ['replace', replace, ['id']],
    ['delete-insert', scopedBy('_inserted_at_day'), ['id']],
  ])('%s: rows that do not fit in memory arrive whole and in order', async (_name, write, key) => {
    const table = tableOf(['id:int64', 'note', 'big:int64'], write, key);
    const counts = await database().load(table, rows);
    expect(counts).toMatchObject({ inserted: count });
    expect(
      database().sql(
        'SELECT count(*) AS n, min(id) AS a, max(id) AS z, sum(length(CAST(note AS BLOB))) AS bytes FROM t',
      ),
    ).toEqual([
      { n: count, a: 0, z: count - 1, bytes: rows.reduce((sum, row) => sum + String(row[1]).length, 0) },
    ]);
    expect(database().sql('SELECT CAST(big AS TEXT) AS big FROM t WHERE id = 44999')).toEqual([
      { big: String(2n ** 60n + 44_999n) },
    ]);
  });
});
