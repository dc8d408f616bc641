import { describe, expect, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import { AccessToken } from '../../../src/sources/comdirect/access-token.ts';
import { createComdirectClient } from '../../../src/sources/comdirect/client.ts';
import type { ComdirectClient } from '../../../src/sources/comdirect/client.ts';
import type { AccountTransaction } from '../../../src/sources/comdirect/schemas.ts';
import { getTransactionDataPaginated } from '../../../src/sources/comdirect/transactions.ts';
import type { TransactionQuery } from '../../../src/sources/comdirect/transactions.ts';
import { failure, instantClock, startScriptedBank, tokenAnswer } from './scripted-bank.ts';
import type { Received, Reply, ScriptedBank } from './scripted-bank.ts';

const accountId = 'B5A9F0C8B4214C019D0A6167C3190CC4';

/** A booked transaction as the bank sends it. */
const booking = (n: number): Record<string, unknown> => ({
  reference: `AB12345678901234/${n}`,
  bookingStatus: 'BOOKED',
  bookingDate: '2025-03-04',
  amount: { value: '-52.5', unit: 'EUR' },
  remitter: { holderName: 'MUSTER VERSICHERUNG AG' },
  deptor: null,
  creditor: null,
  valutaDate: '2025-03-04',
  directDebitCreditorId: null,
  directDebitMandateId: null,
  endToEndReference: null,
  newTransaction: false,
  remittanceInfo: `01${'Beitrag'.padEnd(35)}`,
  transactionType: { key: 'DIRECT_DEBIT', text: 'Direct Debit' },
});
const pendingBooking = {
  ...booking(0),
  reference: ' ',
  bookingStatus: 'NOTBOOKED',
  bookingDate: null,
  valutaDate: null,
  remitter: null,
};

const list = (values: readonly unknown[], matches: number | undefined = values.length, index = 0): Reply => ({
  json: { paging: matches === undefined ? undefined : { index, matches }, aggregated: null, values },
});

/** Pages of `rows`, by the bank's own rules. */
function bankRules(rows: readonly unknown[], pending: readonly unknown[] = []): (request: Received) => Reply {
  return ({ query }) => {
    const state = query.get('transactionState') ?? 'BOTH';
    const first = Number(query.get('paging-first') ?? 0);
    const count = Number(query.get('paging-count') ?? 20);
    if (count > 500) return refusal('paging.invalid');
    if (first > 0 && state !== 'BOOKED') return refusal('requestparameter.invalid');
    if (state === 'NOTBOOKED') return list(pending.slice(0, count), pending.length);
    const visible = query.has('min-bookingDate') ? rows : rows.slice(0, 30);
    return list(visible.slice(first, first + count), visible.length, first);
  };
}
const refusal = (key: string): Reply => ({
  status: 422,
  json: { code: 'request.query.invalid', messages: [{ key }] },
});

async function start(
  script: (request: Received, n: number) => Reply | undefined,
): Promise<{ bank: ScriptedBank; client: ComdirectClient }> {
  const bank = await startScriptedBank((request, n) =>
    request.path.endsWith('/transactions') ? script(request, n) : undefined,
  );
  const clock = instantClock();
  const accessToken = AccessToken.fromResponse(tokenAnswer('x', { expires_in: 1e6 }).json, clock.now());
  return { bank, client: createComdirectClient({ config: bank.config, accessToken, http: { clock } }) };
}

async function readAll(
  client: ComdirectClient,
  query: Partial<TransactionQuery> = {},
): Promise<AccountTransaction[]> {
  const rows: AccountTransaction[] = [];
  for await (const page of getTransactionDataPaginated(client, { accountId, ...query })) rows.push(...page);
  return rows;
}

describe('quirks of the request', () => {
  test('quirk 12: pages after the first are asked for as BOOKED, pending ones in a call of their own', async () => {
    const { bank, client } = await start(
      bankRules(
        Array.from({ length: 700 }, (_, i) => booking(i)),
        [pendingBooking],
      ),
    );
    expect(await readAll(client)).toHaveLength(701);
    expect(
      bank.requests.map(({ query }) => [query.get('transactionState'), query.get('paging-first')]),
    ).toEqual([
      ['NOTBOOKED', null],
      ['BOOKED', '0'],
      ['BOOKED', '495'],
    ]);
  });

  test('whoever stops reading early ends the request that is on its way', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const { client } = await start(bankRules(Array.from({ length: 3_000 }, (_, i) => booking(i))));
    const watched: ComdirectClient = {
      ...client,
      get: (route, request) => {
        signals.push(request?.signal);
        return client.get(route, request);
      },
    };
    const pages = getTransactionDataPaginated(watched, { accountId, transactionState: 'BOOKED' });
    await pages.next();
    await pages.next();
    expect(signals.map((signal) => signal?.aborted)).toEqual([false, false, false]);
    await pages.return();
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true, true]);
  });

  test('quirk 13: the page size is always sent, so that 20 rows are not taken for all', async () => {
    const { bank, client } = await start(
      bankRules(
        Array.from({ length: 25 }, (_, i) => booking(i)),
        Array.from({ length: 25 }, () => pendingBooking),
      ),
    );
    expect(await readAll(client)).toHaveLength(50);
    for (const { query } of bank.requests) expect(query.get('paging-count')).toBe('500');
  });

  test('quirk 14: a first booking date is always sent, so that history does not end after 180 days', async () => {
    const { bank, client } = await start(bankRules(Array.from({ length: 40 }, (_, i) => booking(i))));
    expect(await readAll(client, { transactionState: 'BOOKED' })).toHaveLength(40);
    expect(bank.requests[0]?.query.get('min-bookingDate')).toBe('1970-01-01');
  });

  test('quirk 15: a page of more than 500 is refused before anything is sent', async () => {
    const { bank, client } = await start(bankRules([]));
    for (const pageSize of [501, 1000, 1, 0, -1, 2.5, Number.NaN]) {
      const error = await failure(readAll(client, { transactionState: 'BOOKED', pageSize }));
      expect(isPlumbingError(error, 'CONFIG_INVALID')).toBe(true);
    }
    expect(bank.requests).toEqual([]);
  });

  test('quirk 39: parameters are spelt as the bank knows them', async () => {
    const { bank, client } = await start(bankRules([]));
    await readAll(client, {
      transactionState: 'BOOKED',
      minBookingDate: '2025-01-01',
      maxBookingDate: '2025-12-31',
      direction: 'DEBIT',
    });
    expect(Object.fromEntries(bank.requests[0]?.query ?? [])).toEqual({
      transactionState: 'BOOKED',
      transactionDirection: 'DEBIT',
      'min-bookingDate': '2025-01-01',
      'max-bookingDate': '2025-12-31',
      'paging-first': '0',
      'paging-count': '500',
    });
  });

  test.each(['2025', '01.02.2025', '2025-13-01', '2026-02-31', '2025-02-29', '2025-01-01T00:00:00Z', ''])(
    '%j is no booking date',
    async (date) => {
      const { bank, client } = await start(bankRules([]));
      const error = await failure(readAll(client, { transactionState: 'BOOKED', minBookingDate: date }));
      expect(isPlumbingError(error, 'CONFIG_INVALID')).toBe(true);
      expect(bank.requests).toEqual([]);
    },
  );
});

