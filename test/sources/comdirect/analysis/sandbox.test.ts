import { join } from 'node:path';
import Big from 'big.js';
import { expect, test } from 'vitest';
import { readRows, sqlite } from '../../../../src/destinations/sqlite/index.ts';
import { run } from '../../../../src/pipeline/index.ts';
import {
  balanceHistory,
  cashFlowByMonth,
  recurringPayments,
  spendingByCategory,
  spendingByCounterparty,
  unusualPayments,
} from '../../../../src/sources/comdirect/analysis/index.ts';
import { comdirect } from '../../../../src/sources/comdirect/index.ts';
import { startSetting } from '../sandbox-bank.ts';
import { temporaryFolder } from '../scripted-bank.ts';
import { duckBank } from './duck-bank.ts';

type Row = Record<string, unknown>;

test('the figures of a sandbox bank are those that exact arithmetic gives', async () => {
  const today = new Date('2026-11-23T09:00:00Z');
  const { options } = await startSetting({ now: () => today, accounts: 4, historyDays: 730 });
  const file = join(await temporaryFolder(), 'bank.db');
  await run({ source: comdirect(options), destination: sqlite(file) }, { now: () => today });
  const booked: readonly Row[] = await Array.fromAsync(readRows(file, 'account_transactions__booked'));
  const balances: readonly Row[] = await Array.fromAsync(readRows(file, 'account_balances'));
  const db = await duckBank({ booked, balances });
  const sum = (rows: readonly Row[], column: string): string =>
    rows.reduce((total, row) => total.plus(String(row[column])), new Big(0)).toFixed(4);

  const months = await cashFlowByMonth(db);
  for (const { month, account_id: account, currency, ...flow } of months) {
    const rows = booked.filter(
      (row) =>
        String(row['booking_date']).startsWith(month.slice(0, 7)) &&
        row['amount__unit'] === currency &&
        (account === null || row['account_id'] === account),
    );
    expect(flow).toEqual({
      inflow: sum(
        rows.filter((row) => !String(row['amount__value']).startsWith('-')),
        'amount__value',
      ),
      outflow: sum(
        rows.filter((row) => String(row['amount__value']).startsWith('-')),
        'amount__value',
      ),
      net: sum(rows, 'amount__value'),
      bookings: rows.length,
    });
  }
  const totals = months.filter(({ account_id: account }) => account === null);
  expect(sum(totals, 'net')).toBe(sum(booked, 'amount__value'));
  expect(new Set(totals.map(({ currency }) => currency))).toEqual(new Set(['EUR', 'USD']));

  const spent = sum(
    booked.filter((row) => String(row['amount__value']).startsWith('-')),
    'amount__value',
  ).slice(1);
  const byCounterparty = await spendingByCounterparty(db);
  const byCategory = await spendingByCategory(db);
  expect(sum(byCounterparty, 'spent')).toBe(spent);
  expect(sum(byCategory, 'spent')).toBe(spent);
  expect(sum(byCategory, 'refunded')).toBe(sum(byCounterparty, 'refunded'));
  expect(byCategory.map(({ category }) => category)).toEqual(
    expect.arrayContaining(['housing', 'groceries', 'insurance', 'cash']),
  );

  const history = await balanceHistory(db);
  const [total, ...accounts] = history;
  expect(accounts).toHaveLength(4);
  expect(total).toMatchObject({ day: '2026-11-23', balance: sum(accounts, 'balance_eur') });

  const reconstructed = await balanceHistory(db, { reconstruct: true, to: '2026-11-23' });
  const firstDay = new Set(balances.map((row) => row['account_id']));
  for (const account of firstDay) {
    const own = reconstructed.filter(({ account_id: id }) => id === account);
    const net = sum(
      months.filter(({ account_id: id }) => id === account),
      'net',
    );
    const ofFirstDay = booked.filter(
      (row) => row['account_id'] === account && row['booking_date'] === own[0]?.day,
    );
    expect(new Big(own.at(-1)?.balance ?? 0).minus(own[0]?.balance ?? 0).toFixed(4)).toBe(
      new Big(net).minus(sum(ofFirstDay, 'amount__value')).toFixed(4),
    );
  }

  // Other debits of the sandbox have another amount each time.
  const recurring = await recurringPayments(db);
  expect(
    recurring.map((one) => [one.counterparty, one.period, one.bookings, one.typical_amount, one.is_active]),
  ).toEqual([
    ['Werkstatt Zukunft GmbH', 'month', 24, '3300.0000', true],
    ['Werkstatt Zukunft GmbH', 'month', 24, '3300.0000', true],
    ['Mira Musterfrau', 'month', 24, '250.0000', true],
    ['Hausverwaltung Sonnenhof', 'month', 24, '-985.0000', true],
    ['Hausverwaltung Sonnenhof', 'month', 24, '-985.0000', true],
    ['Lichtspiel Streaming SE', 'month', 24, '-12.9900', true],
    ['Lichtspiel Streaming SE', 'month', 24, '-12.9900', true],
  ]);
  expect(await unusualPayments(db)).toEqual([]);
  const found = await unusualPayments(db, { threshold: 2.2 });
  expect(found.length).toBeGreaterThan(0);
  expect(found.every(({ score }) => (score ?? 0) >= 2.2)).toBe(true);
});
