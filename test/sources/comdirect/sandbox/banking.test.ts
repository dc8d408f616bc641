import { beforeEach, describe, expect, test } from 'vitest';
import type { SandboxOptions } from '../../../../src/sources/comdirect/sandbox/index.ts';
import type { BankClient, Row } from './bank-client.ts';
import { openBank } from './open-bank.ts';

let client: BankClient;

async function open(options: SandboxOptions = {}): Promise<void> {
  ({ client } = await openBank(options));
}

beforeEach(() => open());

describe('3 banking', () => {
  beforeEach(() => client.login());

  test('3.1: balances in both versions, without the account on demand, amounts as text (quirk 32)', async () => {
    const { json } = await client.balances();
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
    const all = await client.history(id);
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
    const all = await client.history(id);
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
    const expected = (await client.history(id)).filter((row) =>
      (row.bookingDate as string).startsWith('2026-09'),
    );
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

  test('0.5 and 3.3: directions page through the same rows in the same order', async () => {
    const id = await client.accountId();
    const all = await client.history(id);
    for (const [direction, sign] of [
      ['CREDIT', 1],
      ['DEBIT', -1],
    ] as const) {
      const expected = all.filter(({ amount }) => Math.sign(Number(amount.value)) === sign);
      expect(await client.history(id, `&transactionDirection=${direction}`)).toEqual(expected);
      const query = `transactionState=BOOKED&min-bookingDate=1970-01-01&transactionDirection=${direction}`;
      const page = (await client.transactions(id, `${query}&paging-count=5&paging-first=13`)).json;
      expect(page.paging).toEqual({ index: 13, matches: expected.length });
      expect(page.values).toEqual(expected.slice(13, 18));
    }
    expect((await client.transactions(id, 'transactionDirection=SIDEWAYS')).status).toBe(422);
  });

  test('the future is not booked yet', async () => {
    const id = await client.accountId();
    const query = 'transactionState=BOOKED&paging-count=1&max-bookingDate=2027-12-31';
    expect((await client.transactions(id, query)).json.values[0].bookingDate).toBe('2026-11-23');
  });

  test('dates that are none are a 422; a period without rows is an empty page', async () => {
    const id = await client.accountId();
    for (const query of ['min-bookingDate=2026-02-30', 'max-bookingDate=yesterday']) {
      const { status, json } = await client.transactions(id, `transactionState=BOOKED&${query}`);
      expect([status, json.messages[0].origin]).toEqual([422, [query.split('=')[0]]]);
    }
    for (const query of [
      'min-bookingDate=2027-01-01',
      'min-bookingDate=2026-09-30&max-bookingDate=2026-09-01',
      'min-bookingDate=1999-01-01&max-bookingDate=1999-12-31',
    ]) {
      const { status, json } = await client.transactions(id, `transactionState=BOOKED&${query}`);
      expect([status, json.paging.matches, json.values]).toEqual([200, 0, []]);
      expect(json.aggregated).toMatchObject({
        bookingDateLatestTransaction: null,
        referenceLatestTransaction: null,
        latestTransactionIncluded: true,
      });
    }
  });
});
