/** Tables stay small and fast, and nothing that is needed goes. */
import { afterEach, expect, test, vi } from 'vitest';
import { maintainIceberg } from '../../../src/destinations/iceberg/index.ts';
import { Warehouse, tableOf } from './harness.ts';

const table = tableOf({ note: 'string' });
const hourMs = 3_600_000;

afterEach(() => void vi.useRealTimers());

function setClock(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: ms });
}

test('1,000 hourly commits: metadata stays under 5 MB, and commits as fast as at the start', async () => {
  using warehouse = new Warehouse();
  const startMs = Date.UTC(2026, 0, 1);
  const took: number[] = [];
  for (let hour = 0; hour < 1_000; hour++) {
    setClock(startMs + hour * hourMs);
    const begunMs = performance.now();
    await warehouse.load(table, [
      [hour, `row ${hour}`],
      [0, `changed in hour ${hour}`],
    ]);
    took.push(performance.now() - begunMs);
  }
  const median = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  const [first, last] = [median(took.slice(50, 150)), median(took.slice(-100))];
  const bytes = warehouse.bytes(/metadata\//);
  console.log(
    `metadata ${bytes} bytes; a load took ${first.toFixed(1)} ms at first, ${last.toFixed(1)} ms at last`,
  );
  expect(bytes).toBeLessThan(5_000_000);
  expect(last).toBeLessThan(2 * first);
  const rows = await warehouse.rows();
  expect(rows).toHaveLength(1_000);
  expect(rows[0]).toEqual({ id: 0, note: 'changed in hour 999' });
}, 300_000);

test('compaction makes one file of many; rows, and what is loaded next, are as without it', async () => {
  using warehouse = new Warehouse({ rewriteBelowBytes: 0 });
  for (let i = 0; i < 10; i++)
    await warehouse.load(table, [
      [i, `row ${i}`],
      [i + 100, 'x'],
    ]);
  await warehouse.load(table, [[3, 'changed']]);
  const before = await warehouse.rows();
  const [done] = await maintainIceberg(warehouse.options, { tables: ['t'], expireOlderThanDays: null });
  expect(done).toMatchObject({ table: 't', filesWritten: 1, snapshotsExpired: 0 });
  expect(await warehouse.rows()).toEqual(before);
  await warehouse.load(table, [
    [5, 'later'],
    [200, 'new'],
  ]);
  expect(await warehouse.rows()).toEqual(
    [
      ...before.map((row) => (row['id'] === 5 ? { ...row, note: 'later' } : row)),
      { id: 200, note: 'new' },
    ].toSorted((a, b) => Number(a['id']) - Number(b['id'])),
  );
});

test('expired snapshots go with the files that only they need', async () => {
  using warehouse = new Warehouse();
  for (let i = 0; i < 20; i++) await warehouse.load(table, [[i, 'x']]);
  const before = await warehouse.rows();
  const parquet = (): number => warehouse.files(/\/t\/data\//).length;
  expect(parquet()).toBe(20);
  await maintainIceberg(warehouse.options, { expireOlderThanDays: 0, retainLast: 1 });
  expect(parquet()).toBe(1);
  expect(warehouse.files(/\/t\/metadata\/.*avro$/)).toHaveLength(3);
  expect(await warehouse.rows()).toEqual(before);
});

test('leftovers go when they are old enough, and nothing else does', async () => {
  using warehouse = new Warehouse();
  await warehouse.load(table, [[1, 'x']]);
  const { writeFileSync, utimesSync, existsSync } = await import('node:fs');
  const folder = `${warehouse.options.warehouse}/default/t/data`;
  writeFileSync(`${folder}/young.parquet`, 'x');
  writeFileSync(`${folder}/old.parquet`, 'x');
  utimesSync(`${folder}/old.parquet`, 0, 0);
  const all = warehouse.files(/\/t\//);
  for (const path of all)
    utimesSync(path, path.includes('young') ? new Date() : 0, path.includes('young') ? new Date() : 0);
  const dry = await maintainIceberg(warehouse.options, { tables: ['t'], dryRun: true });
  expect(dry[0]?.orphansRemoved).toBe(1);
  expect(warehouse.files(/\/t\//)).toEqual(all);
  await maintainIceberg(warehouse.options, { tables: ['t'] });
  expect([existsSync(`${folder}/old.parquet`), existsSync(`${folder}/young.parquet`)]).toEqual([false, true]);
  expect(await warehouse.rows()).toEqual([{ id: 1, note: 'x' }]);
});

test('a load that commits while files are put together is not lost', async () => {
  using warehouse = new Warehouse();
  for (let i = 0; i < 8; i++)
    await warehouse.load(tableOf({ note: 'string' }, { mode: 'append' }), [[i, 'x']]);
  const append = tableOf({ note: 'string' }, { mode: 'append' });
  await Promise.all([
    maintainIceberg(warehouse.options, { expireOlderThanDays: 0, retainLast: 1 }),
    (async () => {
      for (let i = 8; i < 14; i++) await warehouse.load(append, [[i, 'x']]);
    })(),
  ]);
  expect((await warehouse.rows()).map(({ id }) => id)).toEqual(Array.from({ length: 14 }, (_, i) => i));
});
