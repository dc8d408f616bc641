/** Tables and folders that others use as well: other runs, other catalogs, other programs. */
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { maintainIceberg } from '../../../src/destinations/iceberg/index.ts';
import type { IcebergSession } from '../../../src/destinations/iceberg/session.ts';
import type { MetadataUpdate } from '../../../src/iceberg/metadata-update.ts';
import { schemaOf } from '../../../src/iceberg/metadata.ts';
import type { TableMetadata } from '../../../src/iceberg/metadata.ts';
import type { Column, Load, LogicalType, TableDefinition } from '../../../src/model/index.ts';
import { Warehouse, tableOf, upsert } from './harness.ts';

const base = tableOf({ a: 'int64' });
const column = (name: string, type: LogicalType): Column => ({ name, type, nullable: true, path: [name] });

/** As if all that is there had been written days ago. */
function age(warehouse: Warehouse): void {
  const then = new Date(Date.now() - 4 * 86_400_000);
  for (const file of warehouse.files(/\.(parquet|avro|json|stats)$/)) utimesSync(file, then, then);
}

const begin = (warehouse: Warehouse, pipeline: string, staged = false): Promise<[IcebergSession, Load]> =>
  warehouse.begin(base, { pipeline, staged });

/** A commit of another program. */
async function change(
  warehouse: Warehouse,
  updatesOf: (metadata: TableMetadata) => MetadataUpdate[],
): Promise<void> {
  const house = await warehouse.house();
  const loaded = await house.load('t');
  if (!loaded) throw new Error('no table');
  const { identifier, metadata } = loaded;
  await house.catalog.commit([{ identifier, base: loaded, requirements: [], updates: updatesOf(metadata) }]);
  await house.catalog.close();
}

async function columnsOf(warehouse: Warehouse): Promise<string[]> {
  const house = await warehouse.house();
  const loaded = await house.load('t');
  await house.catalog.close();
  return loaded ? schemaOf(loaded.metadata).fields.map(({ name }) => name) : [];
}

const sweep = (warehouse: Warehouse) =>
  maintainIceberg(warehouse.options, { tables: ['t'], compact: false, expireOlderThanDays: null });

describe('leftovers', () => {
  test('are none where another catalog has a table of the same name in the same folder', async () => {
    using warehouse = new Warehouse();
    await warehouse.load(base, [[1, 10]]);
    using other = new Warehouse({ ...warehouse.options, catalog: join(warehouse.folder, 'other.db') });
    await other.load(base, [[2, 20]]);
    age(warehouse);

    expect(await sweep(other)).toMatchObject([{ orphansRemoved: 0 }]);
    expect(await sweep(warehouse)).toMatchObject([{ orphansRemoved: 0 }]);
    expect(await warehouse.rows()).toEqual([{ id: 1, a: 10 }]);
    expect(await other.rows()).toEqual([{ id: 2, a: 20 }]);
  });

  test('are none of the files of a table whose location ends in a slash', async () => {
    using warehouse = new Warehouse();
    await warehouse.load(base, [[1, 10]]);
    await change(warehouse, ({ location }) => [{ action: 'set-location', location: `${location}/` }]);
    age(warehouse);
    await sweep(warehouse);

    expect(await warehouse.rows()).toEqual([{ id: 1, a: 10 }]);
  });

  test('stay where the table says that its files may be those of others', async () => {
    using warehouse = new Warehouse();
    for (let i = 0; i < 4; i++) await warehouse.load(base, [[1, i]]);
    await change(warehouse, () => [{ action: 'set-properties', updates: { 'gc.enabled': 'false' } }]);
    age(warehouse);
    const options = { tables: ['t'], compact: false, expireOlderThanDays: 0, retainLast: 1 };
    const before = warehouse.files(/\.parquet$/).length;

    expect(await maintainIceberg(warehouse.options, options)).toMatchObject([
      { snapshotsExpired: 0, orphansRemoved: 0 },
    ]);
    expect(warehouse.files(/\.parquet$/)).toHaveLength(before);
  });
});

