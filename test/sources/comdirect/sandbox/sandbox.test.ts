import { inflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startComdirectSandbox } from '../../../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox, SandboxOptions } from '../../../../src/sources/comdirect/sandbox/index.ts';
import { BankClient, challengeOf } from './bank-client.ts';

const start = new Date('2026-11-23T08:00:00Z');
let bank: ComdirectSandbox;
let client: BankClient;

async function open(options: SandboxOptions = {}): Promise<void> {
  await bank?.close();
  bank = await startComdirectSandbox({ now: () => start, approval: 'manual', ...options });
  client = new BankClient(bank);
}

beforeEach(() => open());
afterEach(() => bank.close());

interface Row {
  readonly reference: string | null;
  readonly bookingStatus: string;
  readonly bookingDate: string | null;
  readonly valutaDate: string | null;
  readonly amount: { readonly value: string; readonly unit: string };
  readonly remitter: { readonly holderName: string } | null;
  readonly creditor: { readonly iban: string; readonly bic: string } | null;
  readonly deptor: null;
  readonly directDebitMandateId: string | null;
  readonly endToEndReference: string | null;
  readonly newTransaction: boolean;
  readonly remittanceInfo: string;
  readonly transactionType: { readonly key: string };
}

/** All booked rows of an account, page by page. */
async function history(accountId: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const { json } = await client.transactions(
      accountId,
      `transactionState=BOOKED&min-bookingDate=1970-01-01&paging-count=500&paging-first=${rows.length}`,
    );
    rows.push(...(json.values as Row[]));
    if (rows.length >= json.paging.matches || json.values.length === 0) return rows;
  }
}

describe('1 OAuth', () => {
  test('1.1: eight fields, numbers as numbers, the kdnr as text, an integer lifetime (quirk 2)', async () => {
    const { status, json } = await client.password();
    expect(status).toBe(200);
    expect(Object.keys(json).toSorted()).toEqual([
      'access_token',
      'bpid',
      'expires_in',
      'kdnr',
      'kontaktId',
      'refresh_token',
      'scope',
      'token_type',
    ]);
    expect(json).toMatchObject({ token_type: 'bearer', expires_in: 599, scope: 'TWO_FACTOR' });
    expect([typeof json.bpid, typeof json.kontaktId, typeof json.kdnr]).toEqual([
      'number',
      'number',
      'string',
    ]);
    expect(json.access_token).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
  });

  test.each([
    ['a wrong client', { client_secret: 'x' }, 401, 'invalid_client'],
    ['a wrong PIN', { password: 'x' }, 400, 'invalid_grant'],
    ['an unknown grant', { grant_type: 'magic' }, 400, 'unsupported_grant_type'],
    ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 400, 'invalid_grant'],
  ])('1.4: %s', async (_what, change, status, error) => {
    const { username, password } = bank.credentials;
    const answer = await client.token({ grant_type: 'password', username, password, ...change });
    expect([answer.status, answer.json.error]).toEqual([status, error]);
  });

  test('1.2: tokens die after 599 s, a refresh makes a new pair and spends the old one', async () => {
    await client.login();
    const old = { access: client.access, refresh: client.refresh };
    bank.advance(598_000);
    expect((await client.get('/api/banking/clients/user/v2/accounts/balances')).status).toBe(200);
    bank.advance(2_000);
    expect((await client.get('/api/banking/clients/user/v2/accounts/balances')).status).toBe(401);
    expect((await client.token({ grant_type: 'refresh_token', refresh_token: old.refresh })).status).toBe(
      200,
    );
    expect(client.access).not.toBe(old.access);
    expect((await client.get('/api/banking/clients/user/v2/accounts/balances')).status).toBe(200);
    expect((await client.token({ grant_type: 'refresh_token', refresh_token: old.refresh })).status).toBe(
      400,
    );
    bank.advance(1_201_000);
    expect((await client.token({ grant_type: 'refresh_token', refresh_token: client.refresh })).status).toBe(
      400,
    );
  });

  test('with revokeOnReuse a spent refresh token ends the session', async () => {
    await open({ revokeOnReuse: true });
    await client.login();
    const spent = client.refresh;
    await client.token({ grant_type: 'refresh_token', refresh_token: spent });
    await client.token({ grant_type: 'refresh_token', refresh_token: spent });
    expect((await client.get('/api/banking/clients/user/v2/accounts/balances')).status).toBe(401);
  });

  test('1.3: revoke answers 204 and ends everything', async () => {
    await client.login();
    expect(await client.call('DELETE', '/oauth/revoke')).toMatchObject({ status: 204, text: '' });
    expect((await client.get('/api/banking/clients/user/v2/accounts/balances')).status).toBe(401);
    expect((await client.token({ grant_type: 'refresh_token', refresh_token: client.refresh })).status).toBe(
      400,
    );
  });
});

