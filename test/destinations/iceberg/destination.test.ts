/** What the conformance suite does not ask of every store: branches, columns under checks, time travel, odd catalogs. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { maintainIceberg, readRows } from '../../../src/destinations/iceberg/index.ts';
import type { MaintenanceOptions } from '../../../src/destinations/iceberg/index.ts';
import { IcebergSession } from '../../../src/destinations/iceberg/session.ts';
import { orphanFiles } from '../../../src/iceberg/orphan-files.ts';
import { rowCount } from '../../../src/model/index.ts';
import type { Check, Load, Row, RowObject, TableDefinition } from '../../../src/model/index.ts';
import { createLoadId } from '../../../src/model/load-id.ts';
import { Warehouse, tableOf } from './harness.ts';

const table = tableOf({ note: 'string' });

async function staged(
  warehouse: Warehouse,
  definition: TableDefinition,
  work: (load: Load) => Promise<void>,
  checks: readonly Check[],
): Promise<{ readonly loadId: string; readonly staged: readonly string[]; readonly load: Load }> {
  const session = new IcebergSession(await warehouse.house(), false);
  const loadId = createLoadId(new Date());
  try {
    const load = await session.begin({
      loadId,
      pipeline: 'test',
      startedAt: '2026-11-23T08:00:00.000000Z',
      day: '2026-11-23',
      staged: true,
      signal: new AbortController().signal,
      tables: [definition],
    });
    await work(load);
    await load.finishTable(definition.name, []);
    const results = await load.audit(checks);
    if (results.every(({ passed }) => passed)) {
      await load.publish();
      return { loadId, staged: [], load };
    }
    const end = await load.abort('checks failed', { keepStaged: true });
    return { loadId, staged: end.staged, load };
  } finally {
    await session.close();
  }
}

async function refsOf(warehouse: Warehouse): Promise<string[]> {
  const house = await warehouse.house();
  const refs = Object.keys((await house.load('t'))?.metadata.refs ?? {});
  await house.catalog.close();
  return refs;
}

async function collect(rows: AsyncIterable<RowObject>): Promise<RowObject[]> {
  const all: RowObject[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

const any = rowCount('t', {});

test('columns that come with a checked load are there after it, also when no row changes', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [[1, 'a']]);
  const extra = { name: 'extra', type: 'int64', nullable: true, path: ['extra'] } as const;
  await staged(
    warehouse,
    table,
    async (load) => {
      await load.evolve('t', [extra]);
      await load.write('t', [[1, 'a']]);
    },
    [any],
  );
  expect(await warehouse.rows()).toEqual([{ id: 1, note: 'a', extra: null }]);
  await warehouse.load(tableOf({ note: 'string', extra: 'int64' }), [[2, 'b', 7]]);
  expect(await warehouse.rows()).toEqual([
    { id: 1, note: 'a', extra: null },
    { id: 2, note: 'b', extra: 7 },
  ]);
});

test('a table without columns yet gets them from a checked load', async () => {
  using warehouse = new Warehouse();
  const open: TableDefinition = { name: 't', columns: [], primaryKey: [], write: { mode: 'append' } };
  await staged(
    warehouse,
    open,
    async (load) => {
      await load.evolve('t', table.columns);
      await load.write('t', [[1, 'a']]);
    },
    [rowCount('t', { min: 1, max: 1 })],
  );
  expect(await warehouse.rows()).toEqual([{ id: 1, note: 'a' }]);
});

test('the cursor of a stream without rows is kept, and gives way to the one of its table', async () => {
  using warehouse = new Warehouse();
  const state = async (): Promise<unknown[]> => {
    const house = await warehouse.house();
    const session = new IcebergSession(house, true);
    const entries = (await session.readState('test')).entries().map((entry) => entry.state.cursor);
    await house.catalog.close();
    return entries;
  };
  const cursor = (value: number) => [{ stream: 'T', partition: '', state: { cursor: value } }];
  const bare: TableDefinition = { name: 'T', columns: [], primaryKey: [], write: { mode: 'append' } };
  await warehouse.load(bare, [], { state: cursor(1) });
  expect(await state()).toEqual([1]);
  await warehouse.load({ ...table, name: 'T' }, [[1, 'a']], { state: cursor(2) });
  expect(await state()).toEqual([2]);
});

test('cursors beyond 2^53 go on', async () => {
  using warehouse = new Warehouse();
  for (const cursor of [2n ** 60n, 2n ** 60n + 1n]) {
    await warehouse.load(table, [[1, 'a']], { state: [{ stream: 't', partition: '', state: { cursor } }] });
  }
  const session = new IcebergSession(await warehouse.house(), false);
  expect((await session.readState('test')).get('t').cursor).toBe(2n ** 60n + 1n);
  await session.close();
});

test('a checked load may change a type: the rows are written anew on the branch, and nobody sees them before', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(tableOf({ amount: 'int64' }), [[1, 5]]);
  const wider = tableOf({ amount: 'decimal(21,2)' });
  const failing = await staged(warehouse, wider, async (load) => load.write('t', [[2, '0.50']]), [
    rowCount('t', { max: 1 }),
  ]);
  expect(failing.staged).toHaveLength(1);
  expect(await warehouse.rows()).toEqual([{ id: 1, amount: 5 }]);
  await staged(warehouse, wider, async (load) => load.write('t', [[2, '0.50']]), [rowCount('t', { min: 2 })]);
  expect(await warehouse.rows()).toEqual([
    { id: 1, amount: '5.00' },
    { id: 2, amount: '0.50' },
  ]);
  const house = await warehouse.house();
  const metadata = (await house.load('t'))?.metadata;
  expect(metadata?.['current-schema-id']).toBe(metadata?.snapshots.at(-1)?.['schema-id']);
  await house.catalog.close();
});

test('replace together with a change of type leaves only the new rows', async () => {
  using warehouse = new Warehouse();
  const before = { ...tableOf({ amount: 'int64' }, { mode: 'replace' }), primaryKey: ['id'] };
  await warehouse.load(before, [
    [1, 5],
    [2, 6],
  ]);
  const after = { ...tableOf({ amount: 'decimal(21,2)' }, { mode: 'replace' }), primaryKey: ['id'] };
  const load = await warehouse.load(after, [
    [2, '0.50'],
    [3, '1'],
  ]);
  expect(await warehouse.rows()).toEqual([
    { id: 2, amount: '0.50' },
    { id: 3, amount: '1.00' },
  ]);
  expect(load.counts('t')).toMatchObject({ inserted: 2, deleted: 2 });
});

test('rows of a failed check stay on a branch until the next load of the pipeline', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [[1, 'a']]);
  const { loadId, staged: names } = await staged(
    warehouse,
    table,
    async (load) => load.write('t', [[2, 'b']]),
    [rowCount('t', { max: 1 })],
  );
  expect(names).toEqual([`t@audit_${loadId}`]);
  expect(await warehouse.rows()).toEqual([{ id: 1, note: 'a' }]);
  const columns = ['id'];
  const onBranch = await collect(
    readRows(warehouse.options, 't', { ref: `audit_${loadId}`, columns, orderBy: columns }),
  );
  expect(onBranch).toEqual([{ id: 1 }, { id: 2 }]);
  await warehouse.load(table, [[3, 'c']]);
  expect(await refsOf(warehouse)).toEqual(['main']);
});

test('another commit between checks and publication: staged and checked again on top of it', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [[1, 'a']]);
  let checked = 0;
  const counting: Check = {
    name: 'counting',
    table: 't',
    async verify(query) {
      checked++;
      if (checked === 1) await warehouse.load(table, [[9, 'from elsewhere']], { pipeline: 'other' });
      const [row] = await query('SELECT count(*) AS n FROM t');
      return Number(row?.['n']) >= 2 || 'too few';
    },
  };
  const { load } = await staged(
    warehouse,
    table,
    async (given) =>
      given.write('t', [
        [2, 'b'],
        [1, 'A'],
      ]),
    [counting],
  );
  expect(checked).toBe(2);
  expect(await warehouse.rows()).toEqual([
    { id: 1, note: 'A' },
    { id: 2, note: 'b' },
    { id: 9, note: 'from elsewhere' },
  ]);
  expect(load.counts('t')).toMatchObject({ inserted: 1, updated: 1 });
  expect(await refsOf(warehouse)).toEqual(['main']);
});

test('checks that no longer hold on top of another commit: nothing is published', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [[1, 'a']]);
  let isFirst = true;
  const check: Check = {
    name: 'two rows',
    table: 't',
    async verify(query) {
      if (isFirst) await warehouse.load(table, [[9, 'x']], { pipeline: 'other' });
      const [row] = await query('SELECT count(*) AS n FROM t');
      const holds = isFirst || Number(row?.['n']) === 2;
      isFirst = false;
      return holds || 'not two';
    },
  };
  await expect(
    staged(warehouse, table, async (load) => load.write('t', [[2, 'b']]), [check]),
  ).rejects.toMatchObject({
    code: 'CHECK_FAILED',
  });
  expect((await warehouse.rows()).map(({ id }) => id)).toEqual([1, 9]);
});

test('a table is read as it was, by snapshot and by time', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [[1, 'a']]);
  const between = new Date();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await warehouse.load(table, [
    [1, 'A'],
    [2, 'b'],
  ]);
  const house = await warehouse.house();
  const first = (await house.load('t'))?.metadata.snapshots[0]?.['snapshot-id'] ?? 0n;
  await house.catalog.close();
  const columns = ['id', 'note'];
  const was = [{ id: 1, note: 'a' }];
  expect(await collect(readRows(warehouse.options, 't', { columns, snapshotId: first }))).toEqual(was);
  expect(await collect(readRows(warehouse.options, 't', { columns, asOf: between }))).toEqual(was);
  expect(
    await collect(
      readRows(warehouse.options, 't', { columns, where: [{ column: 'id', op: '>', value: 1 }] }),
    ),
  ).toEqual([{ id: 2, note: 'b' }]);
  for (const query of [{ snapshotId: 5n }, { asOf: '2000-01-01T00:00:00Z' }, { ref: 'nowhere' }]) {
    await expect(collect(readRows(warehouse.options, 't', query))).rejects.toMatchObject({
      code: 'SCHEMA_INVALID',
    });
  }
});

test('files that can hold no row of a condition are not read', async () => {
  using warehouse = new Warehouse({ partitionBy: { t: [{ column: 'note' }] } });
  const append = tableOf({ note: 'string', n: 'int64' }, { mode: 'append' });
  const rows: Row[] = [
    [1, 'north', 10],
    [2, 'south', 20],
  ];
  await warehouse.load(append, rows);
  await warehouse.load(append, [[100, 'north', 500]]);
  const files = warehouse.files(/\/t\/data\//);
  expect(files).toHaveLength(3);
  const kept = await collect(readRows(warehouse.options, 't', { columns: ['id', 'note'], orderBy: ['id'] }));
  expect(kept).toHaveLength(3);
  // Whatever is needed is still there; what is not needed is gone.
  const house = await warehouse.house();
  const loaded = await house.load('t');
  const lists = await house.manifests.list(loaded?.metadata.snapshots.at(-1));
  const entries = (
    await Promise.all(lists.map((list) => house.manifests.entries(list, loaded!.metadata)))
  ).flat();
  await house.catalog.close();
  const south =
    entries.find(({ file }) => file.partition[0] === 'south')?.file.location.replace('file://', '') ?? '';
  rmSync(south);
  const where = (column: string, op: '=' | '>' | '<', value: string | number) =>
    [{ column, op, value }] as const;
  const ids = async (conditions: ReturnType<typeof where>): Promise<unknown[]> =>
    (
      await collect(readRows(warehouse.options, 't', { columns: ['id'], where: conditions, orderBy: ['id'] }))
    ).map(({ id }) => id);
  expect(await ids(where('note', '=', 'north'))).toEqual([1, 100]);
  expect(await ids(where('n', '>', 20))).toEqual([100]);
  expect(await ids(where('id', '<', 2))).toEqual([1]);
  await expect(ids(where('n', '>', 10))).rejects.toMatchObject({ code: 'DEST_CORRUPT' });
});

test('the catalog is private, and one of an older layout is brought up to date', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [[1, 'a']]);
  const file = `${warehouse.options.warehouse}/catalog.db`;
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const db = new DatabaseSync(file);
  db.exec('ALTER TABLE iceberg_tables DROP COLUMN iceberg_type');
  expect(await collect(readRows(warehouse.options, 't', { columns: ['id'] }))).toEqual([{ id: 1 }]);
  await warehouse.load(table, [[2, 'b']]);
  expect(
    db.prepare("SELECT 1 FROM pragma_table_info('iceberg_tables') WHERE name = 'iceberg_type'").get(),
  ).toBeDefined();
  db.close();
  expect(await warehouse.rows()).toHaveLength(2);
});

test('a table of another program is not written to', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [[1, 'a']]);
  const house = await warehouse.house();
  const base = await house.load('t');
  const change = { action: 'remove-properties', removals: ['plumbing.definition'] } as const;
  if (!base) throw new Error('no table');
  await house.catalog.commit([{ identifier: base.identifier, base, requirements: [], updates: [change] }]);
  await house.catalog.close();
  await expect(warehouse.load(table, [[2, 'b']])).rejects.toMatchObject({ code: 'DEST_FOREIGN' });
  const maintained = (options?: MaintenanceOptions) =>
    maintainIceberg(warehouse.options, options).then((done) => done.map((one) => one.table));
  expect(await maintained()).toEqual(['_plumbing_loads']);
  expect(await maintained({ tables: ['t'] })).toEqual(['t']);
});

test('rows of larger files are deleted by files of their own; the few that are left are written anew', async () => {
  using warehouse = new Warehouse({ rewriteBelowBytes: 0 });
  const rows = (from: number, to: number, note: string): Row[] =>
    Array.from({ length: to - from }, (_, i) => [from + i, note]);
  await warehouse.load(table, rows(0, 20, 'old'));
  const deletes = (): number => warehouse.files(/-deletes\.parquet$/).length;
  await warehouse.load(table, rows(0, 2, 'new'));
  await warehouse.load(table, rows(2, 4, 'new'));
  expect(deletes()).toBe(2);
  expect((await warehouse.rows()).map(({ note }) => note)).toEqual([
    ...Array(4).fill('new'),
    ...Array(16).fill('old'),
  ]);
  await warehouse.load(table, rows(4, 15, 'new'));
  // 15 of 20 are gone: the file goes, and with it the deletes that name it.
  expect(deletes()).toBe(2);
  expect((await warehouse.rows()).map(({ note }) => note)).toEqual([
    ...Array(15).fill('new'),
    ...Array(5).fill('old'),
  ]);
});

test('a file that is cut off or gone is an error that names it, never fewer rows', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [
    [1, 'a'],
    [2, 'b'],
  ]);
  for (const path of warehouse.files(/\/t\/(data\/.*|metadata\/(snap-)?[^/]*\.avro)$/)) {
    const whole = readFileSync(path);
    // Where the header of an Avro file ends, what is left looks like a whole file without records.
    const header = path.endsWith('.avro') ? [whole.indexOf(whole.subarray(-16)) + 16] : [];
    for (const length of [0, 4, ...header, whole.length - 20, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(warehouse.rows(), `${path} cut to ${length} of ${whole.length}`).rejects.toMatchObject({
        code: 'DEST_CORRUPT',
        message: expect.stringContaining(basename(path)),
      });
    }
    rmSync(path);
    await expect(warehouse.rows()).rejects.toMatchObject({ code: 'DEST_CORRUPT' });
    writeFileSync(path, whole);
  }
  expect(await warehouse.rows()).toHaveLength(2);
});

test('files that Spark has named in its own way are no leftovers', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [[1, 'a']]);
  const house = await warehouse.house();
  const loaded = await house.load('t');
  if (!loaded) throw new Error('no table');
  const spark = {
    ...loaded,
    metadataLocation: loaded.metadataLocation.replace('file:///', 'file:/'),
    metadata: {
      ...loaded.metadata,
      snapshots: loaded.metadata.snapshots.map((snapshot) => ({
        ...snapshot,
        'manifest-list': snapshot['manifest-list'].replace('file:///', 'file:/'),
      })),
    },
  };
  const kept = loaded.metadata['metadata-log'].length;
  expect(kept).toBeGreaterThan(0);
  expect(await orphanFiles(house.io, house.manifests, spark, Date.now() + 60_000)).toEqual([]);
  await house.catalog.close();
});

test('an abort drops the branch, and the next load goes on as if nothing had been', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [[1, 'a']]);
  const session = new IcebergSession(await warehouse.house(), false);
  const load = await session.begin({
    loadId: createLoadId(new Date()),
    pipeline: 'test',
    startedAt: '2026-11-23T08:00:00.000000Z',
    day: '2026-11-23',
    staged: true,
    signal: new AbortController().signal,
    tables: [table],
  });
  await load.write('t', [[2, 'b']]);
  await load.finishTable('t', []);
  await load.audit([any]);
  await load.abort('the run was interrupted');
  await session.close();
  expect(await refsOf(warehouse)).toEqual(['main']);
  expect(await warehouse.rows()).toEqual([{ id: 1, note: 'a' }]);
});
