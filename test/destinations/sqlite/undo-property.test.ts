/** Taking back after loads of any kind in any order: the latest exactly, an earlier one never at the cost of a later. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import type { TableDefinition, WriteMode } from '../../../src/model/index.ts';
import { TestDatabase, append, column, entry, scopedBy, tableOf, upsert } from './harness.ts';
import { contentOf, loadSteps, undo } from './undo-harness.ts';
import type { Step } from './undo-harness.ts';

const modes: Record<string, WriteMode> = {
  append,
  upsert,
  insertOnly: { mode: 'merge', strategy: 'insert-only' },
  replace: { mode: 'replace', allowEmpty: true },
  scopes: scopedBy('part'),
};
const versioned: Record<string, WriteMode> = {
  versions: { mode: 'merge', strategy: 'scd2' },
  closing: { mode: 'merge', strategy: 'scd2', closeAbsent: true },
};

const row = fc.record({
  id: fc.integer({ min: 1, max: 6 }),
  part: fc.constantFrom('a', 'b', null),
  value: fc.nat(3),
});
const load = fc.record({
  mode: fc.constantFrom(...Object.keys(modes)),
  versioned: fc.constantFrom(...Object.keys(versioned), 'none'),
  rows: fc.array(row, { maxLength: 5 }),
  more: fc.array(row, { maxLength: 3 }),
  scopes: fc.subarray(['a', 'b', 'c']),
  staged: fc.boolean(),
  pipeline: fc.constantFrom('p', 'q'),
  partition: fc.constantFrom('x', 'y', 'none'),
  adds: fc.boolean(),
});
type Load = typeof load extends fc.Arbitrary<infer T> ? T : never;

const columns = ['id:int64', 'part', 'value:int64'];

/** A load of two tables: one of any write mode, and one that keeps versions. */
async function run(database: TestDatabase, it: Load, index: number): Promise<string | undefined> {
  const write = modes[it.mode] as WriteMode;
  const isAppend = it.mode === 'append';
  // Rows that are added share no key with others, so that another load may give the table its key again.
  const cells = (rows: Load['rows'], from: number): (string | number | null)[][] =>
    rows.map(({ id, part, value }, place) => [isAppend ? 100 * index + from + place : id, part, value]);
  const steps: Step[] = [
    {
      rows: cells(it.rows, 0),
      checkpoint: [],
      ...(it.mode === 'scopes' && { scopes: it.scopes.map((part) => ({ part })) }),
    },
    ...(it.adds ? [{ evolve: [column(`new_${index}`)] }] : []),
    { rows: cells(it.more, 50).map((each) => (it.adds ? [...each, 'new'] : each)) },
  ];
  const work: [TableDefinition, Step[]][] = [[tableOf(columns, write, isAppend ? [] : ['id']), steps]];
  const mode = versioned[it.versioned];
  if (mode)
    work.push([
      tableOf(columns, mode, ['id'], 'v'),
      [{ rows: it.more.map(({ id, part, value }) => [id, part, value]) }],
    ]);
  const state = it.partition === 'none' ? [] : [entry(index, 't', it.partition)];
  // Columns that are there already come after those of the load: they stay empty.
  const wide = await widthOf(database);
  for (const step of steps) {
    if (step.rows) Object.assign(step, { rows: step.rows.map((each) => widened(each, wide)) });
  }
  return loadSteps(database, work, { staged: it.staged, pipeline: it.pipeline, state });
}

function widened(cells: readonly unknown[], width: number): unknown[] {
  const added = cells.slice(3);
  return [...cells.slice(0, 3), ...Array<null>(Math.max(0, width - 3)).fill(null), ...added];
}

async function widthOf(database: TestDatabase): Promise<number> {
  const session = await database.session();
  const known = await session.reader.columns('t');
  await session.close();
  return (known?.length ?? 6) - 3;
}

/** Without columns that hold nothing, as they are left by what was taken back, and without tables that are empty. */
function plain(content: Record<string, string[]>): unknown {
  const { sqlite_sequence: _, _plumbing_meta: __, ...tables } = content;
  return Object.fromEntries(
    Object.entries(tables)
      .filter(([, rows]) => rows.length > 0)
      .map(([name, rows]) => [
        name,
        rows.map((each) => each.replaceAll(/ new_\d+=object:null/g, '')).toSorted(),
      ]),
  );
}

async function withDatabase(work: (database: TestDatabase) => Promise<void>): Promise<void> {
  const database = new TestDatabase();
  database.undoLoads = 5;
  try {
    await work(database);
  } finally {
    await database.remove();
  }
}

test(
  'from the latest backwards, each load leaves exactly what was there before it',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(load, { minLength: 1, maxLength: 5 }), async (loads) =>
        withDatabase(async (database) => {
          const done: { loadId: string; before: unknown }[] = [];
          for (const [index, it] of loads.entries()) {
            const before = index === 0 ? {} : plain(contentOf(database));
            const loadId = await run(database, it, index + 1);
            if (loadId !== undefined) done.push({ loadId, before });
          }
          for (const { loadId, before } of done.toReversed()) {
            await undo(database, loadId);
            expect(plain(contentOf(database))).toEqual(before);
          }
        }),
      ),
      { numRuns: 60 },
    );
  },
);

test(
  'in any order, a load is taken back without a loss to others, or is refused',
  { timeout: 120_000 },
  async () => {
    let [taken, refused] = [0, 0];
    const plan = fc.record({
      loads: fc.array(load, { minLength: 2, maxLength: 5 }),
      order: fc.array(fc.nat(4), { minLength: 1, maxLength: 6 }),
      keep: fc.array(fc.constantFrom(0, 5, 5), { minLength: 5, maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ loads, order, keep }) =>
        withDatabase(async (database) => {
          const ids: string[] = [];
          for (const [index, it] of loads.entries()) {
            database.undoLoads = keep[index] ?? 5;
            ids.push((await run(database, it, index + 1)) ?? '');
          }
          for (const place of order.filter((each) => each < ids.length)) {
            const loadId = ids[place] as string;
            const before = contentOf(database);
            try {
              await undo(database, loadId);
              taken++;
            } catch (error) {
              if (!isPlumbingError(error, 'UNDO_REFUSED')) throw error;
              refused++;
              expect(contentOf(database)).toEqual(before);
              continue;
            }
            expectIntact(before, contentOf(database), loadId);
          }
        }),
      ),
      { numRuns: 100 },
    );
    expect(Math.min(taken, refused)).toBeGreaterThan(20);
  },
);

/** All rows of other loads are there, and none of this one; no key is there twice. */
function expectIntact(
  before: Record<string, string[]>,
  after: Record<string, string[]>,
  loadId: string,
): void {
  for (const table of ['t', '_plumbing_state']) {
    const now = new Set(after[table]);
    const others = (before[table] ?? []).filter((each) => !each.includes(loadId));
    expect(others.filter((each) => !now.has(each))).toEqual([]);
  }
  const versions = (after['v'] ?? []).map((each) =>
    [/(?<!\w)id=\S+/.exec(each)?.[0], /_valid_to_ts=\S+/.exec(each)?.[0]].join(' '),
  );
  const open = versions.filter((each) => each.endsWith('null'));
  expect(new Set(open).size).toBe(open.length);
  expect(JSON.stringify(after)).not.toContain(loadId);
}