describe('2 session and TAN', () => {
  test('2.2: a bare array of one session, with any text in place of the client id', async () => {
    await client.password();
    for (const who of ['user', '9000000001', 'B5A9F0C8B4214C019D0A6167C3190CC4']) {
      const { json } = await client.get(`/api/session/clients/${who}/v1/sessions`);
      expect(json).toEqual([
        {
          identifier: expect.stringMatching(/^[\dA-F]{32}$/) as string,
          sessionTanActive: false,
          activated2FA: false,
        },
      ]);
    }
  });

  test('2.3: 201 with a challenge and a link that is relative to the host (quirk 28)', async () => {
    await client.password();
    const answer = await client.validate(await client.identifier());
    const challenge = challengeOf(answer);
    expect(answer.status).toBe(201);
    expect(challenge).toMatchObject({
      id: expect.stringMatching(/^\d{6,9}$/) as string,
      typ: 'P_TAN_PUSH',
      availableTypes: ['P_TAN_PUSH', 'P_TAN', 'M_TAN'],
    });
    expect(challenge.link?.href).toMatch(/^\/api\/session\/v1\/authentications\/[\dA-F]{32}$/);
    expect(challenge.challenge).toBeUndefined();
  });

  test('2.3b: PENDING until approved, then AUTHENTICATED; a challenge that is gone is a 404', async () => {
    await client.password();
    const identifier = await client.identifier();
    const { link } = challengeOf(await client.validate(identifier));
    const poll = () => client.get(link?.href ?? '');
    expect((await poll()).json.status).toBe('PENDING');
    expect(bank.approve()).toBe(true);
    expect((await poll()).json.status).toBe('AUTHENTICATED');
    expect(bank.approve()).toBe(false);
    await client.validate(identifier);
    expect((await poll()).status).toBe(404);
  });

  test('P_TAN gives a PNG, M_TAN a masked number', async () => {
    await client.password();
    const identifier = await client.identifier();
    const png = Buffer.from(
      challengeOf(await client.validate(identifier, { typ: 'P_TAN' })).challenge ?? '',
      'base64',
    );
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    const data = png.indexOf('IDAT');
    expect(inflateSync(png.subarray(data + 4, data + 4 + png.readUInt32BE(data - 4))).length).toBe(64 * 65);
    expect(challengeOf(await client.validate(identifier, { typ: 'M_TAN' })).challenge).toMatch(
      /^\+49-160-99X+$/,
    );
    expect((await client.validate(identifier, { typ: 'X_TAN' })).status).toBe(422);
  });

  test('quirk 30: validate with flags that are not true is a 422', async () => {
    await client.password();
    expect((await client.validate(await client.identifier(), { flags: false })).status).toBe(422);
  });

  test('2.4: PATCH before the approval is a 422 and costs nothing; quirk 29: so is the whole challenge', async () => {
    await client.password();
    const identifier = await client.identifier();
    const challenge = challengeOf(await client.validate(identifier));
    expect((await client.activate(identifier, { id: challenge.id })).status).toBe(422);
    bank.approve();
    expect((await client.activate(identifier, challenge)).json.code).toBe(
      'UNPROCESSABLE_ONCE_AUTHENTICATION_INFO_HEADER',
    );
    expect((await client.activate(identifier, { id: challenge.id }, '000000')).status).toBe(200);
    expect(bank.login).toMatchObject({ openChallenges: 0, wrongTans: 0, locked: false });
  });

  test('quirk 31: three wrong TANs lock', async () => {
    await client.password();
    const identifier = await client.identifier();
    const { id } = challengeOf(await client.validate(identifier, { typ: 'M_TAN' }));
    for (const locked of [false, false, true]) {
      expect((await client.activate(identifier, { id }, '999999')).status).toBe(422);
      expect(bank.login.locked).toBe(locked);
    }
    expect((await client.activate(identifier, { id }, '123456')).status).toBe(422);
    expect((await client.password()).status).toBe(400);
  });

  test('quirk 31: five open challenges lock; one redeemed before that sets the count back', async () => {
    await client.password();
    const identifier = await client.identifier();
    for (let i = 0; i < 3; i++) await client.validate(identifier);
    const { id } = challengeOf(await client.validate(identifier, { typ: 'M_TAN' }));
    expect((await client.activate(identifier, { id }, '123456')).status).toBe(200);
    expect(bank.login).toMatchObject({ openChallenges: 0, locked: false });
    for (let i = 0; i < 5; i++) await client.validate(identifier);
    expect(bank.login.locked).toBe(true);
  });

  test('2.5: cd_secondary before the TAN fails, and its token replaces both', async () => {
    await client.password();
    expect((await client.token({ grant_type: 'cd_secondary', token: client.access })).status).toBe(400);
    const first = client.access;
    expect((await client.login()).status).toBe(200);
    expect(client.access).not.toBe(first);
  });

  test('a token that has only passed the PIN opens no account', async () => {
    await client.password();
    expect((await client.get('/api/banking/clients/user/v2/accounts/balances')).status).toBe(403);
  });

  test('clients that wait and confirm once, without polling, are served', async () => {
    await open({ approval: 'automatic', approveAfterMs: 0 });
    await client.password();
    const identifier = await client.identifier();
    const { id } = challengeOf(await client.validate(identifier));
    expect((await client.activate(identifier, { id })).status).toBe(200);
  });
});

