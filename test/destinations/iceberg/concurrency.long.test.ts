/** Many writers on one table, and catalogs whose answers get lost. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { reachableFiles } from '../../../src/iceberg/reachable-files.ts';
import type { Catalog, CommitResult, TableCommit } from '../../../src/iceberg/catalog.ts';
import { Warehouse, tableOf } from './harness.ts';

const table = tableOf({ note: 'string' });

test('four processes with 100 upserting commits each on one table: every row once, no lost update, no leftovers', async () => {
  using warehouse = new Warehouse();
  const target = warehouse.options.warehouse;
  const script = fileURLToPath(new URL('upsert-worker.ts', import.meta.url));
  const workers = [1, 2, 3, 4].map((worker) => fork(script, [target, String(worker), '100']));
  const codes = await Promise.all(workers.map(async (child) => (await once(child, 'exit'))[0] as number));
  expect(codes).toEqual([0, 0, 0, 0]);
  const rows = await warehouse.rows();
  const own = [1, 2, 3, 4].flatMap((worker) =>
    Array.from({ length: 100 }, (_, n) => ({ id: worker * 1_000 + n, worker, n })),
  );
  expect(rows.slice(1)).toEqual(own);
  expect(rows[0]).toMatchObject({ id: -1, n: 99 });

  const house = await warehouse.house();
  const loaded = await house.load('t');
  const metadata = loaded?.metadata;
  if (!metadata) throw new Error('the table is gone');
  const needed = await reachableFiles(house.manifests, metadata, metadata.snapshots);
  await house.catalog.close();
  const parts = warehouse.files(/\/t\/.*\.(avro|parquet)$/).map((path) => `file://${path}`);
  expect(parts.filter((path) => !needed.has(path))).toEqual([]);
}, 480_000);

/** A catalog that does something else with some commits. */
function faulty(
  catalog: Catalog,
  commit: (changes: readonly TableCommit[], real: Catalog) => Promise<CommitResult>,
): Catalog {
  return {
    location: catalog.location,
    loadTable: (identifier) => catalog.loadTable(identifier),
    listTables: (namespace) => catalog.listTables(namespace),
    metadataLocations: (namespace) => catalog.metadataLocations(namespace),
    defaultLocation: (identifier) => catalog.defaultLocation(identifier),
    dropTable: (identifier) => catalog.dropTable(identifier),
    close: () => catalog.close(),
    commit: (changes) => commit(changes, catalog),
  };
}

const unknown = { outcome: 'unknown', cause: new Error('the answer was lost') } as const;

