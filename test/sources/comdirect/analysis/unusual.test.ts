import { expect, test } from 'vitest';
import { unusualPayments } from '../../../../src/sources/comdirect/analysis/index.ts';
import { booking, duckBank } from './duck-bank.ts';

type Booking = ReturnType<typeof booking>;

/** Bookings on days of January, one an amount. */
function series(amounts: readonly string[], name: string, month = '2026-01'): Booking[] {
  return amounts.map((amount, i) => booking(`${month}-${String(i + 1).padStart(2, '0')}`, amount, name));
}

const rules = [{ category: 'shops', text: 'laden' }];

test('an amount far from what the counterparty usually gets', async () => {
  // Median 10, deviations 0 1 1 2 2 50: discrete median 1, so one robust standard deviation is 1.4826.
  const db = await duckBank({
    booked: [...series(['-10', '-11', '-9', '-12', '-8'], 'Laden'), booking('2026-02-01', '-60', 'LADEN')],
  });
  expect(await unusualPayments(db, { rules })).toEqual([
    {
      account_id: 'giro',
      reference: expect.any(String) as string,
      booking_date: '2026-02-01',
      counterparty: 'LADEN',
      category: 'shops',
      currency: 'EUR',
      amount: '-60.0000',
      reason: 'amount',
      compared_with: 'counterparty',
      usual_amount: '-10.0000',
      score: 33.7,
    },
  ]);
  expect(await unusualPayments(db, { rules, threshold: 34 })).toEqual([]);
});

test('what was always the same may move by a little', async () => {
  const rent = ['-985', '-985', '-985', '-985', '-985', '-985'];
  const db = await duckBank({
    booked: [
      ...series(rent, 'Vermieterin'),
      booking('2026-02-01', '-1050', 'Vermieterin'),
      booking('2026-03-01', '-1970', 'Vermieterin'),
      ...series(['-1', '-1', '-1', '-1', '-1', '-6.99'], 'Automat'),
    ],
  });
  expect(await unusualPayments(db)).toMatchObject([{ amount: '-1970.0000', score: 20 }]);
});

test('where the counterparty had few payments, its category tells what is usual; other tells nothing', async () => {
  const shops = Array.from({ length: 12 }, (_, i) => booking('2026-01-05', '-20', `Laden ${i}`));
  const strangers = Array.from({ length: 12 }, (_, i) => booking('2026-01-05', '-20', `Wer ${i}`));
  const db = await duckBank({
    booked: [
      ...shops,
      ...strangers,
      booking('2026-01-06', '-80', 'Laden neu'),
      booking('2026-01-06', '-80', 'Wer neu'),
    ],
  });
  expect(await unusualPayments(db, { rules })).toMatchObject([
    { counterparty: 'Laden neu', compared_with: 'category', usual_amount: '-20.0000', reason: 'amount' },
  ]);
});

test('a first payment to a new counterparty, from a threshold on, once there is a history', async () => {
  const db = await duckBank({
    booked: [
      booking('2026-01-01', '-5000', 'Anfang'),
      booking('2026-03-31', '-5000', 'Noch Anfang'),
      booking('2026-04-01', '-500', 'Neu'),
      booking('2026-04-02', '-5000', 'Neu'),
      booking('2026-04-03', '-499.9999', 'Klein'),
      booking('2026-04-04', '-5000', null, { transaction_type__text: 'Securities' }),
      booking('2026-02-01', '1', 'Bekannt'),
      booking('2026-04-05', '-5000', 'Bekannt'),
    ],
  });
  expect(await unusualPayments(db)).toMatchObject([
    {
      counterparty: 'Neu',
      amount: '-500.0000',
      reason: 'new_counterparty',
      compared_with: null,
      usual_amount: null,
      score: null,
    },
  ]);
  const early = await unusualPayments(db, { learningDays: 0, firstPaymentFrom: '5000.00' });
  expect(early.map(({ counterparty }) => counterparty)).toEqual(['Noch Anfang', 'Anfang']);
  expect(await unusualPayments(db, { from: '2026-04-02' })).toEqual([]);
  expect(await unusualPayments(db, { to: '2026-03-31' })).toEqual([]);
});

test('money that comes in is never unusual, and currencies are compared within themselves', async () => {
  const db = await duckBank({
    booked: [
      ...series(['-10', '-10', '-10', '-10', '-10', '-10'], 'Laden'),
      booking('2026-01-20', '9000', 'Laden'),
      booking('2026-01-21', '-90', 'Laden', { amount__unit: 'USD' }),
    ],
  });
  expect(await unusualPayments(db)).toEqual([]);
});

test('no rows give no rows', async () => {
  expect(await unusualPayments(await duckBank({}))).toEqual([]);
});

test.each([
  { threshold: 0 },
  { threshold: Number.NaN },
  { firstPaymentFrom: '1 OR 1=1' },
  { learningDays: -1 },
])('options that can not be meant are refused: %j', async (options) => {
  await expect(unusualPayments(await duckBank({}), options)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
});
