import { expect, test } from 'vitest';
import { balanceHistory } from '../../../../src/sources/comdirect/analysis/index.ts';
import { duckBank, snapshot } from './duck-bank.ts';

const brief = (rows: Awaited<ReturnType<typeof balanceHistory>>) =>
  rows.map((row) => [row.day, row.account_id, row.balance, row.currency, row.carried]);

test('gaps are carried forward, and the sum has the accounts known by then', async () => {
  const db = await duckBank({
    balances: [
      snapshot('giro', '2026-02-27', '100.10'),
      snapshot('giro', '2026-03-02', '-50.05'),
      snapshot('savings', '2026-03-01', '1000'),
    ],
  });
  expect(brief(await balanceHistory(db))).toEqual([
    ['2026-02-27', null, '100.1000', 'EUR', false],
    ['2026-02-28', null, '100.1000', 'EUR', true],
    ['2026-03-01', null, '1100.1000', 'EUR', true],
    ['2026-03-02', null, '949.9500', 'EUR', true],
    ['2026-02-27', 'giro', '100.1000', 'EUR', false],
    ['2026-02-28', 'giro', '100.1000', 'EUR', true],
    ['2026-03-01', 'giro', '100.1000', 'EUR', true],
    ['2026-03-02', 'giro', '-50.0500', 'EUR', false],
    ['2026-03-01', 'savings', '1000.0000', 'EUR', false],
    ['2026-03-02', 'savings', '1000.0000', 'EUR', true],
  ]);
});

test('accounts keep their own currency; the sum is in EUR, and unknown without it', async () => {
  const dollars = { balance__unit: 'USD', balance_eur__value: '90', balance_eur__unit: 'EUR' };
  const db = await duckBank({
    balances: [
      snapshot('giro', '2026-02-27', '1'),
      snapshot('giro', '2026-02-28', '2'),
      snapshot('fx', '2026-02-27', '100', dollars),
      snapshot('fx', '2026-02-28', '100', { ...dollars, balance_eur__value: null }),
    ],
  });
  const rows = await balanceHistory(db);
  expect(rows.filter(({ account_id: account }) => account === null)).toEqual([
    {
      day: '2026-02-27',
      account_id: null,
      account_name: 'All accounts',
      currency: 'EUR',
      balance: '91.0000',
      balance_eur: '91.0000',
      carried: false,
    },
  ]);
  expect(rows.filter(({ account_id: account }) => account === 'fx')).toMatchObject([
    { currency: 'USD', balance: '100.0000', balance_eur: '90.0000', account_name: 'Girokonto …2123' },
    { currency: 'USD', balance: '100.0000', balance_eur: null },
  ]);
});

test('a range begins with what was known before it, and never goes beyond the newest snapshot', async () => {
  const db = await duckBank({
    balances: [snapshot('giro', '2026-02-27', '1'), snapshot('giro', '2026-03-02', '2')],
  });
  const giro = async (options: object) => brief(await balanceHistory(db, { accountId: 'giro', ...options }));
  expect((await giro({ from: '2026-03-01', to: '2026-12-31' })).slice(2)).toEqual([
    ['2026-03-01', 'giro', '1.0000', 'EUR', true],
    ['2026-03-02', 'giro', '2.0000', 'EUR', false],
  ]);
  expect(await giro({ to: '2026-03-01' })).toHaveLength(2);
  expect(await giro({ from: '2026-03-03' })).toEqual([]);
  expect(await balanceHistory(db, { accountId: 'none' })).toEqual([]);
});

test('no snapshots give no rows', async () => {
  expect(await balanceHistory(await duckBank({}))).toEqual([]);
});
