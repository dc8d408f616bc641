/** Iceberg tables beside SQLite files: the same values, whole commits, columns by id, deleted rows left out. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openAnalytics } from '../../src/analytics/index.ts';
import type { AnalyticsOptions } from '../../src/analytics/index.ts';
import { iceberg, maintainIceberg } from '../../src/destinations/iceberg/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import type { LoadedTable, TableCommit } from '../../src/iceberg/catalog.ts';
import type { DataFile } from '../../src/iceberg/data-file.ts';
import { pathOf } from '../../src/iceberg/local-io.ts';
import { schemaOf, snapshotOf } from '../../src/iceberg/metadata.ts';
import { ParquetFileWriter } from '../../src/iceberg/parquet-writer.ts';
import { pathField, positionField } from '../../src/iceberg/position-deletes.ts';
import { planScan } from '../../src/iceberg/scan.ts';
import { produceSnapshot } from '../../src/iceberg/snapshot-producer.ts';
import type { Destination, LogicalType, Row, TableDefinition, Value } from '../../src/model/index.ts';
import { createLoadId } from '../../src/model/load-id.ts';
import { Warehouse, tableOf } from '../destinations/iceberg/harness.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-lake-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const place = (house: Warehouse): string => `iceberg:${house.options.warehouse}`;

async function ask(attach: AnalyticsOptions['attach'], sql: string): Promise<Record<string, unknown>[]> {
  await using db = await openAnalytics({ attach });
  return await db.query(sql).all();
}

async function opened(house: Warehouse, name: string) {
  const lakehouse = await house.house();
  const { catalog, io, manifests } = lakehouse;
  return { catalog, io, manifests, identifier: lakehouse.identifier(name) };
}

/** What another program would do to a table. */
async function commit(house: Warehouse, name: string, updates: TableCommit['updates']): Promise<void> {
  const { catalog, identifier } = await opened(house, name);
  const base = await catalog.loadTable(identifier);
  const { outcome } = await catalog.commit([{ identifier, base, requirements: [], updates }]);
  expect(outcome).toBe('committed');
  await catalog.close();
}

/** Loads the same rows into each table, in one commit. */
async function load(
  destination: Destination,
  tables: readonly TableDefinition[],
  rows: readonly Row[],
): Promise<void> {
  const session = await destination.open();
  const one = await session.begin({
    loadId: createLoadId(new Date()),
    pipeline: 'test',
    startedAt: '2026-11-23T07:00:00.000000Z',
    day: '2026-11-23',
    staged: true,
    signal: new AbortController().signal,
    tables,
  });
  for (const { name } of tables) {
    await one.write(name, rows);
    await one.finishTable(name, []);
  }
  await one.publish();
  await session.close();
}

const matrix: Readonly<Record<string, readonly [LogicalType, readonly Value[]]>> = {
  flag: ['boolean', [true, false]],
  whole: ['int64', [0, -1, 2n ** 63n - 1n, -(2n ** 63n)]],
  real: ['float64', [0.1, -1.5, 1.7976931348623157e308]],
  d9: ['decimal(9,2)', ['0.00', '-9999999.99']],
  d38: ['decimal(38,9)', ['99999999999999999999999999999.999999999', '-0.000000001']],
  day: ['date', ['0001-01-01', '9999-12-31', '2024-02-29']],
  clock: ['time', ['00:00:00', '23:59:59.999999']],
  moment: ['timestamp', ['0001-01-01T00:00:00.000000Z', '9999-12-31T23:59:59.999999Z']],
  text: ['string', ['', 'ß€𝄞', "it's"]],
  bytes: ['binary', [new Uint8Array(), Uint8Array.of(0, 255)]],
  id7: ['uuid', ['0190e6c0-0000-7000-8000-000000000000']],
  doc: ['json', [{ a: [1, { b: null }] }, [], 'text', 1.5]],
};

