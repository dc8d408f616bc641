import { describe, expect, test } from 'vitest';
import {
  spendingByCategory,
  spendingByCounterparty,
} from '../../../../src/sources/comdirect/analysis/index.ts';
import { booking, duckBank } from './duck-bank.ts';

describe('by counterparty', () => {
  test('spellings of one name are one counterparty, refunds count against it, the most comes first', async () => {
    const db = await duckBank({
      booked: [
        booking('2026-01-02', '-30.10', 'Café  Bohne'),
        booking('2026-01-31', '-20.10', 'CAFE BOHNE'),
        booking('2026-02-02', '10.05', 'Cafe Bohne'),
        booking('2026-01-05', '-100', 'Laden'),
      ],
    });
    expect(await spendingByCounterparty(db)).toEqual([
      {
        counterparty: 'Laden',
        currency: 'EUR',
        spent: '100.0000',
        refunded: '0.0000',
        net_spent: '100.0000',
        payments: 1,
        refunds: 0,
        first_date: '2026-01-05',
        last_date: '2026-01-05',
      },
      {
        counterparty: 'Cafe Bohne',
        currency: 'EUR',
        spent: '50.2000',
        refunded: '10.0500',
        net_spent: '40.1500',
        payments: 2,
        refunds: 1,
        first_date: '2026-01-02',
        last_date: '2026-02-02',
      },
    ]);
  });

  test('income is no refund: from strangers, before a payment, above what was paid in all', async () => {
    const db = await duckBank({
      booked: [
        booking('2026-01-01', '5', 'Laden'),
        booking('2026-01-02', '-10', 'Laden'),
        booking('2026-01-03', '4', 'Laden'),
        booking('2026-01-04', '2', 'Laden'),
        booking('2026-01-27', '3000', 'Werkstatt'),
        booking('2026-01-28', '-3', 'Werkstatt'),
        booking('2026-02-27', '1', 'Werkstatt'),
        booking('2026-01-28', '1', null),
      ],
    });
    expect(await spendingByCounterparty(db)).toMatchObject([
      { counterparty: 'Laden', spent: '10.0000', refunded: '4.0000', net_spent: '6.0000', refunds: 1 },
      { counterparty: 'Werkstatt', spent: '3.0000', refunded: '0.0000' },
    ]);
  });

  test('a refund counts in the range in which it comes, also when the payment was before', async () => {
    const db = await duckBank({
      booked: [booking('2025-12-31', '-10', 'Laden'), booking('2026-01-01', '4', 'Laden')],
    });
    expect(await spendingByCounterparty(db, { from: '2026-01-01' })).toMatchObject([
      { spent: '0.0000', refunded: '4.0000', net_spent: '-4.0000', payments: 0, refunds: 1 },
    ]);
  });

  test('currencies are kept apart, and a bill in one is not refunded in another', async () => {
    const db = await duckBank({
      booked: [
        booking('2026-01-01', '-10', 'Laden'),
        booking('2026-01-02', '-7', 'Laden', { amount__unit: 'USD' }),
        booking('2026-01-03', '9', 'Laden', { amount__unit: 'USD' }),
      ],
    });
    const rows = await spendingByCounterparty(db);
    expect(rows.map((row) => [row.currency, row.net_spent])).toEqual([
      ['EUR', '10.0000'],
      ['USD', '7.0000'],
    ]);
  });

  test('who is paid: creditor, else remitter, else debtor, else the shop on the card, else the kind of booking', async () => {
    const party = (more: object) => booking('2026-01-01', '-1', null, { ...more });
    const db = await duckBank({
      booked: [
        party({ creditor__holder_name: 'A', remitter__holder_name: 'x' }),
        party({ creditor__holder_name: ' ', remitter__holder_name: 'B' }),
        party({ deptor: { holderName: 'C' } }),
        party({ transaction_type__key: 'CARD_TRANSACTION', remittance_lines: ['D', 'x'], deptor: 'x' }),
        party({ transaction_type__key: 'ATM_WITHDRAWAL', transaction_type__text: 'ATM withdrawal' }),
        party({}),
      ],
    });
    const names = (await spendingByCounterparty(db)).map(({ counterparty }) => counterparty);
    expect(names).toEqual(['(ATM withdrawal)', '(unknown)', 'A', 'B', 'C', 'D']);
  });

  test('names are data, whatever they say', async () => {
    const names = [
      `'; DROP TABLE x; --`,
      '__proto__',
      '<script>',
      '{{schema}}',
      '\u0000 x',
      '💶'.repeat(1000),
    ];
    const db = await duckBank({ booked: names.map((name) => booking('2026-01-01', '-1', name)) });
    const found = (await spendingByCounterparty(db)).map(({ counterparty }) => counterparty);
    expect(found.toSorted()).toEqual(names.toSorted());
  });

  test('no rows give no rows', async () => {
    expect(await spendingByCounterparty(await duckBank({}))).toEqual([]);
  });
});

