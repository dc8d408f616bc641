/**
 * Whatever the bank does wrong, at whatever step, no secret shows in an error, a log, a report or the database, and no
 * account number anywhere but in the data.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemoryTokenStore } from '../../src/auth/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { configureLogging, redactError } from '../../src/logging/index.ts';
import { run } from '../../src/pipeline/index.ts';
import {
  authenticateUserCredentials,
  ChallengeLedger,
  comdirect,
  loadComdirectConfig,
} from '../../src/sources/comdirect/index.ts';
import { startComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import type { Fault, FaultKind } from '../../src/sources/comdirect/sandbox/index.ts';
import { temporaryDatabase } from '../../src/testing/index.ts';
import { Canaries, planted } from './canaries.ts';
import { echoes } from './echoes.ts';
import { startListeningProxy } from './listening-proxy.ts';
import type { Spoil } from './listening-proxy.ts';

const logged: string[] = [];
let linesLogged = 0;
beforeAll(() =>
  configureLogging({
    level: 'trace',
    format: 'jsonl',
    stream: { write: (line: string) => logged.push(line) },
  }),
);
afterAll(async () => {
  await configureLogging({ level: 'fatal' });
  // Silence proves nothing unless something was said.
  expect(linesLogged).toBeGreaterThan(100);
});

/** The steps of a run, from the PIN to the last page. */
const steps: Readonly<
  Record<string, { readonly method: string; readonly path: RegExp; readonly nth?: number }>