test('every type comes as it does from a SQLite file, and as DuckDB type as well', async () => {
  const names = Object.keys(matrix);
  const table = tableOf(Object.fromEntries(Object.entries(matrix).map(([name, [type]]) => [name, type])));
  let id = 0;
  const rows: Row[] = [[id++]];
  for (const [index, [, values]] of Object.values(matrix).entries()) {
    for (const value of values) rows.push([id++, ...names.map((_, i) => (i === index ? value : null))]);
  }
  using house = new Warehouse();
  const file = join(folder, 'file.db');
  await house.load(table, rows);
  await load(sqlite(file), [table], rows);
  await using db = await openAnalytics({ attach: { lake: place(house), file } });
  const read = (alias: string) =>
    db.query(`SELECT * EXCLUDE (_plumbing_load_id) FROM ${alias}.t ORDER BY id`).all();
  expect(await read('lake')).toEqual(await read('file'));
  const types = (alias: string) =>
    db
      .query(`SELECT ${names.map((name) => `typeof(${name}) AS ${name}`).join(', ')} FROM ${alias}.t LIMIT 1`)
      .all();
  expect(await types('lake')).toEqual(await types('file'));
  const [own, theirs] = ['lake', 'file'].map(
    async (alias) => (await db.tables()).find((found) => found.alias === alias)?.columns,
  );
  expect(await own).toEqual(await theirs);
  expect(await db.query('SELECT count(*) AS n FROM lake.t JOIN file.t USING (id)').all()).toEqual([
    { n: rows.length },
  ]);
});

test('upserts with delete files, new columns, wider types, partitions, compaction', async () => {
  using house = new Warehouse({
    rewriteBelowBytes: 0,
    partitionBy: { t: [{ column: 'id', transform: 'bucket[3]' }] },
  });
  const first = tableOf({ note: 'string', amount: 'decimal(10,2)' });
  await house.load(
    first,
    Array.from({ length: 50 }, (_, i) => [i, 'old', '1.50']),
  );
  await using db = await openAnalytics({ attach: { lake: place(house) } });
  const ask = () =>
    db
      .query(
        'SELECT count(*) AS n, count(DISTINCT id) AS ids, sum(amount) AS total, max(note) AS note FROM lake.t',
      )
      .all();
  expect(await ask()).toEqual([{ n: 50, ids: 50, total: '75.00', note: 'old' }]);
  await house.load(
    first,
    Array.from({ length: 10 }, (_, i) => [i, 'zz new', '2.00']),
  );
  expect(await ask()).toEqual([{ n: 50, ids: 50, total: '80.00', note: 'zz new' }]);
  await house.load(tableOf({ note: 'string', amount: 'decimal(18,2)', extra: 'int64' }), [
    [1, 'x', '1234567890123456.00', 7],
  ]);
  expect(await ask()).toMatchObject([{ n: 50, total: '1234567890123534.00' }]);
  expect(
    await db.query('SELECT extra, count(*) AS n FROM lake.t GROUP BY extra ORDER BY extra').all(),
  ).toEqual([
    { extra: 7, n: 1 },
    { extra: null, n: 49 },
  ]);
  await house.load(tableOf({ note: 'string', amount: 'decimal(20,4)', extra: 'decimal(21,2)' }), [
    [2, 'x', '0.0001', '1.25'],
  ]);
  expect(await db.query('SELECT extra FROM lake.t WHERE id IN (1, 2, 3) ORDER BY id').all()).toEqual([
    { extra: '7.00' },
    { extra: '1.25' },
    { extra: null },
  ]);
  await maintainIceberg(house.options, { expireOlderThanDays: 0, retainLast: 1 });
  expect(await ask()).toMatchObject([{ n: 50, ids: 50 }]);
});

const byLocation = (a: DataFile, b: DataFile): number => (a.location < b.location ? -1 : 1);

