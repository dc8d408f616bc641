/** Taking back a load: everything is as it was before it, whatever it did. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { TableDefinition, WriteMode } from '../../../src/model/index.ts';
import { append, column, entry, replace, scopedBy, tableOf, upsert, useDatabase } from './harness.ts';
import { contentOf, keptOf, loadSteps, undo } from './undo-harness.ts';
import type { Step } from './undo-harness.ts';

const database = useDatabase();
beforeEach(() => {
  database().undoLoads = 3;
});

const columns = ['id:int64', 'part', 'amount:decimal(10,2)', 'data:binary', 'ratio:float64'];
const insertOnly: WriteMode = { mode: 'merge', strategy: 'insert-only' };
const versions: WriteMode = { mode: 'merge', strategy: 'scd2' };
const closing: WriteMode = { mode: 'merge', strategy: 'scd2', closeAbsent: true };
const emptying: WriteMode = { mode: 'replace', allowEmpty: true };
const bytes = new Uint8Array([0, 255]);
const first = [
  [1, 'a', '1.10', bytes, 1],
  [2, 'a', '2.20', null, 0.1],
  [3, 'b', null, bytes, 1e300],
  [4, 'nul \0 in it', '4.00', null, null],
];
const second: Step[] = [
  { rows: [[1, 'a', '1.11', null, 2]], checkpoint: [] },
  {
    rows: [
      [2, 'a', '2.20', null, 0.1],
      [3, 'c', '3.00', bytes, 3],
      [7, 'a', null, null, null],
    ],
    checkpoint: [],
  },
  {
    rows: [
      [1, 'a', '1.12', null, 2],
      [8, 'b', '8.00', null, null],
      [7, 'a', '7.00', null, null],
    ],
  },
];
const empty: Step[] = [{}];

const cases: [string, WriteMode, string[], Step[]][] = [
  ['append', append, [], second],
  ['replace', replace, ['id'], second.slice(2)],
  ['replace without a key', replace, [], second],
  ['replace by nothing', emptying, [], empty],
  ['upsert', upsert, ['id'], second],
  ['insert-only', insertOnly, ['id'], second],
  ['delete-insert', scopedBy('part'), ['id'], second],
  ['delete-insert without a key', scopedBy('part'), [], second],
  ['delete-insert of nothing', scopedBy('part'), [], [{ scopes: [{ part: 'a' }] }]],
  ['delete-insert by day', scopedBy('part', '_inserted_at_day'), [], second],
  ['scd2', versions, ['id'], second],
  ['scd2 that closes what is absent', closing, ['id'], second],
];

describe.each([false, true])('all columns of all rows are as they were (staged: %s)', (staged) => {
  test.each(cases)('after %s', async (_name, write, key, steps) => {
    const table = tableOf(columns, write, key);
    await loadSteps(database(), [[table, [{ rows: first }]]], { state: [entry(5)] });
    const before = contentOf(database());
    const loadId = await loadSteps(database(), [[table, steps]], { staged, state: [entry(9)] });
    const after = contentOf(database());
    if (write !== insertOnly) expect(after['t']).not.toEqual(before['t']);
    const report = await undo(database(), loadId);
    expect(contentOf(database())).toEqual(before);
    expect(report).toMatchObject({ loadId, pipeline: 'p', state: [entry(5)] });
    // What is read again gives what it gave.
    await loadSteps(database(), [[table, steps]], { staged, state: [entry(9)] });
    expect(withoutStamps(contentOf(database()))).toEqual(withoutStamps(after));
  });
});

function withoutStamps(content: Record<string, string[]>): Record<string, string[]> {
  const cut = (row: string): string =>
    row.replaceAll(/(_plumbing_load_id|load_id|updated_at|_valid_\w+)=(?!object:null)\S+/g, '$1');
  return Object.fromEntries(Object.entries(content).map(([name, rows]) => [name, rows.map(cut).toSorted()]));
}

test('the first load of all leaves empty tables, and no cursor', async () => {
  const tables = [tableOf(columns, upsert, ['id']), tableOf(['x'], replace, [], 'other')] as const;
  const loadId = await loadSteps(
    database(),
    [
      [tables[0], [{ rows: first, checkpoint: [entry(1), entry(2, 't', 'part')] }]],
      [tables[1], [{ rows: [['a'], ['b']] }]],
    ],
    { state: [entry(3)] },
  );
  const report = await undo(database(), loadId);
  expect(report.tables).toEqual([
    { table: 'other', removed: 2, restored: 0 },
    { table: 't', removed: 4, restored: 0 },
  ]);
  expect(report.state.map(({ partition, state }) => [partition, state])).toEqual([
    ['', {}],
    ['part', {}],
  ]);
  expect(contentOf(database())).toMatchObject({ t: [], other: [], _plumbing_state: [] });
});

test('several loads, one after the other from the latest, each to what was before it', async () => {
  const table = tableOf(columns, upsert, ['id']);
  const [contents, ids]: [unknown[], string[]] = [[], []];
  for (let i = 0; i < 3; i++) {
    if (i > 0) contents.push(contentOf(database()));
    ids.push(
      await loadSteps(database(), [[table, [{ rows: [[1, `${i}`, null, null, i]] }]]], { state: [entry(i)] }),
    );
  }
  await undo(database(), ids[2] as string);
  expect(contentOf(database())).toEqual(contents[1]);
  await undo(database(), ids[1] as string);
  expect(contentOf(database())).toEqual(contents[0]);
  await undo(database(), ids[0] as string);
  expect(contentOf(database())).toMatchObject({ t: [], _plumbing_state: [] });
  expect(keptOf(database())).toEqual({ loads: 0, images: 0 });
});

test('an earlier load, when later ones have touched neither its rows nor its cursors', async () => {
  const table = tableOf(columns, upsert, ['id']);
  const load = (id: number, partition: string): Promise<string> =>
    loadSteps(database(), [[table, [{ rows: [[id, partition, null, null, 1]] }]]], {
      state: [entry(id, 't', partition)],
    });
  await load(1, 'a');
  const loadId = await load(2, 'b');
  await load(3, 'c');
  await undo(database(), loadId);
  expect((await database().rows(['id'])).map(({ id }) => id)).toEqual([1, 3]);
  expect(await database().state()).toEqual([entry(1, 't', 'a'), entry(3, 't', 'c')]);
});

describe('a load that changed the columns', () => {
  const wider = [column('id', 'string'), column('amount', 'decimal(30,4)'), column('note', 'string')];
  const evolving: Step[] = [
    { rows: [[1, 'x', '9.99', null, 7]], checkpoint: [] },
    { evolve: wider.slice(2), rows: [[2, 'x', '9.99', null, 7, 'new']], checkpoint: [] },
    {
      evolve: wider.slice(0, 2),
      rows: [
        ['3', 'x', '1234567890123456.5', null, 7, 'new'],
        ['n', null, null, null, 1, 'x'],
      ],
    },
  ];

  test.each<[string, WriteMode, boolean]>([
    ['upsert', upsert, false],
    ['upsert, staged', upsert, true],
    ['replace', replace, false],
    ['delete-insert', scopedBy('part'), false],
    ['scd2', versions, false],
  ])('leaves them, empty or wider, with the values of before (%s)', async (_name, write, staged) => {
    const table = tableOf(columns, write, ['id']);
    await loadSteps(database(), [[table, [{ rows: first }]]]);
    const loadId = await loadSteps(database(), [[table, evolving]], { staged });
    await undo(database(), loadId);
    const taken = contentOf(database());
    database().exec('DELETE FROM _plumbing_schemas; DROP TABLE t; DELETE FROM _plumbing_state');
    // The same without the rows.
    await loadSteps(database(), [[table, [{ rows: first }]]]);
    await loadSteps(database(), [[table, [{ evolve: wider }]]]);
    const ids = /_plumbing_load_id=\S+/g;
    const plain = (rows: readonly string[] | undefined): unknown =>
      rows?.map((row) => row.replaceAll(ids, ''));
    expect(plain(taken['t'])).toEqual(plain(contentOf(database())['t']));
  });

  test('is taken back also after a later one has widened them once more', async () => {
    const table = tableOf(columns, upsert, ['id']);
    await loadSteps(database(), [[table, [{ rows: first }]]]);
    const loadId = await loadSteps(database(), [[table, [{ rows: [[1, 'x', '9.99', null, 7]] }]]]);
    await loadSteps(database(), [
      [table, [{ evolve: wider, rows: [['9', null, null, null, null, 'later']] }]],
    ]);
    await undo(database(), loadId);
    expect(await database().rows(['id', 'part', 'amount', 'note'], { orderBy: ['id'] })).toEqual([
      { id: '1', part: 'a', amount: '1.1000', note: null },
      { id: '2', part: 'a', amount: '2.2000', note: null },
      { id: '3', part: 'b', amount: null, note: null },
      { id: '4', part: 'nul \0 in it', amount: '4.0000', note: null },
      { id: '9', part: null, amount: null, note: 'later' },
    ]);
  });
});

test('rows that a replay took out of quarantine are there again, and those of the load stay', async () => {
  const table = tableOf(['id:int64', 'size'], upsert, ['id']);
  await loadSteps(database(), [[table, [{ quarantine: [{ id: 1 }, { id: 2 }] }]]]);
  const before = contentOf(database());
  const session = await database().session();
  const info = database().info([table]);
  const load = await session.begin(info);
  const [row] = await Array.fromAsync(session.reader.quarantined('t'));
  await load.write('t', [[1, 'large']]);
  await load.releaseQuarantine('t', [row?.id ?? 0]);
  await load.checkpoint([]);
  await load.finishTable('t', []);
  await load.publish();
  await session.close();
  expect(contentOf(database())['_plumbing_quarantine']).toHaveLength(1);
  await undo(database(), info.loadId);
  expect(contentOf(database())).toEqual(before);
  const odd = await loadSteps(database(), [[table, [{ rows: [[5, 'x']], quarantine: [{ id: 3 }] }]]]);
  const withOdd = contentOf(database())['_plumbing_quarantine'];
  await undo(database(), odd);
  expect(contentOf(database())['_plumbing_quarantine']).toEqual(withOdd);
});

test('what a load had committed before it was aborted', async () => {
  const table = tableOf(columns, upsert, ['id']);
  await loadSteps(database(), [[table, [{ rows: first }]]], { state: [entry(1)] });
  const before = contentOf(database());
  const loadId = await loadSteps(database(), [[table, second]], { end: 'abort', state: [entry(2)] });
  expect(contentOf(database())).not.toEqual(before);
  await undo(database(), loadId);
  expect(contentOf(database())).toEqual(before);
  const session = await database().session();
  const [latest] = (await session.reader.status()).loads;
  expect(latest).toMatchObject({ loadId, status: 'undone', error: 'on purpose' });
});

describe('what is kept', () => {
  const table: TableDefinition = tableOf(columns, upsert, ['id']);
  const load = (value: number, pipeline = 'p'): Promise<string> =>
    loadSteps(database(), [[table, [{ rows: [[1, 'a', null, null, value]] }]]], { pipeline });

  test('is nothing unless it is asked for', async () => {
    database().undoLoads = 0;
    await load(1);
    await load(2);
    expect(database().sql("SELECT name FROM sqlite_schema WHERE name LIKE '%undo%'")).toEqual([]);
  });

  test('is bounded by loads of each pipeline, and goes when it is no longer asked for', async () => {
    database().undoLoads = 2;
    for (let value = 0; value < 6; value++) await load(value);
    expect(keptOf(database())).toEqual({ loads: 2, images: 2 });
    for (let value = 0; value < 3; value++) await load(10 + value, 'q');
    expect(keptOf(database())).toEqual({ loads: 4, images: 4 });
    database().undoLoads = 0;
    await load(20, 'q');
    expect(keptOf(database())).toEqual({ loads: 2, images: 2 });
  });

  test('is not pushed out by a load that failed before it changed anything', async () => {
    database().undoLoads = 1;
    const loadId = await load(1);
    const session = await database().session();
    await (await session.begin(database().info([table]))).abort('no luck');
    await session.close();
    expect(await undo(database(), loadId)).toMatchObject({ tables: [{ removed: 1 }] });
  });

  test('is no table of anybody: neither readers nor analyses show it', async () => {
    await load(1);
    await load(2);
    const session = await database().session({ readOnly: true });
    expect(await session.reader.tables()).toEqual(['t']);
    expect((await session.reader.status()).tables.map((each) => each.table)).toEqual(['t']);
    const { openAnalytics } = await import('../../../src/analytics/index.ts');
    await using db = await openAnalytics({ attach: { bank: database().path } });
    expect((await db.tables()).map((each) => each.table)).toEqual(['t']);
  });
});