describe('quirks of the answer', () => {
  const one = async (row: Record<string, unknown>): Promise<AccountTransaction | undefined> => {
    const { client } = await start(() => list([row]));
    return (await readAll(client, { transactionState: 'BOOKED' }))[0];
  };

  test('quirk 1: dates are text, also when they come as the objects of the official Swagger file', async () => {
    const row = await one({
      ...booking(1),
      bookingDate: { date: '2025-03-04' },
      valutaDate: { date: '2025-02-30' },
    });
    expect([row?.bookingDate, row?.valutaDate]).toEqual(['2025-03-04', '2025-02-30']);
  });

  test('quirk 3: the debtor is read under both spellings', async () => {
    const { deptor: _deptor, ...without } = booking(1);
    expect((await one({ ...without, debtor: { holderName: 'A' } }))?.deptor).toEqual({ holderName: 'A' });
    expect((await one({ ...without, deptor: { holderName: 'B' } }))?.deptor).toEqual({ holderName: 'B' });
    expect((await one(without))?.deptor).toBeNull();
  });

  test('quirk 5: an impossible value date stays as it was sent', async () => {
    expect((await one({ ...booking(1), valutaDate: '2019-12-32' }))?.valutaDate).toBe('2019-12-32');
  });

  test('quirks 6 and 7: pending rows have no dates, no remitter and no reference', async () => {
    for (const reference of [' '.repeat(8), null, '']) {
      const { client } = await start(bankRules([], [{ ...pendingBooking, reference }]));
      const [row] = await readAll(client, { transactionState: 'NOTBOOKED' });
      expect(row).toMatchObject({ reference: null, bookingDate: null, valutaDate: null, remitter: null });
    }
  });

  test('quirk 17: transaction types that nobody knows are transactions', async () => {
    const row = await one({ ...booking(1), transactionType: { key: 'TELEPORTATION', text: 'x' } });
    expect(row?.transactionType?.key).toBe('TELEPORTATION');
    expect((await one({ ...booking(1), transactionType: null }))?.transactionType).toBeNull();
  });

  test('quirk 26: unknown fields are kept, at every level', async () => {
    const row = await one({ ...booking(1), amount: { value: '1', unit: 'EUR', rounded: true }, added: 7 });
    expect(row).toMatchObject({ added: 7, amount: { rounded: true } });
  });

  test('quirks 34 and 35: counterparties may lack an IBAN, or be missing', async () => {
    expect((await one({ ...booking(1), creditor: { holderName: 'A' }, remitter: null }))?.creditor).toEqual({
      holderName: 'A',
    });
    expect(
      (await one({ ...booking(1), creditor: { holderName: 'A', iban: null, bic: null } }))?.creditor?.iban,
    ).toBeNull();
  });

  test('a row that is not as documented is ROW_INVALID, without its values', async () => {
    const error = await failure(one({ ...booking(1), amount: { value: 4711.5 } }));
    expect(isPlumbingError(error, 'ROW_INVALID') && error.message).toContain('amount.value');
    expect(String(error)).not.toContain('4711');
  });
});