describe('0.3 headers', () => {
  test.each([
    ["Python's str(dict)", "{'clientRequestId': {'sessionId': 'x', 'requestId': '1'}}"],
    [
      'a dashed UUID and 20 digits',
      '{"clientRequestId":{"sessionId":"0190e6c0-0000-7000-8000-000000000000","requestId":"12345678901234567890"}}',
    ],
  ])('%s as request info is taken, unless strict', async (_what, header) => {
    await client.login();
    const headers = { 'x-http-request-info': header };
    expect((await client.get('/api/banking/clients/user/v2/accounts/balances', headers)).status).toBe(200);
    await open({ strictHeaders: true });
    await client.login();
    expect((await client.get('/api/banking/clients/user/v2/accounts/balances', headers)).status).toBe(400);
  });

  test('no request info: 400; quirk 20: no room for JSON in Accept: 406; Accept */*: fine', async () => {
    await client.login();
    const path = '/api/banking/clients/user/v2/accounts/balances';
    expect((await client.get(path, { 'x-http-request-info': '' })).status).toBe(400);
    expect((await client.get(path, { accept: 'text/html' })).status).toBe(406);
    expect((await client.get(path, { accept: '*/*' })).status).toBe(200);
    expect((await client.get(path, { authorization: 'Bearer nobody' })).json).toMatchObject({
      error: 'invalid_token',
    });
  });
});

