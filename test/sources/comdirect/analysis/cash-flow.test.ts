import { expect, test } from 'vitest';
import { cashFlowByMonth } from '../../../../src/sources/comdirect/analysis/index.ts';
import { booking, duckBank } from './duck-bank.ts';

test('in, out and net by month, in total and by account, a gap filled with 0', async () => {
  const db = await duckBank({
    booked: [
      booking('2026-01-31', '2500.00', 'Werkstatt'),
      booking('2026-01-31', '-0.1000', 'Laden'),
      booking('2026-01-01', '-0.2', 'Laden'),
      booking('2026-03-01', '-985.0001', 'Vermieterin'),
      booking('2026-03-31', '10', 'Laden', { account_id: 'savings' }),
    ],
  });
  const zero = { inflow: '0.0000', outflow: '0.0000', net: '0.0000', bookings: 0 };
  const january = { inflow: '2500.0000', outflow: '-0.3000', net: '2499.7000', bookings: 3 };
  const march = { inflow: '0.0000', outflow: '-985.0001', net: '-985.0001', bookings: 1 };
  const eur = { currency: 'EUR' };
  expect(await cashFlowByMonth(db)).toEqual([
    { month: '2026-01-01', account_id: null, ...eur, ...january },
    { month: '2026-02-01', account_id: null, ...eur, ...zero },
    {
      month: '2026-03-01',
      account_id: null,
      ...eur,
      inflow: '10.0000',
      outflow: '-985.0001',
      net: '-975.0001',
      bookings: 2,
    },
    { month: '2026-01-01', account_id: 'giro', ...eur, ...january },
    { month: '2026-02-01', account_id: 'giro', ...eur, ...zero },
    { month: '2026-03-01', account_id: 'giro', ...eur, ...march },
    { month: '2026-01-01', account_id: 'savings', ...eur, ...zero },
    { month: '2026-02-01', account_id: 'savings', ...eur, ...zero },
    {
      month: '2026-03-01',
      account_id: 'savings',
      ...eur,
      inflow: '10.0000',
      outflow: '0.0000',
      net: '10.0000',
      bookings: 1,
    },
  ]);
});

test('currencies are never added up, and each has its own months', async () => {
  const db = await duckBank({
    booked: [
      booking('2026-01-15', '-1.00', 'Laden'),
      booking('2026-05-15', '-2.00', 'Shop', { amount__unit: 'USD' }),
    ],
  });
  const rows = await cashFlowByMonth(db);
  expect(
    rows.map(({ currency, month, account_id: account, net }) => [currency, month, account, net]),
  ).toEqual([
    ['EUR', '2026-01-01', null, '-1.0000'],
    ['EUR', '2026-01-01', 'giro', '-1.0000'],
    ['USD', '2026-05-01', null, '-2.0000'],
    ['USD', '2026-05-01', 'giro', '-2.0000'],
  ]);
});

test('both ends of a range are included, and an account can be chosen', async () => {
  const db = await duckBank({
    booked: [
      booking('2026-01-31', '-1', 'Laden'),
      booking('2026-02-01', '-2', 'Laden'),
      booking('2026-02-28', '-4', 'Laden'),
      booking('2026-02-28', '-8', 'Laden', { account_id: `'; DROP TABLE x; --` }),
      booking('2026-03-01', '-16', 'Laden'),
    ],
  });
  const range = { from: '2026-02-01', to: '2026-02-28' };
  const [total] = await cashFlowByMonth(db, range);
  expect(total?.net).toBe('-14.0000');
  const [hostile] = await cashFlowByMonth(db, { ...range, accountId: `'; DROP TABLE x; --` });
  expect(hostile?.net).toBe('-8.0000');
});

test('no rows give no rows', async () => {
  expect(await cashFlowByMonth(await duckBank({}))).toEqual([]);
});

test('a booking without a date counts by its value date; one without amount or any date is left out', async () => {
  const db = await duckBank({
    booked: [
      booking('2026-01-31', '-1', 'Laden', { booking_date: null, valuta_date: '2026-04-01' }),
      booking('2026-01-31', '-2', 'Laden', { booking_date: null, valuta_date: '2026-02-30' }),
      booking('2026-01-31', '-4', 'Laden', { amount__value: null }),
    ],
  });
  expect(await cashFlowByMonth(db, { accountId: 'giro' })).toMatchObject([
    { account_id: null, month: '2026-04-01', net: '-1.0000', bookings: 1 },
    { account_id: 'giro' },
  ]);
});

test('sums of many cents are exact, and amounts of 15 digits add up beyond them', async () => {
  const db = await duckBank({
    booked: [
      ...Array.from({ length: 1000 }, () => booking('2026-01-31', '-0.01', 'Laden')),
      booking('2026-02-01', '99999999999.9999', 'Werkstatt'),
      booking('2026-02-01', '99999999999.9999', 'Werkstatt'),
    ],
  });
  const [january, february] = await cashFlowByMonth(db);
  expect(january?.outflow).toBe('-10.0000');
  expect(february?.inflow).toBe('199999999999.9998');
});

test.each(['ba"nk', `b'; DROP SCHEMA x; --`, '__proto__', '{{bookings}}', '$&'])(
  'the alias %j is quoted',
  async (schema) => {
    const db = await duckBank({ booked: [booking('2026-01-31', '-1', 'Laden')] }, schema);
    expect(await cashFlowByMonth(db, { schema })).toHaveLength(2);
  },
);

test.each([{ from: '2026-02-30' }, { to: "2026-01-01' OR 1=1" }, { schema: '' }, { schema: 'a\0b' }])(
  'options that can not be meant are refused: %j',
  async (options) => {
    const db = await duckBank({});
    await expect(cashFlowByMonth(db, options)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  },
);

test('rows that are not as they should be are an error', async () => {
  const db = { query: () => ({ all: async () => [{ month: '2026-01-01', net: 1.5 }] }) };
  await expect(cashFlowByMonth(db)).rejects.toMatchObject({ code: 'ROW_INVALID' });
});
