/** The known faults of the Python original: each test here would fail on its behaviour. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryTokenStore } from '../src/auth/index.ts';
import type { TokenStore } from '../src/auth/index.ts';
import {
  getMaxDate,
  sqlite,
  writeAccountBalances,
  writeAccountTransactionsBooked,
  writeAccountTransactionsNotBooked,
} from '../src/destinations/sqlite/index.ts';
import { run } from '../src/pipeline/index.ts';
import type { RunReport } from '../src/pipeline/index.ts';
import { ChallengeLedger, comdirect, loadComdirectConfig } from '../src/sources/comdirect/index.ts';
import type { ComdirectOptions } from '../src/sources/comdirect/index.ts';
import { startComdirectSandbox } from '../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox, SandboxOptions } from '../src/sources/comdirect/sandbox/index.ts';

const day = new Date('2026-11-23T08:00:00Z');
let folder: string;
let file: string;
let bank: ComdirectSandbox;
let store: TokenStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-original-'));
  file = join(folder, 'bank.db');
  store = createMemoryTokenStore();
  await open();
});

afterEach(async () => {
  await bank.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(options: SandboxOptions = {}): Promise<void> {
  await bank?.close();
  bank = await startComdirectSandbox({ now: () => day, approveAfterMs: 20, historyDays: 100, ...options });
}

function load(options: Partial<ComdirectOptions> = {}): Promise<RunReport> {
  const source = comdirect({
    config: loadComdirectConfig(bank.environment),
    tokenStore: store,
    ledger: new ChallengeLedger(join(folder, 'challenges.json')),
    login: 'push',
    rateLimit: { requestsPerSecond: 1000 },
    now: () => bank.now(),
    ...options,
  });
  return run({ source, destination: sqlite(file) }, { now: () => bank.now() });
}

function ask(sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    db.close();
  }
}
const count = (table: string): unknown => ask(`SELECT count(*) AS n FROM ${table}`)[0]?.['n'];

test('columns have their types, not TEXT throughout', async () => {
  await load();
  const types = Object.fromEntries(
    ask("SELECT name, type FROM pragma_table_info('account_transactions__booked')").map((row) => [
      row['name'],
      row['type'],
    ]),
  );
  expect(types).toMatchObject({
    amount__value: 'DECIMAL(15,4)',
    booking_date: 'TEXT',
    new_transaction: 'BOOLEAN',
    reference: 'TEXT',
  });
  expect(
    ask('SELECT DISTINCT typeof(amount__value) AS t FROM account_transactions__booked').map(
      (row) => row['t'],
    ),
  ).not.toContain('text');
});

test('money is exact: no float on its way, sums to the cent', async () => {
  const value = '10000000000.0001';
  await writeAccountTransactionsBooked(file, 'A', [
    { reference: 'R/1', bookingStatus: 'BOOKED', amount: { value, unit: 'EUR' } },
    { reference: 'R/2', bookingStatus: 'BOOKED', amount: { value: '-52.5', unit: 'EUR' } },
  ]);
  const session = await sqlite(file).open({ readOnly: true });
  const values: unknown[] = [];
  for await (const row of session.reader.readRows('account_transactions__booked'))
    values.push(row['amount__value']);
  await session.close();
  expect(values.toSorted()).toEqual(['-52.5000', value]);
  await expect(
    writeAccountTransactionsBooked(file, 'A', [
      { reference: 'R/3', bookingStatus: 'BOOKED', amount: { value: '0.00001', unit: 'EUR' } },
    ]),
  ).rejects.toMatchObject({ code: 'ROW_INVALID' });
});

test('pending rows without a reference are not added again at each run', async () => {
  await load();
  const pending = count('account_transactions__not_booked');
  expect(pending).toBeGreaterThan(0);
  await load();
  expect(count('account_transactions__not_booked')).toBe(pending);
});

test('pending rows that vanish at the bank vanish here, also when none is left', async () => {
  const row = { reference: null, bookingStatus: 'NOTBOOKED', amount: { value: '-5', unit: 'EUR' } };
  await writeAccountTransactionsNotBooked(file, 'A', [row, row]);
  await writeAccountTransactionsNotBooked(file, 'B', [row]);
  expect(count('account_transactions__not_booked')).toBe(3);
  await writeAccountTransactionsNotBooked(file, 'A', [row]);
  expect(count('account_transactions__not_booked')).toBe(2);
  await writeAccountTransactionsNotBooked(file, 'A', []);
  expect(ask('SELECT account_id FROM account_transactions__not_booked')).toEqual([{ account_id: 'B' }]);
});

test('a page of rows without a booking date does not end the reading', async () => {
  await open({ transactionsPerDay: 20 });
  const withoutDates: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const url = new URL(input);
    if (url.searchParams.get('transactionState') !== 'BOOKED' || url.searchParams.get('paging-first') !== '0')
      return response;
    const body = (await response.text()).replaceAll(/"bookingDate":"[\d-]+"/g, '"bookingDate":null');
    return new Response(body, { status: response.status, headers: { 'content-type': 'application/json' } });
  };
  const report = await load({ http: { fetch: withoutDates } });
  const booked = report.streams[1];
  expect(booked).toMatchObject({ status: 'succeeded', quarantined: 0 });
  expect(booked?.batches).toBeGreaterThan(4);
  expect(ask('SELECT min(booking_date) AS oldest FROM account_transactions__booked')[0]?.['oldest']).toMatch(
    /^2026-08/,
  );
});

test('the login goes on as soon as the TAN is approved, without a fixed wait', async () => {
  await open({ approval: 'manual' });
  const startedMs = performance.now();
  const running = load();
  await expect.poll(() => bank.approve(), { timeout: 10_000 }).toBe(true);
  expect((await running).status).toBe('succeeded');
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

test('values never become SQL', async () => {
  const evil = "x'); DROP TABLE account_transactions__booked; --";
  const row = {
    reference: evil,
    bookingStatus: evil,
    amount: { value: '1', unit: evil },
    remitter: { holderName: evil },
  };
  await writeAccountTransactionsBooked(file, evil, [row]);
  await writeAccountTransactionsNotBooked(file, evil, [row]);
  await writeAccountTransactionsNotBooked(file, evil, []);
  expect(
    ask('SELECT account_id, reference, remitter__holder_name FROM account_transactions__booked'),
  ).toEqual([{ account_id: evil, reference: evil, remitter__holder_name: evil }]);
  const where = [{ column: 'account_id', op: '=', value: evil }] as const;
  expect(await getMaxDate(file, 'account_transactions__booked', 'booking_date', where)).toBeNull();
});

test('a busy bank is asked again, and pages that never end are an error', async () => {
  bank.inject({ kind: 'status', status: 429, retryAfter: '0', path: '/transactions', times: 2 });
  expect((await load({ http: { retry: { baseDelayMs: 1 } } })).status).toBe('succeeded');
  const endless: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!new URL(input).searchParams.has('paging-first')) return response;
    return new Response((await response.text()).replace(/"matches":\d+/, '"matches":1000000000'), {
      headers: { 'content-type': 'application/json' },
    });
  };
  const report = await load({ http: { fetch: endless } });
  expect(report.streams[1]).toMatchObject({
    status: 'failed',
    error: {
      code: expect.stringMatching(/PAGINATION_LOOP|LIMIT_EXCEEDED|HTTP_BAD_BODY|SOURCE_FAILED/) as string,
    },
  });
});

test('a refreshed token is stored, not only returned', async () => {
  await load();
  const first = await store.read();
  bank.advance(700_000);
  expect((await load()).status).toBe('succeeded');
  expect((await store.read())?.issuedAtMs).toBeGreaterThan(first?.issuedAtMs ?? Infinity);
  expect(bank.login).toMatchObject({ passwordGrants: 1, refreshGrants: 1 });
});

describe('named writers', () => {
  const balance = (value: string) => ({
    account: { accountId: 'A', iban: null, accountType: { key: 'CA', text: 'Girokonto' } },
    accountId: 'A',
    balance: { value, unit: 'EUR' },
  });

  test('writeAccountBalances keeps one snapshot an account and day of the bank', async () => {
    const at = (time: string) => ({ now: () => new Date(time) });
    await writeAccountBalances(file, [balance('1')], at('2026-11-22T22:59:00Z'));
    await writeAccountBalances(file, [balance('2')], at('2026-11-22T23:01:00Z'));
    await writeAccountBalances(file, [balance('3')], at('2026-11-23T10:00:00Z'));
    expect(
      ask('SELECT _inserted_at_day AS day, balance__value AS value FROM account_balances ORDER BY day'),
    ).toEqual([
      { day: '2026-11-22', value: 1 },
      { day: '2026-11-23', value: 3 },
    ]);
  });

  test('a row that does not fit writes nothing at all, and its values are not in the error', async () => {
    await expect(writeAccountBalances(file, [balance('1'), balance('canary')])).rejects.toMatchObject({
      code: 'ROW_INVALID',
      message: expect.not.stringContaining('canary') as string,
    });
    await writeAccountBalances(file, []);
    expect(count('account_balances')).toBe(0);
  });

  test('they and the pipeline fill the same tables: one after the other changes nothing', async () => {
    await load();
    const before = ask('SELECT * FROM account_transactions__booked ORDER BY account_id, reference');
    const { createComdirectClient, getAccountsBalances, getTransactionDataPaginated, AccessToken } =
      await import('../src/sources/comdirect/index.ts');
    const client = createComdirectClient({
      config: loadComdirectConfig(bank.environment),
      accessToken: AccessToken.fromJSON(await store.read()),
      rateLimit: { requestsPerSecond: 1000 },
    });
    for (const { accountId } of await getAccountsBalances(client)) {
      for await (const page of getTransactionDataPaginated(client, {
        accountId,
        transactionState: 'BOOKED',
      })) {
        expect(await writeAccountTransactionsBooked(file, accountId, page)).toMatchObject({
          inserted: 0,
          updated: 0,
        });
      }
    }
    expect(ask('SELECT * FROM account_transactions__booked ORDER BY account_id, reference')).toEqual(before);
  });
});