describe('3 banking', () => {
  beforeEach(() => client.login());

  test('3.1: balances in both versions, without the account on demand, amounts as text (quirk 32)', async () => {
    const { json } = await client.get('/api/banking/clients/user/v2/accounts/balances');
    expect(json.paging).toEqual({ index: 0, matches: 3 });
    expect(
      (await client.get('/api/banking/clients/user/v1/accounts/balances?paging-count=1000')).json,
    ).toEqual(json);
    for (const balance of json.values) {
      expect(balance.balance.value).toMatch(/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
      expect(balance.account).toMatchObject({ accountId: balance.accountId, bic: 'COBADEHD001' });
      expect(balance.account.iban).toMatch(/^DE\d{20}$/);
    }
    const plain = await client.get('/api/banking/clients/user/v2/accounts/balances?without-attr=account');
    expect('account' in plain.json.values[0]).toBe(false);
    const [first] = json.values;
    expect((await client.get(`/api/banking/v2/accounts/${first.accountId}/balances`)).json).toEqual(first);
  });

  test('quirk 37: an unknown account is a 404 with nothing in it', async () => {
    const answer = await client.get('/api/banking/v2/accounts/00000000000000000000000000000000/balances');
    expect([answer.status, answer.text]).toEqual([404, '']);
    expect(answer.headers.get('x-http-response-info')).toBeNull();
  });

  test('quirk 13: a page has 20 rows; quirk 14: the window is 180 days; both unless asked otherwise', async () => {
    const id = await client.accountId();
    const { json } = await client.transactions(id, 'transactionState=BOOKED');
    expect(json.values).toHaveLength(20);
    const all = await history(id);
    expect(all.length).toBeGreaterThan(json.paging.matches);
    const windowed = all.filter((row) => (row.bookingDate as string) >= '2026-05-27');
    expect(json.paging.matches).toBe(windowed.length);
  });

  test('quirk 15: more than 500 rows a page, or none, is a 422 with placeholders unfilled', async () => {
    const id = await client.accountId();
    for (const count of ['501', '0', '-1', 'x']) {
      const { status, json, headers } = await client.transactions(
        id,
        `transactionState=BOOKED&paging-count=${count}`,
      );
      expect(status).toBe(422);
      expect(json).toMatchObject({
        code: 'request.query.invalid',
        messages: [
          {
            key: 'paging.invalid',
            message: expect.stringContaining('{0}') as string,
            origin: ['paging-count'],
          },
        ],
      });
      expect(decodeURIComponent(headers.get('x-http-response-info') ?? '')).toContain('paging.invalid');
    }
    expect((await client.transactions(id, 'transactionState=BOOKED&paging-count=500')).status).toBe(200);
  });

  test('quirk 12: paging beyond the start works for booked rows only; quirk 40: NOTBOOKED with paging-first=0 is fine', async () => {
    const id = await client.accountId();
    for (const query of [
      'paging-first=1',
      'transactionState=BOTH&paging-first=20',
      'transactionState=NOTBOOKED&paging-first=1',
    ]) {
      expect((await client.transactions(id, query)).json.messages[0]).toMatchObject({
        key: 'requestparameter.invalid',
        origin: ['transactionState'],
      });
    }
    expect((await client.transactions(id, 'transactionState=NOTBOOKED&paging-first=0')).status).toBe(200);
    expect((await client.transactions(id, 'transactionState=SOMETIMES')).json.messages[0].key).toBe(
      'bookingStatus.invalid',
    );
  });

  test('quirk 39: unknown parameters are ignored, also those in the wrong case', async () => {
    const id = await client.accountId();
    const plain = await client.transactions(id, 'transactionState=BOOKED');
    expect(
      (await client.transactions(id, 'transactionState=BOOKED&min-bookingdate=1970-01-01&foo=bar')).json
        .paging,
    ).toEqual(plain.json.paging);
  });

  test('pages of any size give the same history, newest first, every reference once', async () => {
    const id = await client.accountId();
    const all = await history(id);
    const dates = all.map((row) => row.bookingDate as string);
    expect(dates).toEqual(dates.toSorted().toReversed());
    expect(new Set(all.map((row) => row.reference)).size).toBe(all.length);
    const odd: Row[] = [];
    for (let first = 0; first < 100; first += 7)
      odd.push(
        ...((
          await client.transactions(
            id,
            `transactionState=BOOKED&min-bookingDate=1970-01-01&paging-count=7&paging-first=${first}`,
          )
        ).json.values as Row[]),
      );
    expect(odd.slice(0, 100)).toEqual(all.slice(0, 100));
    const beyond = await client.transactions(
      id,
      `transactionState=BOOKED&min-bookingDate=1970-01-01&paging-first=${all.length}`,
    );
    expect([beyond.status, beyond.json.values]).toEqual([200, []]);
  });

  test('min- and max-bookingDate bound the rows, both included; directions split them', async () => {
    const id = await client.accountId();
    const range =
      'transactionState=BOOKED&paging-count=500&min-bookingDate=2026-09-01&max-bookingDate=2026-09-30';
    const { json } = await client.transactions(id, range);
    const expected = (await history(id)).filter((row) => (row.bookingDate as string).startsWith('2026-09'));
    expect(json.values).toEqual(expected);
    const [credit, debit] = await Promise.all(
      ['CREDIT', 'DEBIT'].map(
        async (direction) =>
          (await client.transactions(id, `${range}&transactionDirection=${direction}`)).json.values as Row[],
      ),
    );
    expect(credit?.every((row) => !row.amount.value.startsWith('-'))).toBe(true);
    expect([...(credit ?? []), ...(debit ?? [])].length).toBe(expected.length);
  });

  test('rows look as live rows do: fill patterns, windows, oddities (quirks 3, 5, 8, 10, 11, 17, 34, 35, 36)', async () => {
    const all = await history(await client.accountId());
    for (const row of all) {
      expect(row.reference).toMatch(/^[\dA-Z]{16}\/\d{1,5}$/);
      expect(row.deptor).toBeNull();
      expect(row.remittanceInfo === '01 ' || row.remittanceInfo.length % 37 === 0).toBe(true);
      expect(row.creditor !== null).toBe(
        row.transactionType.key === 'TRANSFER' && row.amount.value.startsWith('-'),
      );
      if (row.directDebitMandateId !== null) expect(row.remittanceInfo).toContain('Gläubiger-ID:');
    }
    const some = (accept: (row: Row) => boolean): boolean => all.some(accept);
    expect(some((row) => row.valutaDate?.endsWith('-02-30') === true)).toBe(true);
    expect(some((row) => row.transactionType.key === 'INVENTED_LATER' && row.remittanceInfo === '01 ')).toBe(
      true,
    );
    expect(some((row) => row.remittanceInfo.startsWith('10', 37 * 9))).toBe(true);
    expect(some((row) => row.remittanceInfo[36] === 'ü')).toBe(true);
    expect(some((row) => row.endToEndReference === 'nicht angegeben')).toBe(true);
    expect(
      some(
        (row) =>
          row.transactionType.key === 'TRANSFER' &&
          !row.amount.value.startsWith('-') &&
          row.remitter === null,
      ),
    ).toBe(true);
    const prefixes = new Set(all.map((row) => row.reference?.slice(0, 16)));
    expect(prefixes.size).toBeLessThan(all.length);
    const twins = new Map<string, number>();
    for (const row of all) {
      const key = JSON.stringify([row.bookingDate, row.amount, row.remittanceInfo]);
      twins.set(key, (twins.get(key) ?? 0) + 1);
    }
    expect([...twins.values()].some((count) => count > 1)).toBe(true);
  });

  test('pending rows have no dates and no reference, and come first in BOTH (quirks 6, 7)', async () => {
    const id = await client.accountId();
    const pending = (await client.transactions(id, 'transactionState=NOTBOOKED')).json.values as Row[];
    expect(pending.length).toBeGreaterThan(0);
    for (const row of pending) {
      expect(row).toMatchObject({
        bookingStatus: 'NOTBOOKED',
        bookingDate: null,
        valutaDate: null,
        remitter: null,
        creditor: null,
      });
      expect(row.reference === null || row.reference.trim() === '').toBe(true);
      expect(row.remittanceInfo.length % 35).toBe(0);
    }
    const both = (await client.transactions(id, '')).json.values as Row[];
    expect(both.slice(0, pending.length)).toEqual(pending);
  });

  test('quirk 9: what is pending today is booked within days, under a new reference; history never changes', async () => {
    const id = await client.accountId();
    const before = await history(id);
    const pending = (await client.transactions(id, 'transactionState=NOTBOOKED')).json.values as Row[];
    // The login lasts twenty minutes; the bank's day moves on by five.
    bank.advance(5 * 86_400_000);
    await client.login();
    const after = await history(id);
    expect(after.slice(after.length - before.length)).toEqual(before);
    const fresh = after.slice(0, after.length - before.length).map((row) => row.amount.value);
    for (const row of pending) expect(fresh).toContain(row.amount.value);
  });

  test('the balance moves by exactly the bookings of the day', async () => {
    const cents = (text: string): number => Math.round(Number(text) * 100);
    const balance = async (): Promise<number> =>
      cents(
        (await client.get('/api/banking/clients/user/v2/accounts/balances')).json.values[0].balance.value,
      );
    const id = await client.accountId();
    const [before, known] = [await balance(), (await history(id)).length];
    bank.advance(86_400_000);
    await client.login();
    const all = await history(id);
    const sum = all.slice(0, all.length - known).reduce((total, row) => total + cents(row.amount.value), 0);
    expect(await balance()).toBe(before + sum);
  });

  test('aggregated: the account on demand, the last date of the page', async () => {
    const id = await client.accountId();
    const { json } = await client.transactions(id, 'transactionState=BOOKED&with-attr=account');
    expect(json.aggregated).toMatchObject({
      accountId: id,
      account: { accountId: id },
      bookingDateLatestTransaction: json.values.at(-1).bookingDate,
      latestTransactionIncluded: false,
    });
    expect(json.aggregated.pagingTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+]0[12]$/);
  });

  test('the same seed gives the same bank, another one another', async () => {
    const rows = async (seed: number): Promise<Row[]> => {
      await open({ seed });
      await client.login();
      return (await client.transactions(await client.accountId(), 'transactionState=BOOKED')).json
        .values as Row[];
    };
    const first = await rows(7);
    expect(await rows(7)).toEqual(first);
    expect(await rows(8)).not.toEqual(first);
  });

  test('millions of rows cost neither time nor memory before they are asked for', async () => {
    await open({ transactionsPerDay: 3000, historyDays: 1000 });
    await client.login();
    const heapBefore = process.memoryUsage().heapUsed;
    const { json } = await client.transactions(
      await client.accountId(),
      'transactionState=BOOKED&min-bookingDate=1970-01-01&paging-count=500&paging-first=1500000',
    );
    expect(json.paging.matches).toBeGreaterThan(2_000_000);
    expect(json.values).toHaveLength(500);
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(100 * 1024 * 1024);
  });
});