> = {
  PIN: { method: 'POST', path: /oauth\/token/ },
  session: { method: 'GET', path: /\/sessions$/ },
  challenge: { method: 'POST', path: /\/validate$/ },
  approval: { method: 'GET', path: /\/authentications\// },
  activation: { method: 'PATCH', path: /\/sessions\// },
  'second token': { method: 'POST', path: /oauth\/token/, nth: 2 },
  balances: { method: 'GET', path: /\/balances/ },
  'booked page': { method: 'GET', path: /=BOOKED/ },
  'pending page': { method: 'GET', path: /=NOTBOOKED/ },
};

/** What goes wrong in a run. */
interface Arrangement {
  readonly fault?: Fault;
  readonly spoil?: Spoil;
  readonly tanMethod?: 'M_TAN';
}

/** Runs through everything, all arrangements at once, and looks for what must not be seen. */
async function expectSilence(...arrangements: Arrangement[]): Promise<void> {
  const secrets = new Canaries().add(planted);
  const accounts = new Canaries();
  logged.length = 0;
  const shown = await Promise.all(arrangements.map((arrangement) => runOnce(arrangement, secrets, accounts)));
  const text = [...shown.flat(), ...logged].join('\n');
  linesLogged += logged.length;
  expect(secrets.shownIn(text)).toEqual([]);
  expect(accounts.shownIn(text)).toEqual([]);
}

/** One run, from the login on; gives all that it shows but the logs. */
async function runOnce(arrange: Arrangement, secrets: Canaries, accounts: Canaries): Promise<string[]> {
  await using database = await temporaryDatabase();
  const bank = await startComdirectSandbox({
    credentials: planted,
    tan: planted.tan,
    approveAfterMs: 0,
    historyDays: 3,
    accounts: 2,
    ...(arrange.fault && { faults: [arrange.fault] }),
  });
  await using proxy = await startListeningProxy(bank.url, secrets, accounts);
  if (arrange.spoil) proxy.spoil = arrange.spoil;
  const http = {
    timeoutMs: 150,
    idleTimeoutMs: 150,
    retry: { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 20 },
  };
  const config = loadComdirectConfig({ ...bank.environment, COMDIRECT_BASE_URL: proxy.url });
  const login = {
    ledger: new ChallengeLedger(join(database.folder, 'challenges.json')),
    http,
    pollIntervalMs: 1,
    approvalTimeoutMs: 100,
    ...(arrange.tanMethod && { tanMethod: arrange.tanMethod, onChallenge: async () => planted.tan }),
  };
  const shown: string[] = [inspect(config, { depth: 10, showHidden: true })];
  try {
    const token = await authenticateUserCredentials(config, login);
    const source = comdirect({
      config,
      tokenStore: createMemoryTokenStore(token.toJSON()),
      http,
      rateLimit: { requestsPerSecond: 10_000 },
    });
    const report = await run({ source, destination: sqlite(database.path) });
    shown.push(
      inspect(report, { depth: 10 }),
      JSON.stringify(report),
      inspect(source, { depth: 2, showHidden: true }),
    );
    shown.push(...bookkeepingOf(database.path));
    expect(secrets.shownIn(readFileSync(database.path, 'latin1')), 'the database').toEqual([]);
  } catch (error) {
    if (!(error as { code?: string }).code) throw error;
    shown.push(
      inspect(error, { depth: 10, showHidden: true }),
      String((error as Error).stack),
      JSON.stringify(error),
      JSON.stringify(redactError(error)),
    );
  } finally {
    await bank.close();
  }
  return shown;
}

/** State, run records, schemas, and why rows were refused; not the rows. */
function bookkeepingOf(path: string): string[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = ['_plumbing_meta', '_plumbing_schemas', '_plumbing_state', '_plumbing_loads'];
    const rows = tables.flatMap((table) => db.prepare(`SELECT * FROM ${table}`).all());
    const reasons = db.prepare('SELECT table_name, reason FROM _plumbing_quarantine').all();
    return [...rows, ...reasons].map((row) => JSON.stringify(row));
  } finally {
    db.close();
  }
}

/** Something goes wrong at each step, in runs of their own. */
function expectSilenceAtEachStep(arrange: (step: (typeof steps)[string]) => Arrangement): Promise<void> {
  return expectSilence(...Object.values(steps).map(arrange));
}

describe('a bank that at any step', () => {
  test.each<[string, FaultKind]>([
    ...[401, 403, 404, 422, 429, 500].map((status): [string, FaultKind] => [
      `answers ${status}`,
      { kind: 'status', status, ...(status === 429 && { retryAfter: '1000' }) },
    ]),
    ['answers in Latin-1', { kind: 'latin1', status: 422 }],
    ['breaks off before the announced length', { kind: 'truncated', shape: 'length' }],
    ['breaks off as if that were all', { kind: 'truncated', shape: 'clean' }],
    ['resets the connection', { kind: 'reset' }],
    ['never answers', { kind: 'hang' }],
    ['never ends its answer', { kind: 'hang', part: 'body' }],
    ['answers with a page for people', { kind: 'html' }],
    ['sends the client elsewhere', { kind: 'redirect', location: 'https://elsewhere.example/canary' }],
    ['adds unknown fields', { kind: 'unknown-fields' }],
    ['lets the token die', { kind: 'expired-token' }],
    ['books something', { kind: 'arrival' }],
  ])('%s', async (_what, fault) => {
    await expectSilenceAtEachStep((step) => ({ fault: { ...fault, ...step, times: 0 } }));
  });
});

describe('a bank that at any step', () => {
  test.each(echoes)('%s', async (_what, echo) => {
    await expectSilenceAtEachStep(({ method, path, nth = 1 }) => {
      let seen = 0;
      return {
        spoil: (passing, answered) =>
          passing.method === method && path.test(passing.url) && ++seen >= nth
            ? echo(passing, answered)
            : undefined,
      };
    });
  });
});

test('a login with a TAN, accepted or refused, shows neither TAN nor challenge', async () => {
  await expectSilence(
    { tanMethod: 'M_TAN' },
    { tanMethod: 'M_TAN', fault: { kind: 'status', status: 422, method: 'PATCH' } },
  );
});

test('rows that are refused because an account number stands where the amount belongs are refused without it', async () => {
  const iban = 'DE44999900009975400765';
  const body = (text: string): string =>
    text.replaceAll(/"value":"[^"]*"/g, `"value":"${iban}","iban":"${iban}"`);
  await expectSilence({
    spoil: ({ url }, answered) =>
      url.includes('/transactions') ? { ...answered, body: body(answered.body) } : undefined,
  });
});
