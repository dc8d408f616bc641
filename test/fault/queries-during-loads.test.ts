/** DuckDB queries while another process loads into the same file. */
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openAnalytics } from '../../src/analytics/index.ts';
import { startWorker } from './child.ts';
import { useFolder } from './folder.ts';

const folder = useFolder();

/** A process that loads into `path` without end; `rows` of each load. */
function startLoading(path: string, rows: number) {
  const writer = startWorker('./load-forever-worker.ts', path, String(rows));
  let last = 0;
  writer.on('message', (load: number) => (last = load));
  /** The last load that it has told of. */
  const written = (): number => last;
  return {
    written,
    async until(load: number): Promise<void> {
      while (written() < load) await once(writer, 'message');
    },
    isRunning: (): boolean => writer.exitCode === null,
    async [Symbol.asyncDispose](): Promise<void> {
      const ended = once(writer, 'exit');
      writer.kill('SIGKILL');
      await ended;
    },
  };
}

test(
  '200 queries against a writer: each sees whole loads only, none fails, none stops the writer',
  { timeout: 120_000 },
  async () => {
    const path = join(folder(), 'written.db');
    await using writer = startLoading(path, 50);
    await writer.until(1);

    await using db = await openAnalytics({ attach: { live: path } });
    const seen: number[] = [];
    for (let query = 0; query < 200; query++) {
      const before = writer.written();
      const [row] = await db
        .query(
          `SELECT count(*) AS rows, count(DISTINCT load) AS loads, max(load) AS last, sum(amount) AS amount,
           (SELECT count(*) FROM live.entries) AS again FROM live.entries`,
        )
        .all();
      const last = Number(row?.['last']);
      expect(row).toEqual({ rows: last * 50, loads: last, last, amount: `${last * 5}.00`, again: last * 50 });
      expect(last).toBeGreaterThanOrEqual(before);
      seen.push(last);
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
    expect(new Set(seen).size).toBeGreaterThan(20);
    expect(writer.isRunning()).toBe(true);
  },
);

test('a query that is read slowly keeps its snapshot while loads commit, and the next one sees them', async () => {
  const path = join(folder(), 'slow.db');
  await using writer = startLoading(path, 5_000);
  await writer.until(4);

  await using db = await openAnalytics({ attach: { live: path } });
  const loads: number[] = [];
  let before = 0;
  // More than DuckDB reads ahead of whoever takes the rows.
  for await (const batch of db.query("SELECT load, repeat('x', 1_000) FROM live.entries")) {
    if (loads.length === 0) {
      before = writer.written();
      await writer.until(before + 3);
    }
    for (const row of batch) loads.push(Number(row['load']));
  }
  const last = Math.max(...loads);
  expect(last).toBeLessThanOrEqual(before + 1);
  expect(loads).toHaveLength(last * 5_000);
  const [later] = await db.query('SELECT max(load) AS last FROM live.entries').all();
  expect(Number(later?.['last'])).toBeGreaterThanOrEqual(before + 3);
});