describe('an account without transactions', () => {
  test.each([
    ['an empty list', list([])],
    ['an empty list without paging', { json: { values: [] } }],
    ['404 with a message', { status: 404, json: { code: 'x', messages: [{ key: 'not.found' }] } }],
    ['quirk 37: 404 with an empty body', { status: 404 }],
  ])('%s gives no page', async (_, reply) => {
    const { client } = await start(() => reply);
    expect(await readAll(client)).toEqual([]);
  });

  test('404 in the middle of a list is no end', async () => {
    const rows = Array.from({ length: 700 }, (_, i) => booking(i));
    const { client } = await start((request, n) => (n === 1 ? { status: 404 } : bankRules(rows)(request)));
    expect(await readAll(client, { transactionState: 'BOOKED' })).toHaveLength(700);
  });

  test.each([400, 403, 422])('HTTP %d is not taken for no transactions', async (status) => {
    const { client } = await start(() => ({ status }));
    expect(isPlumbingError(await failure(readAll(client)), 'HTTP_STATUS')).toBe(true);
  });
});

describe('the whole and nothing but', () => {
  test('quirk 40: rows without a booking date do not end the list', async () => {
    const rows = Array.from({ length: 900 }, (_, i) => ({
      ...booking(i),
      bookingDate: i % 2 === 0 ? null : '2025-03-04',
    }));
    const { client } = await start(bankRules(rows));
    expect(await readAll(client, { transactionState: 'BOOKED' })).toHaveLength(900);
  });

  test('quirk 16: as many rows come out as the bank announces', async () => {
    const { client } = await start(bankRules(Array.from({ length: 623 }, (_, i) => booking(i))));
    expect(await readAll(client)).toHaveLength(623);
    expect(await readAll(client, { pageSize: 103 })).toHaveLength(623);
  });

  test('quirk 33: a time with an offset of two digits in the envelope is no obstacle', async () => {
    const aggregated = { account: null, pagingTimestamp: '2020-10-09T11:17:40+02' };
    const { client } = await start(() => ({
      json: { paging: { index: 0, matches: 1 }, aggregated, values: [booking(1)] },
    }));
    expect(await readAll(client, { transactionState: 'BOOKED' })).toHaveLength(1);
  });

  test('the order of dates does not matter', async () => {
    const rows = Array.from({ length: 900 }, (_, i) => ({
      ...booking(i),
      bookingDate: i === 3 ? '1999-01-01' : '2025-03-04',
    }));
    const { client } = await start(bankRules(rows));
    expect(await readAll(client, { transactionState: 'BOOKED' })).toHaveLength(900);
  });

  test('quirk 8: the whole reference tells rows apart, not its first part', async () => {
    const rows = Array.from({ length: 600 }, (_, i) => booking(i));
    const { client } = await start(bankRules(rows));
    const references = (await readAll(client, { transactionState: 'BOOKED' })).map(
      ({ reference }) => reference,
    );
    expect(new Set(references).size).toBe(600);
  });

  test('a booking that arrives between two pages pushes no row out, and none comes twice', async () => {
    let rows = Array.from({ length: 1200 }, (_, i) => booking(i));
    const { client } = await start((request, n) => {
      if (n === 1) rows = [booking(9999), ...rows];
      return bankRules(rows)(request);
    });
    const references = (await readAll(client, { transactionState: 'BOOKED' })).map(
      ({ reference }) => reference,
    );
    expect(references).toHaveLength(1200);
    expect(new Set(references).size).toBe(1200);
  });

  test('a part of the pending ones is never taken for all of them', async () => {
    const { client } = await start(() => list([pendingBooking], 35));
    expect(isPlumbingError(await failure(readAll(client)), 'LIMIT_EXCEEDED')).toBe(true);
  });

  test('an abort between pages ends the read with its reason', async () => {
    const abort = new AbortController();
    const { bank, client } = await start(bankRules(Array.from({ length: 2000 }, (_, i) => booking(i))));
    const read = async (): Promise<void> => {
      const pages = getTransactionDataPaginated(client, {
        accountId,
        transactionState: 'BOOKED',
        signal: abort.signal,
      });
      for await (const _page of pages) abort.abort(new Error('enough'));
    };
    expect(await failure(read())).toMatchObject({ message: 'enough' });
    expect(bank.requests).toHaveLength(1);
  });
});
