import { expect, test } from 'vitest';
import { balanceHistory } from '../../../../src/sources/comdirect/analysis/index.ts';
import { booking, duckBank, snapshot } from './duck-bank.ts';

const brief = (rows: Awaited<ReturnType<typeof balanceHistory>>) =>
  rows.map((row) => [row.day, row.account_id, row.balance, row.currency, row.origin]);

test('gaps are carried forward, and the sum has the accounts known by then', async () => {
  const db = await duckBank({
    balances: [
      snapshot('giro', '2026-02-27', '100.10'),
      snapshot('giro', '2026-03-02', '-50.05'),
      snapshot('savings', '2026-03-01', '1000'),
    ],
  });
  expect(brief(await balanceHistory(db))).toEqual([
    ['2026-02-27', null, '100.1000', 'EUR', 'snapshot'],
    ['2026-02-28', null, '100.1000', 'EUR', 'carried'],
    ['2026-03-01', null, '1100.1000', 'EUR', 'carried'],
    ['2026-03-02', null, '949.9500', 'EUR', 'carried'],
    ['2026-02-27', 'giro', '100.1000', 'EUR', 'snapshot'],
    ['2026-02-28', 'giro', '100.1000', 'EUR', 'carried'],
    ['2026-03-01', 'giro', '100.1000', 'EUR', 'carried'],
    ['2026-03-02', 'giro', '-50.0500', 'EUR', 'snapshot'],
    ['2026-03-01', 'savings', '1000.0000', 'EUR', 'snapshot'],
    ['2026-03-02', 'savings', '1000.0000', 'EUR', 'carried'],
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
      origin: 'snapshot',
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
    ['2026-03-01', 'giro', '1.0000', 'EUR', 'carried'],
    ['2026-03-02', 'giro', '2.0000', 'EUR', 'snapshot'],
  ]);
  expect(await giro({ to: '2026-03-01' })).toHaveLength(2);
  expect(await giro({ from: '2026-03-03' })).toEqual([]);
  expect(await balanceHistory(db, { accountId: 'none' })).toEqual([]);
});

test('no snapshots give no rows', async () => {
  expect(await balanceHistory(await duckBank({}))).toEqual([]);
});

test('days before the first snapshot can be worked out from bookings', async () => {
  const db = await duckBank({
    balances: [
      snapshot('giro', '2026-03-02', '100'),
      snapshot('giro', '2026-03-03', '90'),
      snapshot('savings', '2026-03-01', '1000'),
      snapshot('fx', '2026-03-02', '5', { balance__unit: 'USD', balance_eur__value: '4.50' }),
    ],
    booked: [
      booking('2026-02-27', '-1.10', 'Laden'),
      booking('2026-03-01', '-7', 'Laden', { amount__unit: 'USD' }),
      booking('2026-03-01', '20.20', 'Laden'),
      booking('2026-03-02', '-50', 'Laden'),
      booking('2026-03-03', '-10', 'Laden'),
      booking('2026-02-28', '1', 'Shop', { account_id: 'fx', amount__unit: 'USD' }),
    ],
  });
  expect(await balanceHistory(db)).toHaveLength(10);
  const rows = brief(await balanceHistory(db, { reconstruct: true }));
  expect(rows.filter(([, account]) => account === 'giro')).toEqual([
    ['2026-02-27', 'giro', '129.8000', 'EUR', 'bookings'],
    ['2026-02-28', 'giro', '129.8000', 'EUR', 'bookings'],
    ['2026-03-01', 'giro', '150.0000', 'EUR', 'bookings'],
    ['2026-03-02', 'giro', '100.0000', 'EUR', 'snapshot'],
    ['2026-03-03', 'giro', '90.0000', 'EUR', 'snapshot'],
  ]);
  expect(rows.filter(([, account]) => account === 'savings')[0]?.slice(2)).toEqual([
    '1000.0000',
    'EUR',
    'bookings',
  ]);
  expect(rows.filter(([, account]) => account === 'fx')[0]?.slice(2)).toEqual(['4.0000', 'USD', 'bookings']);
  // The rate of the past is not known, so neither is the sum.
  expect(rows.filter(([, account]) => account === null).map(([day]) => day)).toEqual([
    '2026-03-02',
    '2026-03-03',
  ]);
  const from = await balanceHistory(db, { reconstruct: true, accountId: 'giro', from: '2026-03-01' });
  expect(brief(from)[0]).toEqual(['2026-03-01', null, '150.0000', 'EUR', 'bookings']);
});

test('a range that ends before a first snapshot has the days that all of the history has', async () => {
  const db = await duckBank({
    balances: [
      snapshot('giro', '2026-01-12', '100'),
      snapshot('savings', '2026-02-01', '5000'),
      snapshot('savings', '2026-02-03', '5100'),
    ],
    booked: [
      booking('2026-01-10', '-10', 'Laden'),
      booking('2026-01-20', '500', 'Zins', { account_id: 'savings' }),
    ],
  });
  const whole = await balanceHistory(db, { reconstruct: true });
  const sums = Object.fromEntries(
    whole.filter(({ account_id: account }) => account === null).map(({ day, balance }) => [day, balance]),
  );
  expect(sums).toMatchObject({ '2026-01-12': '4600.0000', '2026-01-20': '5100.0000' });
  for (const to of ['2026-01-05', '2026-01-11', '2026-01-12', '2026-01-31', '2026-02-02', '2026-12-31']) {
    expect(await balanceHistory(db, { reconstruct: true, to })).toEqual(whole.filter(({ day }) => day <= to));
    const from = '2026-01-11';
    expect(await balanceHistory(db, { reconstruct: true, from, to })).toEqual(
      whole.filter(({ day }) => day >= from && day <= to),
    );
  }
  // Without it, a range ends with its last snapshot.
  expect(brief(await balanceHistory(db, { to: '2026-01-31' }))).toEqual([
    ['2026-01-12', null, '100.0000', 'EUR', 'snapshot'],
    ['2026-01-12', 'giro', '100.0000', 'EUR', 'snapshot'],
  ]);
  expect(await balanceHistory(db, { to: '2026-01-11' })).toEqual([]);
});
