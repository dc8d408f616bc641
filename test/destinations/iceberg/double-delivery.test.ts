/** Commits that have happened although the answer says no: a proxy that delivers a request twice gives the second answer. */
import { expect, test } from 'vitest';
import type { Catalog, CommitResult } from '../../../src/iceberg/catalog.ts';
import { PlumbingError } from '../../../src/errors/index.ts';
import { Warehouse, tableOf } from './harness.ts';

const table = tableOf({ v: 'int64' });

/** The catalog, whose commits happen, and are answered so. */
function answering(catalog: Catalog, answer: () => CommitResult): Catalog {
  return new Proxy(catalog, {
    get(target, name) {
      if (name === 'commit')
        return async (...changes: Parameters<Catalog['commit']>) => {
          await target.commit(...changes);
          return answer();
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test.each<[string, () => CommitResult]>([
  ['a conflict', () => ({ outcome: 'conflict', reason: 'another commit came first', mayBeOwn: true })],
  [
    'a refusal',
    () => {
      throw new PlumbingError('DEST_FAILED', 'the catalog refuses');
    },
  ],
])(
  'a commit that has happened and is answered with %s counts, and keeps its files',
  async (_what, answer) => {
    using warehouse = new Warehouse();
    await warehouse.load(table, [
      [1, 1],
      [2, 2],
    ]);
    warehouse.wrap = (catalog) => answering(catalog, answer);
    for (const staged of [false, true]) {
      const [session, load] = await warehouse.begin(table, { staged });
      await load.write('t', [
        [1, staged ? 11 : 10],
        [staged ? 4 : 3, 3],
      ]);
      await load.finishTable('t', []);
      if (staged) await load.audit([]);
      expect(await load.publish()).toEqual({ outcome: 'committed' });
      expect(load.counts('t')).toMatchObject({ inserted: 1, updated: 1 });
      await session.close();
    }
    warehouse.wrap = (catalog) => catalog;

    expect((await warehouse.rows()).map(({ id, v }) => [id, v])).toEqual([
      [1, 11],
      [2, 2],
      [3, 3],
      [4, 3],
    ]);
    await warehouse.load(table, [[2, 20]]);
    expect(await warehouse.rows()).toHaveLength(4);
  },
);
