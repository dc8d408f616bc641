/** Whole runs over the sandbox bank that sends its client away, or whose list moves while it is read. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryTokenStore } from '../../src/auth/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { run } from '../../src/pipeline/index.ts';
import type { RunReport } from '../../src/pipeline/index.ts';
import { ChallengeLedger, comdirect, loadComdirectConfig } from '../../src/sources/comdirect/index.ts';
import type { ComdirectOptions } from '../../src/sources/comdirect/index.ts';
import { startComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox, Fault, SandboxOptions } from '../../src/sources/comdirect/sandbox/index.ts';
import { replyJson, startChaosServer, temporaryDatabase } from '../../src/testing/index.ts';
import type { TemporaryDatabase } from '../../src/testing/index.ts';

const day = new Date('2026-11-23T12:00:00Z');
const booked = 'account_transactions__booked';
let database: TemporaryDatabase;
let bank: ComdirectSandbox | undefined;

beforeEach(async () => {
  database = await temporaryDatabase();
});
afterEach(async () => {
  await bank?.close();
  bank = undefined;
  await database.remove();
});

async function openBank(options: SandboxOptions): Promise<ComdirectOptions> {
  await bank?.close();
  bank = await startComdirectSandbox({ approveAfterMs: 0, accounts: 1, now: () => day, ...options });
  return {
    config: loadComdirectConfig(bank.environment),
    tokenStore: createMemoryTokenStore(),
    ledger: new ChallengeLedger(`${database.folder}/challenges.json`),
    login: 'push',
    rateLimit: { requestsPerSecond: 10_000 },
    http: { retry: { maxAttempts: 2, baseDelayMs: 1 } },
    now: () => day,
  };
}

const load = (options: ComdirectOptions, rows: number): Promise<RunReport> =>
  run(
    { source: comdirect(options), destination: sqlite(database.path), checkpoint: { rows } },
    { now: () => day },
  );

describe('a bank that sends its client elsewhere', () => {
  test.each<[string, Pick<Fault, 'method' | 'path' | 'nth'>]>([
    ['with the PIN', { path: '/oauth/token' }],
    ['with the first token', { path: '/sessions' }],
    ['with the request for a challenge', { path: '/validate' }],
    ['with the look-up of the approval', { path: '/authentications' }],
    ['with the activation', { method: 'PATCH' }],
    ['with the second token', { path: '/oauth/token', nth: 2 }],
    ['with the refresh', { path: '/oauth/token', nth: 3 }],
    ['with the accounts', { path: '/balances' }],
    ['with the rows', { path: '/transactions' }],
  ])('%s: nobody hears from it there, and no token is asked for twice', async (_what, where) => {
    await using elsewhere = await startChaosServer(replyJson('{}'));
    const options = await openBank({ historyDays: 3 });
    bank?.inject({ kind: 'redirect', location: `${elsewhere.url}/api/`, times: 0, ...where });
    if (where.nth === 3) bank?.inject({ kind: 'expired-token', path: '/balances' });
    const report = await load(options, 100);
    expect(report.status).toBe('failed');
    expect(report.streams.some(({ error }) => error?.code === 'HTTP_REDIRECT')).toBe(true);
    expect(elsewhere.seen).toEqual([]);
    expect(bank?.login.passwordGrants).toBeLessThanOrEqual(1);
  });
});

describe('a list that moves while it is read', () => {
  const busy = { historyDays: 600, transactionsPerDay: 3 };
  const references = async (): Promise<unknown[]> =>
    (await database.sql(`SELECT reference FROM ${booked}`)).map(({ reference }) => reference).toSorted();

  test.each([1, 300, 100_000])(
    'by a booking before each page: no row is lost or doubled (a commit every %i rows)',
    async (rows) => {
      const options = await openBank(busy);
      bank?.inject({ kind: 'arrival', path: '=BOOKED', nth: 2, times: 0 });
      const report = await load(options, rows);
      expect(report).toMatchObject({ status: 'succeeded' });
      expect(report.streams[1]?.batches).toBeGreaterThan(2);
      const found = await references();
      expect(new Set(found).size).toBe(found.length);
      // What was there all the time is there now; a second run brings what arrived above the first page.
      bank?.clearFaults();
      expect(await load(options, rows)).toMatchObject({ status: 'succeeded' });
      const complete = await references();
      await database.remove();
      database = await temporaryDatabase();
      await load(options, 100_000);
      expect(complete).toEqual(await references());
      expect(found.length).toBeGreaterThan(complete.length - 10);
    },
  );

  test('and breaks off at every page in turn: each run goes on, and the last one has all', async () => {
    const options = await openBank(busy);
    for (let nth = 2; nth < 5; nth++) {
      bank?.clearFaults();
      bank?.inject({ kind: 'status', status: 500, path: '=BOOKED', nth, times: 0 });
      expect((await load(options, 200)).streams[1]).toMatchObject({
        status: 'failed',
        error: { retryable: true },
      });
      bank?.arrive();
    }
    bank?.clearFaults();
    expect(await load(options, 200)).toMatchObject({ status: 'succeeded' });
    const found = await references();
    await database.remove();
    database = await temporaryDatabase();
    await load(options, 100_000);
    expect(found).toEqual(await references());
  });
});