describe('a run whose table was given other columns meanwhile', () => {
  test.each<[string, readonly Column[], readonly Column[]]>([
    ['while it adds none', [], [column('y', 'int64')]],
    ['while it adds another', [column('x', 'json')], [column('y', 'string')]],
    ['while it gives one of that name another type', [column('y', 'string')], [column('y', 'int64')]],
  ])('%s, ends with a conflict, and nothing of the other is lost', async (_what, own, others) => {
    using warehouse = new Warehouse();
    await warehouse.load(base, [[1, 10]]);
    const [oneSession, one] = await begin(warehouse, 'one');
    if (own.length > 0) await one.evolve('t', own);
    await one.write('t', [[2, 20]]);
    const [otherSession, other] = await begin(warehouse, 'other');
    await other.evolve('t', others);
    await other.write('t', [[3, 30, others[0]?.type === 'string' ? 'yy' : 9]]);
    await other.finishTable('t', []);
    await other.publish();
    await otherSession.close();

    await expect(one.finishTable('t', [])).rejects.toMatchObject({
      code: 'COMMIT_CONFLICT',
      retryable: true,
    });
    await one.abort('conflict');
    await oneSession.close();

    expect((await warehouse.rows()).at(-1)).toMatchObject({
      id: 3,
      y: others[0]?.type === 'string' ? 'yy' : 9,
    });
    await warehouse.load(base, [[2, 20]]);
    expect((await warehouse.rows()).map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  test('with the very same ones goes on', async () => {
    using warehouse = new Warehouse();
    await warehouse.load(base, [[1, 10]]);
    const [oneSession, one] = await begin(warehouse, 'one');
    await one.evolve('t', [column('y', 'int64')]);
    await one.write('t', [[2, 20, 8]]);
    const [otherSession, other] = await begin(warehouse, 'other');
    await other.evolve('t', [column('y', 'int64')]);
    await other.write('t', [[3, 30, 9]]);
    for (const load of [other, one]) {
      await load.finishTable('t', []);
      await load.publish();
    }
    await otherSession.close();
    await oneSession.close();

    expect((await warehouse.rows()).map(({ y }) => y)).toEqual([null, 8, 9]);
  });
});

test('a column that another program adds between the checks and their publishing stays', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(base, [[1, 10]]);
  const [session, load] = await begin(warehouse, 'checked', true);
  await load.write('t', [[2, 20]]);
  await load.finishTable('t', []);
  await load.audit([]);
  await change(warehouse, (metadata) => {
    const schema = schemaOf(metadata);
    const field = {
      id: metadata['last-column-id'] + 1,
      name: 'added',
      required: false,
      type: 'string' as const,
    };
    const id = Math.max(...metadata.schemas.map((each) => each['schema-id'])) + 1;
    return [
      {
        action: 'add-schema',
        schema: { ...schema, 'schema-id': id, fields: [...schema.fields, field] },
        'last-column-id': field.id,
      },
      { action: 'set-current-schema', 'schema-id': -1 },
    ];
  });
  await load.publish();
  await session.close();

  expect(await columnsOf(warehouse)).toContain('added');
  expect((await warehouse.rows()).map(({ id }) => id)).toEqual([1, 2]);
});

test('how long main and its snapshots are to be kept, as another program has set it, stays', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(base, [[1, 10]]);
  const settings = { 'max-ref-age-ms': 1e12, 'max-snapshot-age-ms': 1e11, 'min-snapshots-to-keep': 7 };
  await change(warehouse, ({ refs }) => [
    {
      action: 'set-snapshot-ref',
      'ref-name': 'main',
      type: 'branch',
      'snapshot-id': refs['main']?.['snapshot-id'] ?? 0n,
      ...settings,
    },
  ]);
  const main = async (): Promise<unknown> => {
    const house = await warehouse.house();
    const loaded = await house.load('t');
    await house.catalog.close();
    return loaded?.metadata.refs['main'];
  };
  await warehouse.load(base, [[2, 20]]);
  expect(await main()).toMatchObject(settings);

  const [session, load] = await begin(warehouse, 'checked', true);
  await load.write('t', [[3, 30]]);
  await load.finishTable('t', []);
  await load.audit([]);
  await load.publish();
  await session.close();
  expect(await main()).toMatchObject(settings);

  for (const id of [4, 5, 6]) await warehouse.load(base, [[id, 0]]);
  expect(await maintainIceberg(warehouse.options, { tables: ['t'] })).toMatchObject([{ filesCompacted: 6 }]);
  expect(await main()).toMatchObject(settings);
  expect((await warehouse.rows()).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a text that begins with U+FEFF keeps it, and is known again', async () => {
  using warehouse = new Warehouse();
  const keyed: TableDefinition = {
    name: 't',
    columns: [{ ...column('k', 'string'), nullable: false }, column('v', 'int64')],
    primaryKey: ['k'],
    write: upsert,
  };
  for (let i = 0; i < 3; i++) await warehouse.load(keyed, [['\uFEFFkey', i]]);

  expect(await warehouse.rows()).toEqual([{ k: '\uFEFFkey', v: 2 }]);
  expect(await warehouse.rows('t', { where: [{ column: 'k', op: '=', value: '\uFEFFkey' }] })).toHaveLength(
    1,
  );
});
