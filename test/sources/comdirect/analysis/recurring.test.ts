import { expect, test } from 'vitest';
import { recurringPayments } from '../../../../src/sources/comdirect/analysis/index.ts';
import { booking, duckBank } from './duck-bank.ts';

type Booking = ReturnType<typeof booking>;

/** Bookings on the given days. */
function series(days: readonly string[], amount: string, name: string, more: object = {}): Booking[] {
  return days.map((day) => booking(day, amount, name, { ...more }));
}

const monthEnds = ['2025-11-30', '2025-12-31', '2026-01-31', '2026-02-28', '2026-03-31'];

test('rent: period, count, amounts, first, last and next date', async () => {
  const db = await duckBank({
    booked: [
      ...series(['2025-12-01', '2026-01-02', '2026-02-02'], '-985', 'Hausverwaltung'),
      booking('2026-03-02', '-1010.50', 'HAUSVERWALTUNG'),
    ],
  });
  expect(await recurringPayments(db)).toEqual([
    {
      account_id: 'giro',
      counterparty: 'HAUSVERWALTUNG',
      creditor_id: null,
      mandate_id: null,
      currency: 'EUR',
      direction: 'out',
      period: 'month',
      bookings: 4,
      first_date: '2025-12-01',
      last_date: '2026-03-02',
      last_amount: '-1010.5000',
      typical_amount: '-985.0000',
      next_date: '2026-04-02',
      is_active: true,
    },
  ]);
});

test.each([
  ['week', ['2026-01-05', '2026-01-12', '2026-01-19', '2026-01-27'], '2026-02-03'],
  ['month', monthEnds, '2026-04-30'],
  ['quarter', ['2025-05-15', '2025-08-15', '2025-11-17', '2026-02-16'], '2026-05-16'],
  ['year', ['2024-02-29', '2025-02-28', '2026-03-02'], '2027-03-02'],
])('a period of a %s is found, month borders included', async (period, days, next) => {
  const db = await duckBank({ booked: series(days, '-12.99', 'Abo') });
  expect(await recurringPayments(db)).toMatchObject([
    { period, next_date: next, typical_amount: '-12.9900', bookings: days.length },
  ]);
});

test('salary is money in, and comes first; one that ended is not active', async () => {
  const db = await duckBank({
    booked: [
      ...series(monthEnds, '3250', 'Werkstatt'),
      ...series(['2025-01-15', '2025-02-15', '2025-03-15'], '-9.99', 'Altes Abo'),
    ],
  });
  expect(await recurringPayments(db)).toMatchObject([
    { counterparty: 'Werkstatt', direction: 'in', is_active: true },
    { counterparty: 'Altes Abo', direction: 'out', is_active: false, next_date: '2025-04-15' },
  ]);
});

test('two contracts with one company are told apart by amount', async () => {
  const company = { direct_debit_creditor_id: 'DE98ZZZ09999999901' };
  const db = await duckBank({
    booked: [
      ...series(monthEnds, '-9.99', 'Versicherung', company),
      ...series(monthEnds, '-55', 'Versicherung AG', company),
    ],
  });
  const found = await recurringPayments(db);
  expect(found.map((payment) => [payment.typical_amount, payment.mandate_id])).toEqual([
    ['-55.0000', null],
    ['-9.9900', null],
  ]);
});

test('what one mandate collects is one series, whatever the amounts', async () => {
  const mandate = { direct_debit_creditor_id: 'DE98ZZZ09999999902', direct_debit_mandate_id: 'M-1' };
  const amounts = ['-20', '-55.50', '-31', '-90', '-20'];
  const db = await duckBank({
    booked: monthEnds.map((day, i) => booking(day, amounts[i] ?? '', `Telefon ${i}`, mandate)),
  });
  expect(await recurringPayments(db)).toMatchObject([
    {
      counterparty: 'Telefon 4',
      mandate_id: 'M-1',
      creditor_id: 'DE98ZZZ09999999902',
      bookings: 5,
      typical_amount: '-31.0000',
      last_amount: '-20.0000',
    },
  ]);
});

test('of yearly debits with a creditor id two will do; of others not', async () => {
  const days = ['2025-03-01', '2026-03-02'];
  const db = await duckBank({
    booked: [
      ...series(days, '-80', 'Verein', { direct_debit_creditor_id: 'DE98ZZZ09999999905' }),
      ...series(days, '-80', 'Laden'),
    ],
  });
  expect(await recurringPayments(db)).toMatchObject([{ counterparty: 'Verein', period: 'year' }]);
});

test('shopping at no steady period is not recurring, nor is a series of two', async () => {
  const db = await duckBank({
    booked: [
      ...series(
        ['2026-01-02', '2026-01-05', '2026-01-06', '2026-02-17', '2026-03-01', '2026-03-03'],
        '-20',
        'Laden',
      ),
      ...series(['2026-01-01', '2026-02-01'], '-50', 'Neues Abo'),
      ...series(monthEnds, '-1.90', '', { transaction_type__text: 'Bank fees' }),
    ],
  });
  expect(await recurringPayments(db)).toEqual([]);
});

test('money out and back, accounts and currencies are series of their own', async () => {
  const db = await duckBank({
    booked: [
      ...series(monthEnds, '-10', 'Mira'),
      ...series(monthEnds, '10', 'Mira'),
      ...series(monthEnds, '-10', 'Mira', { amount__unit: 'USD' }),
      ...series(monthEnds, '-10', 'Mira', { account_id: 'other' }),
    ],
  });
  const found = await recurringPayments(db);
  expect(found.map((one) => `${one.account_id} ${one.direction} ${one.currency} ${one.bookings}`)).toEqual([
    'giro in EUR 5',
    'giro out EUR 5',
    'giro out USD 5',
    'other out EUR 5',
  ]);
  expect(await recurringPayments(db, { accountId: 'other' })).toHaveLength(1);
  expect(await recurringPayments(db, { from: '2026-02-01' })).toEqual([]);
});

test('no rows give no rows', async () => {
  expect(await recurringPayments(await duckBank({}))).toEqual([]);
});
