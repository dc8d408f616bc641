/** Queries that fail, or are aborted, after their first rows: never a part of the rows as if it were all. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openAnalytics } from '../../src/analytics/index.ts';
import type { Analytics } from '../../src/analytics/index.ts';

const rows = 300_000;
const folder = mkdtempSync(join(tmpdir(), 'plumbing-broken-'));
let db: Analytics;
beforeAll(async () => {
  const path = join(folder, 'f.db');
  const file = new DatabaseSync(path);
  file.exec(`CREATE TABLE good (a INTEGER); CREATE TABLE bad (a INTEGER);
    WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < ${rows}) INSERT INTO good SELECT a FROM n;
    INSERT INTO bad SELECT a FROM good; INSERT INTO bad VALUES ('x')`);
  file.close();
  db = await openAnalytics({ attach: { f: path } });
});
afterAll(async () => {
  await db.close();
  rmSync(folder, { recursive: true });
});

/** Counts what is handed out before the end, whatever that is. */
async function count(
  sql: string,
  signal?: AbortSignal,
  onBatch?: (rows: number) => unknown,
): Promise<number> {
  let seen = 0;
  for await (const batch of db.query(sql, [], signal ? { signal } : {})) {
    seen += batch.length;
    await onBatch?.(seen);
  }
  return seen;
}

describe('an error after the first rows', () => {
  test.each([
    ['QUERY_FAILED', `SELECT CASE WHEN range = 290000 THEN error('no') ELSE range END FROM range(${rows})`],
    ['QUERY_FAILED', `SELECT CASE WHEN range = 290000 THEN ('x' || range)::INTEGER END FROM range(${rows})`],
    ['ROW_INVALID', 'SELECT a FROM f.bad'],
  ])('is %s: %s', async (code, sql) => {
    let seen = 0;
    await expect(count(sql, undefined, (so) => (seen = so))).rejects.toMatchObject({ code });
    expect(seen).toBeGreaterThan(0);
    await expect(db.query(sql).all()).rejects.toMatchObject({ code });
    expect(await db.query('SELECT 1 AS n').all()).toEqual([{ n: 1 }]);
  });

  test('says after how many rows, and where the reason can be had', async () => {
    const sql = `SELECT CASE WHEN range = 290000 THEN error('boom') ELSE range END AS n FROM range(${rows})`;
    await expect(db.query(sql).all()).rejects.toThrow(/failed after \d+ rows.*exportTo/);
    await expect(db.exportTo(join(folder, 'out.csv'), sql)).rejects.toThrow('boom');
  });
});

test('all rows of a query that does not fail', async () => {
  for (const [sql, expected] of [
    ['SELECT 1 WHERE false', 0],
    ['CREATE TEMP TABLE mine (a INTEGER)', 0],
    ['FROM range(2048)', 2_048],
    ['FROM f.good', rows],
    ['FROM f.good ORDER BY a DESC', rows],
  ] as const)
    expect([sql, await count(sql)]).toEqual([sql, expected]);
});

describe('an abort', () => {
  const reason = new Error('enough');

  test.each([0, 1, 100])('between two batches, %d ms before the next, ends a query', async (delayMs) => {
    await db.query('CREATE OR REPLACE TEMP TABLE taken (a BIGINT)').all();
    // The rows of the last are all there before the first is handed out: nothing is left to interrupt.
    const insert = 'INSERT INTO taken FROM range(5000) RETURNING a';
    for (const sql of ['FROM f.good', 'FROM range(5000)', insert]) {
      const stop = new AbortController();
      const run = count(sql, stop.signal, async (seen) => {
        if (seen === 2_048) stop.abort(reason);
        if (seen === 2_048) await new Promise((resolve) => setTimeout(resolve, delayMs));
      });
      await expect(run).rejects.toBe(reason);
    }
  });

  test('at any moment gives its reason, or all rows', async () => {
    for (let delayMs = 0; delayMs < 120; delayMs += 6) {
      const stop = new AbortController();
      setTimeout(() => stop.abort(reason), delayMs);
      const given = await db
        .query('FROM f.good', [], { signal: stop.signal })
        .all()
        .catch((error: unknown) => error);
      expect(Array.isArray(given) ? given.length : given).toBe(Array.isArray(given) ? rows : reason);
    }
  });

  test('while it waits for its turn ends a query at once, and takes the turn of no other', async () => {
    const order: string[] = [];
    const noted = (name: string) => (): unknown => order.push(name);
    const endFirst = new AbortController();
    const endless = 'SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b';
    const first = count(endless, endFirst.signal).catch(noted('first'));
    const stop = new AbortController();
    const queued = [
      db.query('SELECT 1', [], { signal: stop.signal }).all(),
      db.exportTo(join(folder, 'none.csv'), 'SELECT 1', [], { signal: stop.signal }),
    ];
    const last = count('SELECT 1').then(noted('last'));
    setTimeout(() => stop.abort(reason), 20);
    for (const query of queued) await expect(query).rejects.toBe(reason);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(order).toEqual([]);
    endFirst.abort(reason);
    await Promise.all([first, last]);
    expect(order).toEqual(['first', 'last']);
    expect(existsSync(join(folder, 'none.csv'))).toBe(false);
  });
});
