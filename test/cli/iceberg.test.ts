/** Iceberg from the command line: run, status, maintain. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { iceberg } from '../../src/destinations/iceberg/index.ts';
import type { DestinationStatus } from '../../src/model/index.ts';
import { startComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let folder: string;
let bank: ComdirectSandbox;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-cli-iceberg-'));
  bank = await startComdirectSandbox({
    approveAfterMs: 50,
    historyDays: 200,
    now: () => new Date('2026-11-23T08:00:00Z'),
  });
});
afterAll(async () => {
  await bank.close();
  rmSync(folder, { recursive: true, force: true });
});

async function plumbing(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PLUMBING_STATE_DIR: join(folder, 'state'),
      PLUMBING_REQUESTS_PER_SECOND: '1000',
      PLUMBING_LOGIN: 'push',
      ...bank.environment,
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

test('the bank in Iceberg tables: loaded, loaded again, the same as in SQLite, maintained', async () => {
  const first = await plumbing('run', 'comdirect', '--to', 'iceberg:./warehouse', '--json');
  expect([first.code, first.stderr]).toEqual([0, expect.any(String)]);
  const again = await plumbing('run', 'comdirect', '--to', 'iceberg:./warehouse', '--json');
  expect(again.code).toBe(0);
  const added = (text: string): number =>
    (JSON.parse(text) as { streams: { inserted: number }[] }).streams.reduce(
      (sum, { inserted }) => sum + inserted,
      0,
    );
  expect(added(first.stdout)).toBeGreaterThan(100);
  expect((await plumbing('run', 'comdirect', '--to', 'sqlite:bank.db')).code).toBe(0);
  const status = async (to: string): Promise<DestinationStatus> =>
    JSON.parse((await plumbing('status', '--to', to, '--json')).stdout) as DestinationStatus;
  const [lake, file] = [await status('iceberg:./warehouse'), await status('sqlite:bank.db')];
  expect(lake.tables).toEqual(file.tables);
  expect(lake.loads.map(({ status: end }) => end)).toEqual(['succeeded', 'succeeded']);
  expect(lake.state.map(({ stream, partition, state }) => [stream, partition, state.cursor])).toEqual(
    file.state.map(({ stream, partition, state }) => [stream, partition, state.cursor]),
  );
  const done = await plumbing(
    'maintain',
    '--to',
    'iceberg:./warehouse',
    '--expire-days',
    '0',
    '--retain',
    '1',
    '--json',
  );
  expect(done.code).toBe(0);
  expect(await status('iceberg:./warehouse')).toEqual(lake);
  const sql = (alias: string): string =>
    `SELECT booking_status, count(*) AS n, sum(amount__value) AS total FROM ${alias}.account_transactions__booked GROUP BY ALL`;
  const ask = async (attach: string, alias: string): Promise<unknown> =>
    JSON.parse((await plumbing('query', '--attach', attach, '--json', sql(alias))).stdout);
  expect(await ask('lake=iceberg:./warehouse', 'lake')).toEqual(await ask('bank=bank.db', 'bank'));
  const session = await iceberg(join(folder, 'warehouse')).open({ readOnly: true });
  expect(typeof (await session.reader.getMax('account_transactions__booked', 'booking_date'))).toBe('string');
  await session.close();
});

test('maintain takes the tables that are named, and none that is not there', async () => {
  const to = ['--to', 'iceberg:./named'];
  expect((await plumbing('run', 'comdirect', ...to)).code).toBe(0);
  const maintained = async (...names: string[]): Promise<string[]> => {
    const { stdout } = await plumbing('maintain', ...to, '--json', '--tables', ...names);
    return (JSON.parse(stdout) as { table: string }[]).map(({ table }) => table);
  };
  const [balances, booked] = ['account_balances', 'account_transactions__booked'];
  expect(await maintained(`${balances},${booked}`)).toEqual([balances, booked]);
  expect(await maintained(booked, balances)).toEqual([booked, balances]);
  expect(await maintained('_plumbing_loads')).toEqual(['_plumbing_loads']);
  const { code, stderr } = await plumbing('maintain', ...to, '--tables', `${balances},account_balance`);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /CONFIG_INVALID: .*no table "account_balance"; it has .*account_transactions__booked/,
  );
});

test('a load is taken back, told as such, and loaded again', async () => {
  const to = ['--to', 'iceberg:./undone'];
  const run = async (): Promise<{ loadId: string; streams: { inserted: number }[] }> =>
    JSON.parse((await plumbing('run', 'comdirect', ...to, '--json')).stdout) as never;
  const status = async (): Promise<DestinationStatus> =>
    JSON.parse((await plumbing('status', ...to, '--json')).stdout) as DestinationStatus;
  const { loadId, streams } = await run();
  const done = await plumbing('undo', loadId, ...to);
  expect([done.code, done.stdout]).toEqual([0, expect.stringContaining(`Load ${loadId} was taken back.`)]);
  const { tables, state, loads } = await status();
  expect(tables.map(({ rows }) => rows)).toEqual(tables.map(() => 0));
  expect([state, loads.map((load) => load.status)]).toEqual([[], ['undone']]);
  const again = await plumbing('undo', loadId, ...to);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('taken back already')]);
  const next = await run();
  expect(next.streams.map(({ inserted }) => inserted)).toEqual(streams.map(({ inserted }) => inserted));
  const json = await plumbing('undo', next.loadId, ...to, '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({ loadId: next.loadId, pipeline: 'comdirect' });
});

test.each([
  [['maintain', '--to', 'sqlite:bank.db'], /only Iceberg tables need this/],
  [['run', 'comdirect', '--to', 'iceberg:s3://lake/bank'], /S3_REGION is not set/],
  [['status', '--to', 'iceberg:./nowhere'], /catalog\.db/],
])('%j is refused with words that help', async (args, words) => {
  const { code, stderr } = await plumbing(...args);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(words);
});
