/** DuckDB as the tool of loads: statements in order, and their end when nobody waits any longer. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DuckEngine } from '../../../src/destinations/iceberg/duckdb/engine.ts';

let engine: DuckEngine;
beforeAll(async () => {
  engine = (await DuckEngine.open()) as DuckEngine;
});
afterAll(() => engine.close());

/** Runs for minutes. */
const endless =
  'SELECT count(*) FROM range(1000000) AS a, range(1000000) AS b WHERE (a.range * b.range) % 7 = 3';

test.each([0, 1, 50])('an abort after %d ms ends a statement, and the next one runs', async (afterMs) => {
  const stop = new AbortController();
  const startedMs = performance.now();
  const running = engine.run('waiting', endless, stop.signal);
  const next = engine.run('next', 'SELECT 42');
  if (afterMs === 0) stop.abort(new Error('enough'));
  else setTimeout(() => stop.abort(new Error('enough')), afterMs);
  await expect(running).rejects.toThrow('enough');
  expect(await next).toEqual([[42]]);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

test('an abort while DuckDB prepares is not lost', async () => {
  const stop = new AbortController();
  const running = engine.run('waiting', endless, stop.signal);
  for (let i = 0; i < 3; i++) await Promise.resolve();
  stop.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
}, 10_000);

test('statements that are given together run in order, also when one of them fails', async () => {
  const results = await Promise.allSettled([
    engine.run('a', 'CREATE TEMP TABLE t AS SELECT 1 AS n'),
    engine.run('b', 'SELECT nothing FROM nowhere'),
    engine.run('c', 'INSERT INTO t VALUES (2)'),
    engine.run('d', 'SELECT sum(n)::INTEGER FROM t'),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect(results[3]).toMatchObject({ value: [[3]] });
  expect(results[1]).toMatchObject({ reason: { code: 'DEST_FAILED' } });
});

test('a list of rows that is left early makes way for the next statement', async () => {
  for await (const rows of engine.stream('rows', 'SELECT range FROM range(100000)')) {
    expect(rows.length).toBeGreaterThan(0);
    break;
  }
  expect(await engine.run('next', 'SELECT 1')).toEqual([[1]]);
});

test('a list of rows that breaks, or is aborted, in the middle does not pass for a whole one', async () => {
  const read = async (sql: string, signal?: AbortSignal, onRows?: () => void): Promise<number> => {
    let seen = 0;
    for await (const rows of engine.stream('reading', sql, signal)) {
      seen += rows.length;
      onRows?.();
    }
    return seen;
  };
  const broken = "SELECT CASE WHEN range = 290000 THEN error('row 290000') ELSE range END FROM range(300000)";
  await expect(read(broken)).rejects.toMatchObject({ code: 'DEST_FAILED' });
  await expect(engine.run('reading', broken)).rejects.toThrow(/^reading: DuckDB failed after \d+ rows/);
  const stop = new AbortController();
  const aborted = read('FROM range(5000)', stop.signal, () => stop.abort(new Error('enough')));
  await expect(aborted).rejects.toThrow('enough');
  expect(await read('FROM range(300000)')).toBe(300_000);
});
