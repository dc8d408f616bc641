/**
 * Runs that fail, are aborted or die in the middle, in any number and at any moment, while the source goes on; then one run
 * in peace: the table equals the model, and at no time did a cursor pass a row that was not stored.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { onFailpoint } from '../../src/failpoints/index.ts';
import { run } from '../../src/pipeline/index.ts';
import { temporaryDatabase } from '../../src/testing/index.ts';
import type { TemporaryDatabase } from '../../src/testing/index.ts';
import { modelOf, plannedSource, storedItems } from './source-model.ts';
import type { Item, ItemMode } from './source-model.ts';

/** What goes wrong in one run: at a page, or at the n-th failpoint that is passed. */
type Trouble =
  | { readonly kind: 'none' }
  | { readonly kind: 'source fails' | 'abort'; readonly page: number }
  | { readonly kind: 'failpoint throws'; readonly nth: number };

/** One run: rows that arrived since the last one, then trouble. */
interface Step {
  readonly arrivals: readonly { readonly id: number; readonly daysLater: number }[];
  readonly trouble: Trouble;
  readonly pageSize: number;
  readonly rows: number;
}

const page = fc.nat(8);
const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  fc.constant<Trouble>({ kind: 'none' }),
  fc.record({ kind: fc.constant<'source fails'>('source fails'), page }),
  fc.record({ kind: fc.constant<'abort'>('abort'), page }),
  fc.record({
    kind: fc.constant<'failpoint throws'>('failpoint throws'),
    nth: fc.integer({ min: 1, max: 40 }),
  }),
);
const step: fc.Arbitrary<Step> = fc.record({
  // Mostly on the newest day: rows that tie with the cursor.
  arrivals: fc.array(fc.record({ id: fc.nat(12), daysLater: fc.constantFrom(0, 0, 0, 1) }), {
    maxLength: 10,
  }),
  trouble,
  pageSize: fc.integer({ min: 1, max: 6 }),
  rows: fc.integer({ min: 1, max: 12 }),
});
const mode: fc.Arbitrary<ItemMode & { readonly staged: boolean }> = fc.constantFrom(
  { write: 'upsert', order: 'ascending', staged: false },
  { write: 'upsert', order: 'unordered', staged: false },
  { write: 'upsert', order: 'ascending', staged: true },
  { write: 'replace', staged: false },
);

/** One run with its trouble; what it throws is what was planned. */
async function attempt(
  database: TemporaryDatabase,
  items: readonly Item[],
  how: ItemMode & { readonly staged: boolean },
  { trouble: planned, pageSize, rows }: Step,
): Promise<void> {
  const abort = new AbortController();
  let passed = 0;
  const end = onFailpoint(() => {
    if (planned.kind === 'failpoint throws' && ++passed === planned.nth) throw new Error('planned');
  });
  const source = plannedSource(items, how, pageSize, (at) => {
    if (planned.kind === 'source fails' && at === planned.page) throw new Error('planned');
    if (planned.kind === 'abort' && at === planned.page) abort.abort(new Error('planned'));
  });
  try {
    const pipeline = { source, destination: sqlite(database.path), checkpoint: { rows }, staged: how.staged };
    const report = await run(pipeline, { signal: abort.signal });
    if (planned.kind === 'none') expect(report.status).toBe('succeeded');
  } catch (error) {
    expect(planned.kind).not.toBe('none');
    const { message, cause } = error as Error;
    expect(`${message} ${(cause as Error | undefined)?.message}`).toContain('planned');
  } finally {
    end();
  }
}

/** Every row that the stored cursor has passed is in the table, in its latest version of that time or a later one. */
async function expectNoGap(database: TemporaryDatabase, items: readonly Item[]): Promise<void> {
  const stored = new Map((await storedItems(database.path)).map((item) => [item.id, item]));
  const [row] = await database.sql('SELECT state FROM _plumbing_state');
  const { cursor } = JSON.parse((row?.['state'] as string | undefined) ?? '{}') as { cursor?: string };
  for (const item of stored.values()) expect(items).toContainEqual(item);
  if (cursor === undefined) return;
  for (const item of items) {
    if (item.day < cursor)
      expect(
        stored.get(item.id)?.version,
        `row ${item.id} of ${item.day}, cursor ${cursor}`,
      ).toBeGreaterThanOrEqual(item.version);
  }
}

test('after any schedule of faults one run in peace gives what the source holds', async () => {
  await fc.assert(
    fc.asyncProperty(mode, fc.array(step, { maxLength: 5 }), async (how, steps) => {
      await using database = await temporaryDatabase();
      const items: Item[] = [];
      let day = Date.UTC(2026, 0, 1);
      const peace: Step = { arrivals: [], trouble: { kind: 'none' }, pageSize: 4, rows: 5 };
      await attempt(database, items, how, peace);
      for (const planned of steps) {
        for (const { id, daysLater } of planned.arrivals) {
          day += daysLater * 86_400_000;
          items.push({ id, day: new Date(day).toISOString().slice(0, 10), version: items.length });
        }
        await attempt(database, items, how, planned);
        await expectNoGap(database, items);
      }
      await attempt(database, items, how, peace);
      expect(await storedItems(database.path)).toEqual(modelOf(items));
    }),
    { numRuns: 60 },
  );
}, 60_000);