describe('by category', () => {
  const bookings = () => [
    booking('2026-01-01', '-985', 'Hausverwaltung', { remittance_info: 'Miete Januar' }),
    booking('2026-01-02', '-12.99', 'Laden', { remittance_info: '50% Rabatt (a+b)' }),
    booking('2026-01-03', '-5', 'laden nebenan'),
    booking('2026-01-04', '2.50', 'Laden nebenan'),
    booking('2026-01-27', '3250', 'Werkstatt', { remittance_info: 'Miete' }),
  ];

  test('the first rule that matches wins, case is no matter, the rest is other', async () => {
    const db = await duckBank({ booked: bookings() });
    const rows = await spendingByCategory(db, {
      rules: [
        { category: 'nearby', regex: '^LADEN neben' },
        { category: 'shop', text: ['none', 'LADEN'] },
        { category: 'never', text: 'laden' },
      ],
    });
    expect(rows).toMatchObject([
      { category: 'other', currency: 'EUR', spent: '985.0000', refunded: '0.0000', payments: 1, refunds: 0 },
      { category: 'shop', net_spent: '12.9900' },
      { category: 'nearby', spent: '5.0000', refunded: '2.5000', net_spent: '2.5000', refunds: 1 },
    ]);
  });

  test.each([
    ['50% Rabatt (a+b)', 'shop'],
    ['.*', 'other'],
    [`'; DROP TABLE x; --`, 'other'],
    ['$1', 'other'],
  ])('a text is taken literally: %s', async (text, expected) => {
    const db = await duckBank({ booked: bookings().slice(1, 2) });
    expect(await spendingByCategory(db, { rules: [{ category: 'shop', text }] })).toMatchObject([
      { category: expected },
    ]);
  });

  test('categories may be called anything', async () => {
    const category = `'; DROP "x" \\ __proto__`;
    const db = await duckBank({ booked: bookings() });
    expect(await spendingByCategory(db, { rules: [{ category, regex: '.' }] })).toMatchObject([{ category }]);
  });

  test('no rules: all is other; no rows: nothing', async () => {
    expect(await spendingByCategory(await duckBank({ booked: bookings() }), { rules: [] })).toMatchObject([
      { category: 'other', payments: 3 },
    ]);
    expect(await spendingByCategory(await duckBank({}))).toEqual([]);
  });

  test('the rules that come with the package know rent, and an expression that would be slow elsewhere is not', async () => {
    const db = await duckBank({
      booked: [...bookings(), booking('2026-01-03', '-1', 'a'.repeat(10_000))],
    });
    expect(await spendingByCategory(db)).toMatchObject([{ category: 'housing', net_spent: '985.0000' }, {}]);
    expect(await spendingByCategory(db, { rules: [{ category: 'slow', regex: '^(a+)+$' }] })).toMatchObject([
      { category: 'other' },
      { category: 'slow', payments: 1 },
    ]);
  });

  test('an expression that DuckDB does not understand is named', async () => {
    const db = await duckBank({ booked: bookings() });
    const rules = [
      { category: 'fine', regex: 'a' },
      { category: 'bad', regex: ['b', '(?<=x)y'] },
    ];
    await expect(spendingByCategory(db, { rules })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/rule 1 \(bad\).*\(\?<=x\)y/) as string,
    });
  });
});

test('names that differ by the kind of white space are one counterparty, and white space is no name', async () => {
  const remitter = { remitter__holder_name: 'Shop' };
  const db = await duckBank({
    booked: [
      booking('2026-01-01', '-1', 'Bäckerei Müller'),
      booking('2026-01-02', '-2', 'Bäckerei\u00A0Müller'),
      booking('2026-01-03', '-4', '\u2003bäckerei\t\u202F müller\v\u0085'),
      booking('2026-01-04', '-8', '\u00A0', remitter),
      booking('2026-01-05', '-16', '\t\n', remitter),
      booking('2026-01-06', '-32', null, { deptor: { holderName: '\u2009Shop' } }),
    ],
  });
  const rows = await spendingByCounterparty(db);
  expect(rows.map((row) => [row.counterparty.toLowerCase(), row.net_spent])).toEqual([
    ['shop', '56.0000'],
    ['bäckerei müller', '7.0000'],
  ]);
});