describe('states of a table', () => {
  const numbers = (from: number, to: number, value: string): Row[] =>
    Array.from({ length: to - from }, (_, i) => [from + i, value]);

  test('rows that position deletes name are gone, in several files and rounds', async () => {
    using house = new Warehouse({ rewriteBelowBytes: 0 });
    const table = tableOf({ v: 'string' });
    for (const from of [0, 100, 200]) await house.load(table, numbers(from, from + 100, 'old'));
    await house.load(table, numbers(50, 120, 'new'));
    await house.load(table, [
      [60, 'newer'],
      [299, 'newer'],
    ]);
    expect(house.files(/deletes?.*\.parquet$/).length).toBeGreaterThan(0);
    const rows = await ask({ lake: place(house) }, 'SELECT id, v FROM lake.t ORDER BY id');
    expect(rows).toEqual(await house.rows());
    const counts = await ask(
      { lake: place(house) },
      'SELECT v, count(*) AS n, sum(id) AS ids FROM lake.t GROUP BY v ORDER BY v',
    );
    expect(counts).toEqual([
      { v: 'new', n: 69, ids: 5_855 },
      { v: 'newer', n: 2, ids: 359 },
      { v: 'old', n: 229, ids: 38_636 },
    ]);
  });

  test('a delete file that is for some data files only', async () => {
    using house = new Warehouse({ rewriteBelowBytes: 0 });
    for (const from of [0, 10, 20]) await house.load(tableOf({ v: 'string' }), numbers(from, from + 10, 'x'));
    const { io, manifests, catalog, identifier } = await opened(house, 't');
    const base = (await catalog.loadTable(identifier)) as LoadedTable;
    const files = await planScan(manifests, base.metadata, snapshotOf(base.metadata));
    const [first, second, third] = files.map(({ entry }) => entry.file).toSorted(byLocation) as [
      DataFile,
      DataFile,
      DataFile,
    ];
    const writer = new ParquetFileWriter([pathField, positionField]);
    writer.writeGroup([
      [first.location, third.location],
      [4n, 7n],
    ]);
    const { bytes, recordCount, statistics } = writer.finish();
    const location = `${base.metadata.location}/data/shared-deletes.parquet`;
    await io.write(location, bytes);
    const shared: DataFile = {
      ...second,
      content: 'position-deletes',
      location,
      recordCount,
      fileSizeBytes: BigInt(bytes.byteLength),
      statistics: {
        ...statistics,
        lowerBounds: new Map([[pathField.id, Buffer.from(first.location)]]),
        upperBounds: new Map([[pathField.id, Buffer.from(third.location)]]),
      },
    };
    const { snapshot } = await produceSnapshot(io, manifests, base.metadata, 'main', {
      added: [shared],
      removed: [],
    });
    await catalog.close();
    await commit(house, 't', [
      { action: 'add-snapshot', snapshot },
      {
        action: 'set-snapshot-ref',
        'ref-name': 'main',
        type: 'branch',
        'snapshot-id': snapshot['snapshot-id'],
      },
    ]);
    const rows = await ask({ lake: place(house) }, 'SELECT id, v FROM lake.t ORDER BY id');
    expect(rows).toHaveLength(28);
    expect(rows).toEqual(await house.rows());
  });

  test('files that Spark has written, as it spells their places', async () => {
    using house = new Warehouse({ rewriteBelowBytes: 0 });
    const table = tableOf({ v: 'string' });
    await house.load(table, numbers(0, 50, 'own'));
    const location = `file:${join(house.folder, 'wh', 'default', 't')}`;
    await commit(house, 't', [{ action: 'set-location', location }]);
    await house.load(table, numbers(50, 100, 'theirs'));
    await house.load(table, [
      [0, 'new'],
      [50, 'new'],
    ]);
    const sql = 'SELECT v, count(*) AS n FROM lake.t GROUP BY v ORDER BY v';
    expect(await ask({ lake: place(house) }, sql)).toEqual([
      { v: 'new', n: 2 },
      { v: 'own', n: 49 },
      { v: 'theirs', n: 49 },
    ]);
  });

  test('partitioned and empty tables', async () => {
    using house = new Warehouse({
      rewriteBelowBytes: 0,
      // Columns go by ids within a scan, and this one's name looks like that of `id`.
      partitionBy: { t: [{ column: 'f1', transform: 'identity' }] },
    });
    await house.load(tableOf({ f1: 'string' }), [...numbers(0, 5, `a'b/c`), ...numbers(5, 10, 'b')]);
    await house.load(tableOf({ f1: 'string' }), [...numbers(3, 4, 'b'), ...numbers(5, 7, 'c')]);
    await house.load(tableOf({ j: 'json', d: 'decimal(9,2)' }, undefined, 'nothing'), []);
    const attach = { lake: place(house) };
    expect(await ask(attach, 'SELECT id, f1 FROM lake.t ORDER BY id')).toEqual(await house.rows());
    expect(await ask(attach, 'SELECT count(*) AS n FROM lake.nothing')).toEqual([{ n: 0 }]);
    const types = await ask(attach, 'DESCRIBE lake.nothing');
    expect(types.slice(0, 3).map((column) => column['column_type'])).toEqual([
      'BIGINT',
      'JSON',
      'DECIMAL(9,2)',
    ]);
  });

  test('a query during loads sees whole commits', async () => {
    using house = new Warehouse({ rewriteBelowBytes: 0 });
    const table = tableOf({ v: 'string' });
    await house.load(table, numbers(0, 50, '0'));
    const db = await openAnalytics({ attach: { lake: place(house) } });
    try {
      const loading = new AbortController();
      const loads = (async () => {
        for (let i = 1; i <= 25; i++) await house.load(table, numbers(0, 50 + i, String(i)));
        loading.abort();
      })();
      const seen: number[] = [];
      while (!loading.signal.aborted) {
        const [row] = await db
          .query('SELECT count(*) AS n, count(DISTINCT v) AS values, min(v) AS v FROM lake.t')
          .all();
        expect(row).toEqual({ n: 50 + Number(row?.['v']), values: 1, v: row?.['v'] });
        seen.push(Number(row?.['v']));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await loads;
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect(new Set(seen).size).toBeGreaterThan(3);
    } finally {
      await db.close();
    }
  });

  test('a query sees all tables as one commit left them', async () => {
    using house = new Warehouse();
    const tables = ['a', 'b'].map((name) => tableOf({ v: 'int64' }, undefined, name));
    using catalog = new DatabaseSync(':memory:');
    await load(iceberg(house.options), tables, [[1, 1]]);
    catalog.exec(
      `ATTACH '${house.options.warehouse}/catalog.db' AS live; CREATE TABLE first AS SELECT * FROM live.iceberg_tables`,
    );
    await load(iceberg(house.options), tables, [[1, 2]]);
    const show = (state: string): void =>
      catalog.exec(
        `UPDATE live.iceberg_tables SET metadata_location = s.metadata_location FROM ${state} AS s WHERE s.table_name = iceberg_tables.table_name`,
      );
    catalog.exec('CREATE TABLE second AS SELECT * FROM live.iceberg_tables');
    show('first');
    const { metadata_location: location } =
      catalog.prepare("SELECT * FROM first WHERE table_name = 'a'").get() ?? {};
    const path = pathOf(String(location));
    const metadata = readFileSync(path);
    // The query stands still while it reads the first table, and meanwhile the next commit comes.
    rmSync(path);
    execFileSync('mkfifo', [path]);
    const sql = 'SELECT lake.a.v AS a, lake.b.v AS b FROM lake.a JOIN lake.b USING (id)';
    await using db = await openAnalytics({ attach: { lake: place(house) } });
    const rows = db.query(sql).all();
    const pipe = await open(path, 'w');
    show('second');
    await pipe.writeFile(metadata);
    await pipe.close();
    expect(await rows).toEqual([{ a: 1, b: 1 }]);
    expect(await db.query(sql).all()).toEqual([{ a: 2, b: 2 }]);
  });
});

describe('what stands in the way', () => {
  test('names with quotes and signs of patterns', async () => {
    const strange = `a'b"c [1]*?{x,y} %20 $1 ; --`;
    mkdirSync(join(folder, strange));
    using house = new Warehouse({ rewriteBelowBytes: 0, warehouse: join(folder, strange, `w'h`) });
    const table = tableOf(
      { filename: 'int64', file_row_number: 'int64', [`c'"l`]: 'string' },
      undefined,
      `t'"b`,
    );
    await house.load(table, [
      [1, 2, 3, 'x'],
      [2, 4, 6, 'z'],
    ]);
    await house.load(table, [[1, 2, 3, 'y']]);
    const attach = { [`l'"k`]: place(house) };
    const rows = await ask(
      attach,
      `SELECT id, filename, file_row_number, "c'""l" AS c FROM "l'""k"."t'""b" ORDER BY id`,
    );
    expect(rows).toEqual([
      { id: 1, filename: 2, file_row_number: 3, c: 'y' },
      { id: 2, filename: 4, file_row_number: 6, c: 'z' },
    ]);
  });

  test('a folder that is not there, or in S3', async () => {
    await expect(
      openAnalytics({ attach: { lake: `iceberg:${join(folder, 'none')}` } }),
    ).rejects.toMatchObject({
      code: 'DEST_FAILED',
    });
    expect(readdirSync(folder)).toEqual([]);
    for (const text of ['iceberg:s3://bucket/lake', 'iceberg:']) {
      await expect(openAnalytics({ attach: { lake: text } })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
      });
    }
  });

  test('a table that can not be read fails the queries that name it, and no others, until it is mended', async () => {
    using house = new Warehouse();
    for (const name of ['t', 'broken', 'lost', 'gone'])
      await house.load(tableOf({ v: 'string' }, undefined, name), [[1, 'x']]);
    const lost = house.files(/broken\/metadata\/.*avro$|gone\/metadata\/.*json$|lost\/data\//);
    for (const file of lost) renameSync(file, `${file}.away`);
    await using db = await openAnalytics({ attach: { lake: place(house) } });
    const failure = async (table: string, list: string): Promise<unknown> =>
      db
        .query(`SELECT ${list} FROM lake.${table}`)
        .all()
        .catch((error: unknown) => error);
    expect(await db.query('SELECT v FROM lake.t').all()).toEqual([{ v: 'x' }]);
    for (const list of ['count(*)', 'v']) {
      expect(await failure('broken', list)).toMatchObject({ code: 'DEST_CORRUPT' });
      expect(await failure('lost', list)).toMatchObject({ code: 'DEST_CORRUPT' });
    }
    expect(await failure('gone', '*')).toMatchObject({ code: 'DEST_CORRUPT' });
    expect(await failure('gone', 'v')).toMatchObject({
      code: 'QUERY_FAILED',
      message: expect.stringMatching(/Binder Error[^]*gone\/metadata\/.*json/) as unknown,
    });
    for (const mended of [/broken|gone/, /lost/]) {
      for (const file of lost.filter((path) => mended.test(path))) renameSync(`${file}.away`, file);
      for (const name of ['broken', 'gone', 'lost'].filter((table) => mended.test(table)))
        expect(await db.query(`SELECT v FROM lake.${name}`).all()).toEqual([{ v: 'x' }]);
    }
  });

  test('tables whose names differ by case only', async () => {
    using house = new Warehouse();
    await house.load(tableOf({ v: 'string' }, undefined, 'twin'), [[1, 'x']]);
    await using db = await openAnalytics({ attach: { lake: place(house) } });
    const read = () => db.query('SELECT v FROM lake.twin').all();
    expect(await read()).toEqual([{ v: 'x' }]);
    await house.load(tableOf({ v: 'string' }, undefined, 'TWIN'), [[1, 'y']]);
    await expect(read()).rejects.toMatchObject({ code: 'DEST_FOREIGN' });
  });

  test('a column that another program has widened', async () => {
    using house = new Warehouse();
    await house.load(tableOf({ amount: 'decimal(4,2)' }), [[1, '12.50']]);
    const { catalog, identifier } = await opened(house, 't');
    const { metadata } = (await catalog.loadTable(identifier)) as LoadedTable;
    await catalog.close();
    const schema = schemaOf(metadata);
    const fields = schema.fields.map((field) =>
      field.name === 'amount' ? { ...field, type: 'decimal(18, 2)' as const } : field,
    );
    await commit(house, 't', [
      { action: 'add-schema', schema: { ...schema, fields }, 'last-column-id': metadata['last-column-id'] },
      { action: 'set-current-schema', 'schema-id': -1 },
    ]);
    const rows = await ask({ lake: place(house) }, 'SELECT amount, typeof(amount) AS type FROM lake.t');
    expect(rows).toEqual([{ amount: '12.50', type: 'DECIMAL(18,2)' }]);
  });

  test('files that maintenance removes between two queries', async () => {
    using house = new Warehouse({ rewriteBelowBytes: 0 });
    await house.load(tableOf({ v: 'string' }), [[0, 'early']]);
    for (let i = 0; i < 8; i++) await house.load(tableOf({ v: 'string' }), [[i % 3, String(i)]]);
    const db = await openAnalytics({ attach: { lake: place(house) } });
    try {
      const sql = 'SELECT id, v FROM lake.t ORDER BY id';
      const expected = await db.query(sql).all();
      const before = house.files(/data\/.*parquet$/);
      await maintainIceberg(house.options, { expireOlderThanDays: 0, retainLast: 1 });
      expect(house.files(/data\/.*parquet$/)).not.toEqual(before);
      expect(await db.query(sql).all()).toEqual(expected);
      expect(expected).toEqual(await house.rows());
    } finally {
      await db.close();
    }
  });

  test('a file whose columns have no ids is not taken for an empty one', async () => {
    using house = new Warehouse();
    await house.load(tableOf({ v: 'string' }), [[1, 'x']]);
    const mapping = JSON.stringify([{ 'field-id': 1, names: ['id'] }]);
    const updates = { 'schema.name-mapping.default': mapping };
    await commit(house, 't', [{ action: 'set-properties', updates }]);
    const [path = ''] = house.files(/data\/.*parquet$/);
    const db = await openAnalytics({ attach: { lake: place(house) } });
    try {
      expect(await db.query('SELECT v FROM lake.t').all()).toEqual([{ v: 'x' }]);
    } finally {
      await db.close();
    }
    rmSync(path);
    await ask({}, `COPY (SELECT 1 AS id, 'y' AS v) TO '${path}' (FORMAT parquet)`);
    await expect(ask({ lake: place(house) }, 'SELECT v FROM lake.t')).rejects.toMatchObject({
      code: 'DEST_FOREIGN',
    });
  });

  test('tables of other programs: types of Iceberg, without nested columns; bookkeeping tables are left out', async () => {
    using house = new Warehouse();
    await house.load(tableOf({ v: 'string' }), [[1, 'x']]);
    const opened = await house.house();
    const list = { type: 'list', 'element-id': 0, element: 'long', 'element-required': false } as const;
    const fields = [
      { name: 'when', type: 'timestamp' },
      { name: 'few', type: 'int' },
      { name: 'nested', type: list },
    ] as const;
    await opened.catalog.close();
    await commit(house, 'foreign', opened.creation('foreign', fields, [], {}));
    const types = await ask({ lake: place(house) }, 'DESCRIBE lake.foreign');
    expect(types.map((column) => [column['column_name'], column['column_type']])).toEqual([
      ['when', 'TIMESTAMP'],
      ['few', 'BIGINT'],
    ]);
    const names = await ask(
      { lake: place(house) },
      "SELECT view_name FROM duckdb_views() WHERE schema_name = 'lake'",
    );
    expect(names.map((row) => row['view_name']).toSorted()).toEqual(['foreign', 't']);
  });
});

test('another namespace and another catalog file', async () => {
  const catalog = join(folder, 'other.db');
  using house = new Warehouse({ namespace: 'n', catalog });
  await house.load(tableOf({ v: 'string' }), [[1, 'x']]);
  expect(await ask({ lake: house.options }, 'SELECT v FROM lake.t')).toEqual([{ v: 'x' }]);
});

test('a file and a lake in one query', async () => {
  using house = new Warehouse();
  await house.load(tableOf({ v: 'string' }), [[1, 'x']]);
  const file = join(folder, 'names.db');
  const db = new DatabaseSync(file);
  db.exec("CREATE TABLE names (v TEXT, name TEXT); INSERT INTO names VALUES ('x', 'Ada'), ('y', 'Bob')");
  db.close();
  const rows = await ask(
    { n: file, lake: place(house) },
    'SELECT id, name FROM lake.t JOIN n.names USING (v)',
  );
  expect(rows).toEqual([{ id: 1, name: 'Ada' }]);
});