describe('faults', () => {
  beforeEach(() => client.login());
  const path = '/api/banking/clients/user/v2/accounts/balances';

  test('quirk 21 and 22: 429 in German, in Latin-1, with and without Retry-After', async () => {
    bank.inject({ kind: 'status', status: 429, retryAfter: '3' });
    bank.inject({ kind: 'status', status: 429 });
    const response = await fetch(`${bank.url}${path}`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3']);
    expect(Buffer.from(await response.arrayBuffer()).toString('latin1')).toContain('überschritten');
    expect((await client.get(path)).headers.get('retry-after')).toBeNull();
    expect((await client.get(path)).status).toBe(200);
  });

  test('strike where, when and as often as told', async () => {
    bank.inject({ kind: 'status', status: 500, path: 'balances', method: 'GET', nth: 2, times: 2 });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await client.get(path)).status);
    expect(statuses).toEqual([200, 500, 500, 200, 200]);
    bank.inject({ kind: 'status', status: 404, times: 0 });
    expect(await client.get(path)).toMatchObject({ status: 404, text: '' });
    bank.clearFaults();
    expect((await client.get(path)).status).toBe(200);
  });

  test('bodies break off in both ways, connections break, pages are HTML, redirects lead away', async () => {
    bank.inject({ kind: 'truncated', shape: 'clean' });
    expect((await client.get(path)).json).toBeUndefined();
    bank.inject({ kind: 'truncated', shape: 'length' });
    await expect(client.get(path)).rejects.toThrow();
    bank.inject({ kind: 'reset' });
    await expect(client.get(path)).rejects.toThrow();
    bank.inject({ kind: 'html' });
    expect((await client.get(path)).text).toContain('<!doctype html>');
    bank.inject({ kind: 'redirect', location: 'http://127.0.0.1:1/' });
    expect((await client.get(path)).status).toBe(307);
  });

  test('unknown fields appear in every object (quirk 26)', async () => {
    bank.inject({ kind: 'unknown-fields' });
    const { json } = await client.get(path);
    expect([json.inventedLater, json.values[0].inventedLater, json.values[0].balance.inventedLater]).toEqual([
      'new',
      'new',
      'new',
    ]);
  });

  test('a booking arrives between two pages and shifts the rows by one', async () => {
    const id = await client.accountId();
    const page = async (first: number): Promise<Row[]> =>
      (await client.transactions(id, `transactionState=BOOKED&paging-count=10&paging-first=${first}`)).json
        .values as Row[];
    const first = await page(0);
    bank.inject({ kind: 'arrival' });
    expect((await page(10))[0]).toEqual(first[9]);
  });

  test('a token dies in the middle of a run', async () => {
    bank.inject({ kind: 'expired-token' });
    expect((await client.get(path)).status).toBe(401);
    expect((await client.token({ grant_type: 'refresh_token', refresh_token: client.refresh })).status).toBe(
      200,
    );
  });

  test('a limit of requests a second', async () => {
    await open({ rateLimitPerSecond: 6 });
    await client.login();
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await client.get(path)).status),
    );
    expect(statuses).toContain(429);
  });
});

describe('control from outside', () => {
  const post = (name: string, body?: unknown) =>
    fetch(`${bank.url}/sandbox/${name}`, {
      method: 'POST',
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });

  test('approve, clock, faults, state', async () => {
    await client.password();
    await client.validate(await client.identifier());
    expect((await post('approve')).status).toBe(200);
    expect((await post('approve')).status).toBe(409);
    await post('clock', { now: '2030-01-01T00:00:00Z' });
    expect(bank.now().getUTCFullYear()).toBe(2030);
    expect((await post('clock', {})).status).toBe(400);
    await post('faults', { kind: 'status', status: 500, times: 0 });
    expect((await client.get('/api/x')).status).toBe(500);
    await fetch(`${bank.url}/sandbox/faults`, { method: 'DELETE' });
    expect(await (await fetch(`${bank.url}/sandbox/state`)).json()).toMatchObject({
      openChallenges: 1,
      locked: false,
    });
  });

  test('a sandbox listens on this machine only', async () => {
    await expect(startComdirectSandbox({ host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});
