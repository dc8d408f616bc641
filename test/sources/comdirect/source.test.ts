import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createMemoryTokenStore } from '../../../src/auth/index.ts';
import { sqlite } from '../../../src/destinations/sqlite/index.ts';
import { isPlumbingError } from '../../../src/errors/index.ts';
import { run } from '../../../src/pipeline/index.ts';
import type { RunReport } from '../../../src/pipeline/index.ts';
import { comdirect } from '../../../src/sources/comdirect/index.ts';
import type { ComdirectOptions } from '../../../src/sources/comdirect/index.ts';
import { readStream, startSetting } from './sandbox-bank.ts';
import { failure, temporaryFolder } from './scripted-bank.ts';

const booked = 'account_transactions__booked';
const notBooked = 'account_transactions__not_booked';
const dayMs = 86_400_000;
/** A Monday, so that the next day is a banking day. */
const monday = new Date('2026-11-23T09:00:00Z');

async function database(): Promise<{ file: string; all(sql: string): Record<string, unknown>[] }> {
  const file = join(await temporaryFolder(), 'bank.db');
  return {
    file,
    all(sql) {
      const db = new DatabaseSync(file, { readOnly: true });
      try {
        return db.prepare(sql).all();
      } finally {
        db.close();
      }
    },
  };
}

const load = (options: ComdirectOptions, file: string, more: object = {}): Promise<RunReport> =>
  run({ source: comdirect(options), destination: sqlite(file), ...more }, { now: options.now as () => Date });

const of = (report: RunReport, name: string) => report.streams.find(({ stream }) => stream === name);

