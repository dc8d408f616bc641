/** However the rows of a source are split into pages and ordered, the table is the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { run } from '../../src/pipeline/index.ts';
import { temporaryDatabase } from '../../src/testing/index.ts';
import { modelOf, plannedSource, storedItems } from './source-model.ts';
import type { Item } from './source-model.ts';

const dayOf = (n: number): string => `2026-01-${String(n + 1).padStart(2, '0')}`;
/** Rows of few ids and fewer days; the version of a row counts up in the order of its arrival. */
const items = fc
  .array(fc.tuple(fc.nat(15), fc.nat(3)), { maxLength: 40 })
  .map((all) => all.map(([id, day], version): Item => ({ id, day: dayOf(day), version })));

async function tableOf(
  given: readonly Item[],
  mode: 'upsert' | 'replace',
  pageSize: number,
  rows: number,
): Promise<Item[]> {
  await using database = await temporaryDatabase();
  const source = plannedSource(
    given,
    { write: mode, ...(mode === 'upsert' && { order: 'unordered' }) },
    pageSize,
  );
  const report = await run({ source, destination: sqlite(database.path), checkpoint: { rows } });
  expect(report.status).toBe('succeeded');
  return storedItems(database.path);
}

const settings = [
  fc.constantFrom('upsert', 'replace'),
  fc.integer({ min: 1, max: 50 }),
  fc.integer({ min: 1, max: 50 }),
] as const;

test('any split into pages and commits gives the last version of each row', async () => {
  await fc.assert(
    fc.asyncProperty(items, ...settings, async (given, mode, pageSize, rows) => {
      expect(await tableOf(given, mode, pageSize, rows)).toEqual(modelOf(given));
    }),
    { numRuns: 40 },
  );
});

test('any order of arrival gives the same table, as long as the versions of a row keep theirs', async () => {
  const shuffled = items.chain((given) =>
    fc.tuple(fc.constant(given), fc.array(fc.nat(), { minLength: given.length, maxLength: given.length })),
  );
  await fc.assert(
    fc.asyncProperty(shuffled, ...settings, async ([given, weights], mode, pageSize, rows) => {
      // By chance, then each row's versions back into their order, in the places that fell to them.
      const mixed = given
        .map((item, i) => ({ item, weight: weights[i] as number }))
        .toSorted((a, b) => a.weight - b.weight)
        .map(({ item }) => item);
      const versions = new Map<number, Item[]>();
      for (const item of given) versions.set(item.id, [...(versions.get(item.id) ?? []), item]);
      const arrival = mixed.map(({ id }) => versions.get(id)?.shift() as Item);
      expect(await tableOf(arrival, mode, pageSize, rows)).toEqual(modelOf(given));
    }),
    { numRuns: 40 },
  );
});
