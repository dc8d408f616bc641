/** DuckDB over the tables of a Nessie server: the rows of one commit, through copies of files that are fetched once. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { openAnalytics } from '../../src/analytics/index.ts';
import { nessie } from '../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../src/destinations/nessie/index.ts';
import { decimal, defineSource, defineStream, int64, run } from '../../src/index.ts';
import { startServer } from '../destinations/nessie/server.ts';
import type { TestServer } from '../destinations/nessie/server.ts';
import { startProxy } from '../iceberg/s3-proxy.ts';
import type { Proxy } from '../iceberg/s3-proxy.ts';

let server: TestServer;
/** The store, and who asked it for what. */
let store: Proxy;
/** What it does not give. */
let refused: RegExp | undefined;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-nessie-lake-'));
  process.env['PLUMBING_STATE_DIR'] = folder;
  server = await startServer();
  store = await startProxy(server.s3Endpoint, ({ method, url }) =>
    method === 'GET' && refused?.test(url) ? { status: 404 } : 'pass',
  );
}, 540_000);
afterAll(async () => {
  await store?.[Symbol.asyncDispose]();
  await server?.close();
  delete process.env['PLUMBING_STATE_DIR'];
  rmSync(folder, { recursive: true, force: true });
});

let options: NessieOptions;
let serial = 0;
beforeEach(() => {
  const s3 = { accessKeyId: 'test', secretAccessKey: 'test', endpoint: store.endpoint };
  options = { uri: server.uri, namespace: `lake${serial++}`, s3, rewriteBelowBytes: 0 };
});

async function load(rows: readonly { id: number; amount: string }[], to = options): Promise<void> {
  const schema = z.object({ id: int64(), amount: decimal(30, 2) });
  const stream = (name: string) =>
    defineStream({
      name,
      schema,
      primaryKey: ['id'],
      write: 'upsert',
      async *read() {
        yield rows;
      },
    });
  const streams = [stream('orders'), stream('others')];
  const { status } = await run({ source: defineSource({ name: 'shop', streams }), destination: nessie(to) });
  expect(status).toBe('succeeded');
}

const fetches = (table: string): number =>
  store.seen.filter(
    (request) => request.startsWith('GET') && request.includes(`/${table}_`) && request.includes('/data/'),
  ).length;
const sql = 'SELECT id, amount FROM lake.orders ORDER BY id';

test('rows to the last digit, deleted ones left out, each query of one commit, files fetched once and only when named', async () => {
  const big = '1234567890123456789012345678.25';
  await load([
    { id: 1, amount: '1' },
    { id: 2, amount: big },
    { id: 3, amount: '3' },
  ]);
  await load([
    { id: 3, amount: '-3.5' },
    { id: 4, amount: '4' },
  ]);
  const expected = [
    { id: 1, amount: '1.00' },
    { id: 2, amount: big },
    { id: 3, amount: '-3.50' },
    { id: 4, amount: '4.00' },
  ];
  await using db = await openAnalytics({ attach: { lake: options } });
  expect((await db.tables()).map(({ table }) => table)).toEqual(['orders', 'others']);
  const [orders, others] = [fetches('orders'), fetches('others')];
  expect(await db.query(sql).all()).toEqual(expected);
  expect(fetches('orders')).toBeGreaterThan(orders);
  expect(fetches('others')).toBe(others);

  const known = store.seen.length;
  expect(await db.query(sql).all()).toEqual(expected);
  expect(store.seen).toHaveLength(known);

  await load([
    { id: 1, amount: '0' },
    { id: 5, amount: '5' },
  ]);
  expect(await db.query('SELECT count(*) AS n, min(amount) AS least FROM "lake"."orders"').all()).toEqual([
    { n: 5, least: '-3.50' },
  ]);
  const joined = 'SELECT count(*) AS n FROM lake.orders JOIN lake.others USING (id, amount)';
  expect(await db.query(joined).all()).toEqual([{ n: 5 }]);
  expect(readdirSync(join(folder, 'cache')).length).toBe(1);

  const again = fetches('orders');
  await using second = await openAnalytics({ attach: { lake: options } });
  expect(await second.query(joined).all()).toEqual([{ n: 5 }]);
  expect(fetches('orders')).toBe(again);
});

test('a file that is gone fails the queries that name its table, and no others, until it is back', async () => {
  await load([{ id: 1, amount: '1' }]);
  await using db = await openAnalytics({ attach: { lake: options } });
  const others = 'SELECT count(*) AS n FROM lake.others';
  refused = /\/orders_.*\/data\//;
  try {
    await expect(db.query(sql).all()).rejects.toMatchObject({ code: 'DEST_CORRUPT' });
    expect(await db.query(others).all()).toEqual([{ n: 1 }]);
  } finally {
    refused = undefined;
  }
  expect(await db.query(sql).all()).toEqual([{ id: 1, amount: '1.00' }]);
});

test('a commit and a branch are read as they are', async () => {
  await load([{ id: 1, amount: '1' }]);
  const { reference } = (await (await fetch(`${server.uri}/api/v2/trees/main`)).json()) as {
    reference: { name: string; hash: string; type: string };
  };
  await fetch(`${server.uri}/api/v2/trees?name=dev&type=BRANCH`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(reference),
  });
  await load([{ id: 2, amount: '2' }], { ...options, ref: 'dev' });
  await load([{ id: 3, amount: '3' }]);
  await using db = await openAnalytics({
    attach: {
      lake: options,
      dev: { ...options, ref: 'dev' },
      old: { ...options, ref: `main@${reference.hash}` },
    },
  });
  const ids = async (alias: string): Promise<unknown[]> =>
    (await db.query(`SELECT id FROM ${alias}.orders ORDER BY id`).all()).map(({ id }) => id);
  expect([await ids('lake'), await ids('dev'), await ids('old')]).toEqual([[1, 3], [1, 2], [1]]);
});

test('a query that does not name the table is told to; one that fails to fetch says so', async () => {
  await load([{ id: 1, amount: '1' }]);
  await using db = await openAnalytics({ attach: { lake: options } });
  await expect(db.query(`FROM query_table('lake.ord' || 'ers')`).all()).rejects.toMatchObject({
    code: 'QUERY_FAILED',
    message: expect.stringMatching(/lake\.orders lies in S3.*have this one name it/) as unknown,
  });
  const s3 = { ...options.s3, endpoint: 'http://127.0.0.1:9' };
  await load([{ id: 2, amount: '2' }]);
  await using dead = await openAnalytics({ attach: { lake: { ...options, s3 } } });
  await expect(dead.query(sql).all()).rejects.toMatchObject({
    message: expect.stringMatching(/connection to S3 failed/) as unknown,
  });
}, 60_000);

test('the command', async () => {
  await load([{ id: 1, amount: '1.5' }]);
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [main, 'query', '--json', '--attach', `lake=nessie:${server.uri}`, 'FROM lake.orders SELECT id, amount'],
    {
      env: {
        PATH: process.env['PATH'],
        PLUMBING_STATE_DIR: folder,
        NESSIE_NAMESPACE: options.namespace,
        S3_ACCESS_KEY_ID: 'test',
        S3_SECRET_ACCESS_KEY: 'test',
      },
    },
  );
  expect(JSON.stringify(JSON.parse(stdout))).toContain('"amount":"1.50"');
});
