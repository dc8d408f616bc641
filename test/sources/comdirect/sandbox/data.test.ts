import { beforeEach, describe, expect, test } from 'vitest';
import type { ComdirectSandbox, SandboxOptions } from '../../../../src/sources/comdirect/sandbox/index.ts';
import type { BankClient, Row } from './bank-client.ts';
import { openBank } from './open-bank.ts';

let bank: ComdirectSandbox;
let client: BankClient;

async function open(options: SandboxOptions = {}): Promise<void> {
  ({ bank, client } = await openBank(options));
}

beforeEach(() => open());

describe('3.3 what is booked and pending', () => {
  beforeEach(() => client.login());

  test('rows look as live rows do: fill patterns, windows, oddities (quirks 3, 5, 8, 10, 11, 17, 34, 35, 36)', async () => {
    const all = await client.history(await client.accountId());
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
    const before = await client.history(id);
    const pending = (await client.transactions(id, 'transactionState=NOTBOOKED')).json.values as Row[];
    // The login lasts twenty minutes; the bank's day moves on by five.
    bank.advance(5 * 86_400_000);
    await client.login();
    const after = await client.history(id);
    expect(after.slice(after.length - before.length)).toEqual(before);
    const fresh = after.slice(0, after.length - before.length).map((row) => row.amount.value);
    for (const row of pending) expect(fresh).toContain(row.amount.value);
  });

  test('the balance moves by exactly the bookings of the day', async () => {
    const cents = (text: string): number => Math.round(Number(text) * 100);
    const balance = async (): Promise<number> =>
      cents((await client.balances()).json.values[0].balance.value);
    const id = await client.accountId();
    const [before, known] = [await balance(), (await client.history(id)).length];
    bank.advance(86_400_000);
    await client.login();
    const all = await client.history(id);
    const sum = all.slice(0, all.length - known).reduce((total, row) => total + cents(row.amount.value), 0);
    expect(await balance()).toBe(before + sum);
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

  test('3.3: a card payment is a direct debit of a shop or a card transaction of nobody', async () => {
    const all = await client.history(await client.accountId());
    const cards = all.filter(({ remittanceInfo }) => remittanceInfo.includes('Kartenzahlung'));
    const types = new Set(
      cards.map(({ transactionType, remitter }) => `${transactionType.key} ${remitter !== null}`),
    );
    expect([...types].toSorted()).toEqual(['CARD_TRANSACTION false', 'DIRECT_DEBIT true']);
  });

  test('3.3: IBAN and BIC of those who have none are left out, or null', async () => {
    const all = await client.history(await client.accountId());
    const remitters = all.flatMap(({ remitter }) => (remitter ? [Object.keys(remitter).join()] : []));
    expect([...new Set(remitters)].toSorted()).toEqual(['holderName', 'holderName,iban,bic']);
    expect(all.every(({ remitter }) => (remitter?.iban ?? null) === null)).toBe(true);
  });

  test('however busy the account, its pending rows fit into one page', async () => {
    await open({ transactionsPerDay: 2000, historyDays: 5 });
    await client.login();
    const id = await client.accountId();
    const { json } = await client.transactions(id, 'transactionState=NOTBOOKED&paging-count=500');
    expect(json.paging.matches).toBe(json.values.length);
    expect(json.values.length).toBeGreaterThan(10);
  });

  test('the mean number of bookings is as asked for', async () => {
    await open({ transactionsPerDay: 50, historyDays: 700, accounts: 1 });
    await client.login();
    const rows = (await client.history(await client.accountId())).length;
    expect(rows / 700).toBeGreaterThan(45);
    expect(rows / 700).toBeLessThan(55);
  });

  test('a booking that arrives moves the balance by its amount', async () => {
    const cents = async (): Promise<number> =>
      Math.round(Number((await client.balances()).json.values[0].balance.value) * 100);
    const id = await client.accountId();
    const before = await cents();
    bank.arrive();
    const [arrived] = await client.history(id);
    expect(arrived?.bookingDate).toBe('2026-11-23');
    expect(await cents()).toBe(before + Math.round(Number(arrived?.amount.value) * 100));
  });

  test('every day for a month: pending rows come and go, history grows at its end only, word for word', async () => {
    const id = await client.accountId();
    let known = await client.history(id);
    for (let day = 0; day < 30; day++) {
      bank.advance(86_400_000);
      await client.login();
      const now = await client.history(id);
      const fresh = now.length - known.length;
      expect(JSON.stringify(now.slice(fresh))).toBe(JSON.stringify(known));
      known = now;
      const today = bank.now().toISOString().slice(0, 10);
      for (const row of await client.pending(id)) {
        const paid = /\d{4}-\d\d-\d\d(?=T)/.exec(row.remittanceInfo)?.[0] ?? 'no date';
        expect(paid <= today).toBe(true);
      }
    }
  });
});