describe('without a login', () => {
  test('an unattended run needs a person, and asks the bank nothing', async () => {
    const { bank, options } = await startSetting();
    const { file } = await database();
    const report = await load({ ...options, login: 'never' }, file);
    expect(report.status).toBe('failed');
    expect(report.streams[0]?.error?.code).toBe('AUTH_NEEDS_PERSON');
    expect(bank.requests).toEqual([]);
  });

  test('interactive asks through onChallenge', async () => {
    const { options } = await startSetting({ tanMethods: ['P_TAN'], tan: '123123' });
    const { rows } = await readStream(
      { ...options, login: 'interactive', onChallenge: async () => '123123' },
      'account_balances',
    );
    expect(rows).toHaveLength(3);
  });

  test('a login that fails is not tried again for the next stream', async () => {
    const { bank, options } = await startSetting({ approval: 'reject' });
    const { file } = await database();
    const report = await load(options, file);
    expect(report.streams.map(({ status }) => status)).toEqual(['failed', 'skipped', 'skipped']);
    expect(bank.login.passwordGrants).toBe(1);
  });

  test('a missing configuration is CONFIG_INVALID at once', () => {
    const variable = process.env['COMDIRECT_CLIENT_ID'];
    delete process.env['COMDIRECT_CLIENT_ID'];
    try {
      expect(() => comdirect()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    } finally {
      if (variable !== undefined) process.env['COMDIRECT_CLIENT_ID'] = variable;
    }
  });
});

describe('rows', () => {
  test('every row of the bank fits its table, and none has fields beside it', async () => {
    const { options, bank } = await startSetting({ accounts: 4, now: () => monday });
    const { file, all } = await database();
    const report = await load(options, file);
    expect(report.status).toBe('succeeded');
    for (const stream of report.streams) {
      expect(stream.quarantined).toBe(0);
      expect(stream.schemaChanges).toEqual([]);
      expect(stream.read).toBeGreaterThan(0);
    }
    expect(
      all(`SELECT count(*) AS n FROM ${booked} WHERE remittance_info LIKE '%  %' OR account_id IS NULL`),
    ).toEqual([{ n: 0 }]);
    expect(all(`SELECT count(*) AS n FROM ${booked} WHERE typeof(amount__value) = 'text'`)).toEqual([
      { n: 0 },
    ]);
    expect(bank.requests.every(({ method }) => method !== 'PUT')).toBe(true);
  });

  test('quirk 26: fields that the bank adds become columns, and nothing is refused', async () => {
    const { options, bank } = await startSetting();
    bank.inject({ kind: 'unknown-fields', path: '/transactions', times: 0 });
    const { file, all } = await database();
    const report = await load(options, file, { streams: [booked] });
    expect(report.status).toBe('succeeded');
    expect(of(report, booked)?.quarantined).toBe(0);
    expect(all(`SELECT count(*) AS n FROM ${booked} WHERE invented_later = 'new'`)[0]?.['n']).toBe(
      of(report, booked)?.read,
    );
  });

  test('the whole history is read, and the first run can begin later', async () => {
    const { options, requests } = await startSetting({ historyDays: 900 });
    const everything = await readStream(options, booked);
    expect(requests('BOOKED')[0]).toContain('min-bookingDate=1970-01-01');
    const lately = await readStream(options, booked, '2026-01-01');
    expect(lately.rows.length).toBeLessThan(everything.rows.length);
    expect(lately.rows.every((row) => String(row['bookingDate']) >= '2026-01-01')).toBe(true);
  });

  test('something else than a date as a start is CONFIG_INVALID', async () => {
    const { options } = await startSetting();
    expect(isPlumbingError(await failure(readStream(options, booked, 'gestern')), 'CONFIG_INVALID')).toBe(
      true,
    );
  });
});

describe('one run after another', () => {
  test('the second run reads only the last days again, and adds nothing', async () => {
    const { options, requests } = await startSetting({ historyDays: 900, now: () => monday });
    const { file, all } = await database();
    const first = await load(options, file);
    const before = all(`SELECT * FROM ${booked} ORDER BY account_id, reference`).length;
    const second = await load(options, file);
    expect(second.status).toBe('succeeded');
    expect(of(second, booked)).toMatchObject({ inserted: 0, updated: 0 });
    expect(of(second, booked)?.read).toBeLessThan((of(first, booked)?.read ?? 0) / 5);
    expect(all(`SELECT * FROM ${booked}`)).toHaveLength(before);
    for (const [account, cursor] of Object.entries(of(first, booked)?.cursors ?? {})) {
      const lastRequest = requests(`${account}/transactions?transactionState=BOOKED`).at(-1);
      const from = new Date(Date.parse(String(cursor)) - 14 * dayMs).toISOString().slice(0, 10);
      expect(lastRequest).toContain(`min-bookingDate=${from}`);
    }
  });

  test('a booking that arrives on the day of the newest known one is found', async () => {
    const { options, bank } = await startSetting({ now: () => monday });
    const { file, all } = await database();
    await load(options, file, { streams: [booked] });
    const before = Number(all(`SELECT count(*) AS n FROM ${booked}`)[0]?.['n']);
    bank.inject({ kind: 'arrival', path: 'BOOKED' });
    const report = await load(options, file, { streams: [booked] });
    expect(of(report, booked)?.inserted).toBeGreaterThan(0);
    expect(Number(all(`SELECT count(*) AS n FROM ${booked}`)[0]?.['n'])).toBeGreaterThan(before);
  });

  test('quirk 9: pending rows that became booked ones, or vanished, are gone; an empty set empties the account', async () => {
    const { options, bank } = await startSetting({ now: () => monday, accounts: 1, transactionsPerDay: 6 });
    const { file, all } = await database();
    await load(options, file);
    const pending = all(`SELECT _plumbing_row_key AS key FROM ${notBooked}`).map(({ key }) => key);
    expect(pending.length).toBeGreaterThan(0);
    bank.advance(30 * dayMs);
    await load({ ...options, tokenStore: createMemoryTokenStore() }, file);
    const later = all(`SELECT _plumbing_row_key AS key FROM ${notBooked}`).map(({ key }) => key);
    expect(later.filter((key) => pending.includes(key))).toEqual([]);
    const { batches } = await readStream(options, notBooked);
    for (const { rows, scopes } of batches) {
      expect(scopes).toEqual([{ account_id: expect.stringMatching(/^[\dA-F]{32}$/) as unknown }]);
      expect(rows.length).toBe(later.length);
    }
  });

  test('an account without pending rows still names its scope', async () => {
    const { options } = await startSetting({ transactionsPerDay: 0, historyDays: 1, accounts: 2 });
    const { batches } = await readStream(options, notBooked);
    expect(batches.map(({ rows, scopes }) => [rows.length, scopes?.length])).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  test('one snapshot of balances a day, by the day at the bank', async () => {
    // 23:30 in Berlin, when it is 22:30 UTC; an hour later the bank has a new day.
    const { options, bank } = await startSetting({
      now: () => new Date('2026-11-23T22:30:00Z'),
      accounts: 2,
    });
    const { file, all } = await database();
    for (const [advanceMs, snapshots] of [
      [0, 2],
      [60_000, 2],
      [3_600_000, 4],
    ] as const) {
      bank.advance(advanceMs);
      await load({ ...options, tokenStore: createMemoryTokenStore() }, file, {
        streams: ['account_balances'],
      });
      expect(all('SELECT * FROM account_balances')).toHaveLength(snapshots);
    }
    expect(all('SELECT DISTINCT _inserted_at_day AS day FROM account_balances ORDER BY 1')).toEqual([
      { day: '2026-11-23' },
      { day: '2026-11-24' },
    ]);
  });

  test('one source can run again, and sees accounts anew each time', async () => {
    const { options, requests } = await startSetting();
    const { file } = await database();
    const source = comdirect(options);
    for (let i = 0; i < 2; i++)
      await run({ source, destination: sqlite(file), streams: [booked, notBooked] });
    expect(requests('/accounts/balances')).toHaveLength(2);
  });
});

describe('faults of the bank', () => {
  const path = 'transactionState=BOOKED';
  test.each([
    ['429 with a wait', { kind: 'status', status: 429, retryAfter: '0' }],
    ['429 in Latin-1 without a wait', { kind: 'status', status: 429 }],
    ['500', { kind: 'status', status: 500 }],
    ['503', { kind: 'status', status: 503 }],
    ['a connection that breaks', { kind: 'reset' }],
    ['a body that breaks off', { kind: 'truncated', shape: 'length' }],
    ['a body that ends too early', { kind: 'truncated', shape: 'clean' }],
    ['a page of HTML', { kind: 'html' }],
    ['a token that dies', { kind: 'expired-token' }],
    ['a booking that arrives', { kind: 'arrival' }],
    ['404 for a page', { kind: 'status', status: 404 }],
  ] as const)('%s in the middle of a list loses no row', async (_, fault) => {
    const { options, bank } = await startSetting({
      accounts: 1,
      historyDays: 900,
      transactionsPerDay: 3,
      now: () => monday,
    });
    const expected = (await readStream(options, booked)).rows.map((row) => row['reference']);
    expect(expected.length).toBeGreaterThan(1000);
    bank.inject({ ...fault, path, nth: 2 });
    const references = new Set((await readStream(options, booked)).rows.map((row) => row['reference']));
    for (const reference of expected) expect(references).toContain(reference);
  });

  test('a body that stalls and a bank that hangs are given up, and asked again', async () => {
    const { options, bank } = await startSetting({ accounts: 1 });
    bank.inject({ kind: 'slow', part: 'body', delayMs: 60_000, path });
    bank.inject({ kind: 'hang', path, nth: 2 });
    const http = { ...options.http, timeoutMs: 300, idleTimeoutMs: 100 };
    expect((await readStream({ ...options, http }, booked)).rows.length).toBeGreaterThan(0);
  });

  test('a redirect to another place is not followed', async () => {
    const { options, bank } = await startSetting();
    const stranger = await startSetting();
    bank.inject({ kind: 'redirect', location: `${stranger.bank.url}/api/`, path, times: 0 });
    expect(isPlumbingError(await failure(readStream(options, booked)), 'HTTP_REDIRECT')).toBe(true);
    expect(stranger.bank.requests).toEqual([]);
  });

  test('a stream that fails for good keeps what it has, and the next run makes it good', async () => {
    const { options, bank } = await startSetting({ accounts: 2, historyDays: 900, now: () => monday });
    const complete = (await readStream(options, booked)).rows.length;
    const { file, all } = await database();
    bank.inject({ kind: 'status', status: 422, path: 'paging-first=495', times: 0 });
    const failed = await load(options, file, { checkpoint: { rows: 100 } });
    expect(of(failed, booked)?.status).toBe('failed');
    expect(of(failed, booked)?.error?.message).toContain('accounts/{accountId}/transactions answered 422');
    expect(of(failed, notBooked)?.status).toBe('succeeded');
    expect(of(failed, booked)?.cursors).toEqual({});
    bank.clearFaults();
    expect((await load(options, file)).status).toBe('succeeded');
    expect(all(`SELECT * FROM ${booked}`)).toHaveLength(complete);
  });

  test('neither errors nor the report show an account id beside the cursors, or a credential', async () => {
    const { options, bank } = await startSetting();
    const { rows } = await readStream(options, 'account_balances');
    bank.inject({ kind: 'status', status: 422, path: '/transactions', times: 0 });
    const { file } = await database();
    const shown = inspect(await load(options, file), { depth: 9 });
    for (const row of rows)
      for (const secret of [row['accountId'], row['iban']]) expect(shown).not.toContain(secret);
    for (const secret of Object.values(bank.credentials)) expect(shown).not.toContain(secret);
  });
});

test('only GETs go to the API after the login, and nothing is written at the bank', async () => {
  const { options, bank } = await startSetting();
  const { file } = await database();
  await load(options, file);
  const writes = bank.requests
    .filter(({ method }) => method !== 'GET')
    .map(({ method, url }) => `${method} ${url.replace(/[\dA-F]{32}/, '{id}')}`);
  expect(writes).toEqual([
    'POST /oauth/token',
    'POST /api/session/clients/user/v1/sessions/{id}/validate',
    'PATCH /api/session/clients/user/v1/sessions/{id}',
    'POST /oauth/token',
  ]);
});