for (const write of [{ mode: 'append' }, { mode: 'merge', strategy: 'upsert' }] as const) {
  const target = tableOf({ note: 'string' }, write);
  for (const nth of [1, 2, 3]) {
    test(`${write.mode}: the answer of commit ${nth} is lost after it happened; nothing is loaded twice`, async () => {
      using warehouse = new Warehouse();
      await warehouse.load(target, [[1, 'a']]);
      let count = 0;
      warehouse.wrap = (catalog) =>
        faulty(catalog, async (changes, real) => {
          const result = await real.commit(changes);
          return ++count === nth ? unknown : result;
        });
      await warehouse.load(target, [[2, 'b']]);
      expect(await warehouse.rows()).toEqual([
        { id: 1, note: 'a' },
        { id: 2, note: 'b' },
      ]);
    });

    test(`${write.mode}: commit ${nth} is lost before it happened; it is made again`, async () => {
      using warehouse = new Warehouse();
      await warehouse.load(target, [[1, 'a']]);
      let count = 0;
      warehouse.wrap = (catalog) =>
        faulty(catalog, async (changes, real) => (++count === nth ? unknown : real.commit(changes)));
      await warehouse.load(target, [[2, 'b']]);
      expect(await warehouse.rows()).toEqual([
        { id: 1, note: 'a' },
        { id: 2, note: 'b' },
      ]);
    });

    test(`${write.mode}: commit ${nth} is applied late, while it is made again`, async () => {
      using warehouse = new Warehouse();
      await warehouse.load(target, [[1, 'a']]);
      let count = 0;
      let late: (() => Promise<CommitResult>) | undefined;
      warehouse.wrap = (catalog) =>
        faulty(catalog, async (changes, real) => {
          if (++count === nth) {
            late = () => real.commit(changes);
            return unknown;
          }
          // The first request arrives now, just before the second.
          if (late) await late();
          late = undefined;
          return real.commit(changes);
        });
      await warehouse.load(target, [[2, 'b']]);
      expect(await warehouse.rows()).toEqual([
        { id: 1, note: 'a' },
        { id: 2, note: 'b' },
      ]);
    });

    test(`${write.mode}: commit ${nth} is applied late, before any look at what is there; it is told once, and rightly`, async () => {
      const attempt = async (look: number): Promise<void> => {
        using warehouse = new Warehouse();
        await warehouse.load(target, [[1, 'a']]);
        let count = 0;
        let looks = 0;
        let late: (() => Promise<CommitResult>) | undefined;
        warehouse.wrap = (catalog) => ({
          ...faulty(catalog, async (changes, real) => {
            if (++count !== nth) return real.commit(changes);
            late = () => real.commit(changes);
            return unknown;
          }),
          async loadTable(identifier) {
            if (late && ++looks === look) {
              await late();
              late = undefined;
            }
            return catalog.loadTable(identifier);
          },
        });
        const load = await warehouse.load(target, [[2, 'b']]);
        late = undefined;
        expect(await warehouse.rows(), `look ${look}`).toEqual([
          { id: 1, note: 'a' },
          { id: 2, note: 'b' },
        ]);
        expect(load.counts('t'), `look ${look}`).toMatchObject({ inserted: 1, unchanged: 0 });
      };
      await Promise.all([1, 2, 3, 4, 5, 6].map(attempt));
    });

    test(`${write.mode}: commit ${nth} is sent twice; the second one changes nothing`, async () => {
      using warehouse = new Warehouse();
      await warehouse.load(target, [[1, 'a']]);
      let count = 0;
      warehouse.wrap = (catalog) =>
        faulty(catalog, async (changes, real) => {
          const result = await real.commit(changes);
          if (++count === nth) expect(await real.commit(changes)).toMatchObject({ outcome: 'conflict' });
          return result;
        });
      await warehouse.load(target, [[2, 'b']]);
      expect(await warehouse.rows()).toEqual([
        { id: 1, note: 'a' },
        { id: 2, note: 'b' },
      ]);
    });
  }
}

test('another run that moved the same cursor is told apart from one that only wrote', async () => {
  using warehouse = new Warehouse();
  const state = (cursor: number) => [{ stream: 't', partition: '', state: { cursor } }];
  await warehouse.load(table, [[1, 'a']], { state: state(1) });
  let isFirst = true;
  warehouse.wrap = (catalog) =>
    faulty(catalog, async (changes, real) => {
      if (isFirst && changes.some(({ updates }) => updates.some(({ action }) => action === 'add-snapshot'))) {
        isFirst = false;
        // In the place of another process; in this one the lock would be waited for.
        const other = new Warehouse({
          ...warehouse.options,
          catalog: `${warehouse.options.warehouse}/catalog.db`,
        });
        other.wrap = (inner) => inner;
        const base = changes[0]?.base;
        await real.commit([
          {
            identifier: (base ?? { identifier: { namespace: ['default'], name: 't' } }).identifier,
            base,
            requirements: [],
            updates: [
              {
                action: 'set-properties',
                updates: {
                  'plumbing.state.test': JSON.stringify([
                    { stream: 't', partition: '', state: { cursor: 9 }, updatedAt: 'later' },
                  ]),
                },
              },
            ],
          },
        ]);
        other[Symbol.dispose]();
      }
      return real.commit(changes);
    });
  await expect(warehouse.load(table, [[2, 'b']], { state: state(2) })).rejects.toMatchObject({
    code: 'COMMIT_CONFLICT',
    retryable: true,
  });
  warehouse.wrap = (catalog) => catalog;
  expect(await warehouse.rows()).toEqual([{ id: 1, note: 'a' }]);
});
