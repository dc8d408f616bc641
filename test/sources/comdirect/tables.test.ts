import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineStream, tableOf } from '../../../src/model/index.ts';
import type { TableDefinition } from '../../../src/model/index.ts';
import { RowShaper } from '../../../src/pipeline/row-shaper.ts';
import {
  accountBalancesTable,
  accountTransactionsBookedTable,
  accountTransactionsNotBookedTable,
  toAccountBalanceRow,
  toTransactionRow,
} from '../../../src/sources/comdirect/tables.ts';
import type { AccountTransactionBookedRow } from '../../../src/sources/comdirect/tables.ts';

const nothing = async function* (): AsyncGenerator<never[]> {};
const balances = defineStream({ ...accountBalancesTable, read: nothing });
const booked = defineStream({ ...accountTransactionsBookedTable, read: nothing });
const notBooked = defineStream({ ...accountTransactionsNotBookedTable, read: nothing });

const names = (table: TableDefinition): string[] => table.columns.map(({ name }) => name);

/** What the pipeline makes of rows: cells by column name, reasons for those it refuses, and new columns. */
function shape(stream: typeof booked | typeof balances | typeof notBooked, ...rows: unknown[]) {
  const table = tableOf(stream);
  const shaped = new RowShaper(stream, table).shape(rows);
  const columns = [...table.columns, ...shaped.changes.map(({ column }) => column)];
  return {
    rows: shaped.rows.map((cells) =>
      Object.fromEntries(columns.map(({ name }, i) => [name, cells[i] ?? null])),
    ),
    rejected: shaped.rejected.map(({ reason }) => reason),
    added: shaped.changes.map(({ column }) => column.name),
  };
}

const accountId = 'B5A9F0C8B4214C019D0A6167C3190CC4';
const amount = (value: string, unit = 'EUR') => ({ value, unit });
const balance = {
  account: {
    accountId,
    accountDisplayId: '0012345678',
    currency: 'EUR',
    clientId: 'C',
    accountType: { key: 'CA', text: 'Girokonto' },
    iban: 'DE00',
    bic: 'COBADEHD001',
    creditLimit: amount('2000'),
  },
  accountId,
  balance: amount('-7625.7'),
  balanceEUR: amount('-7625.7'),
  availableCashAmount: amount('0'),
  availableCashAmountEUR: amount('0'),
};
const transaction = {
  reference: 'AB12345678901234/321',
  bookingStatus: 'BOOKED',
  bookingDate: '2025-03-04',
  amount: amount('-52.5'),
  remitter: { holderName: 'MUSTER VERSICHERUNG AG' },
  deptor: null,
  creditor: null,
  valutaDate: '2025-03-04',
  directDebitCreditorId: null,
  directDebitMandateId: null,
  endToEndReference: null,
  newTransaction: false,
  remittanceInfo: [
    'Beitrag  03.2025',
    'End-to-End-Ref.:',
    'E2E-0001',
    'CORE / Mandatsref.:',
    'M-4711',
    'Gläubiger-ID:',
    'DE98ZZZ',
  ]
    .map((line, i) => `0${i + 1}${line.padEnd(35)}`)
    .join(''),
  transactionType: { key: 'DIRECT_DEBIT', text: 'Direct Debit' },
};
const pending = {
  ...transaction,
  reference: '   ',
  bookingStatus: 'NOTBOOKED',
  bookingDate: null,
  valutaDate: null,
  remitter: null,
  remittanceInfo: 'JET-Tankstelle'.padEnd(35),
};

test('the columns are those of the Python original, in its order', () => {
  expect(names(tableOf(balances)).join(' ')).toBe(
    'account_id account_display_id currency client_id account_type__key account_type__text iban bic credit_limit__value credit_limit__unit ' +
      'balance__value balance__unit balance_eur__value balance_eur__unit available_cash_amount__value available_cash_amount__unit ' +
      'available_cash_amount_eur__value available_cash_amount_eur__unit',
  );
  const original =
    'account_id reference booking_status booking_date amount__value amount__unit remitter__holder_name deptor creditor__holder_name ' +
    'creditor__iban creditor__bic valuta_date direct_debit_creditor_id direct_debit_mandate_id end_to_end_reference new_transaction ' +
    'remittance_info transaction_type__key transaction_type__text';
  expect(names(tableOf(booked)).join(' ')).toBe(`${original} remittance_lines`);
  expect(names(tableOf(notBooked)).join(' ')).toBe(`${original} remittance_lines _plumbing_row_key`);
});

test('columns have the types of their values, not all TEXT', () => {
  const types = Object.fromEntries(tableOf(booked).columns.map(({ name, type }) => [name, type]));
  expect(types).toMatchObject({
    amount__value: 'decimal(15,4)',
    booking_date: 'date',
    valuta_date: 'string',
    new_transaction: 'boolean',
    deptor: 'json',
    remittance_lines: 'json',
  });
  expectTypeOf<AccountTransactionBookedRow['booking_date']>().toEqualTypeOf<string | null>();
  expectTypeOf<AccountTransactionBookedRow['reference']>().toEqualTypeOf<string>();
});

test('keys and write modes: a snapshot a day, bookings by account and reference, the pending set as a whole', () => {
  expect(tableOf(balances)).toMatchObject({
    primaryKey: ['account_id', '_inserted_at_day'],
    write: { strategy: 'delete-insert', scope: ['account_id', '_inserted_at_day'] },
  });
  expect(tableOf(booked)).toMatchObject({
    primaryKey: ['account_id', 'reference'],
    write: { strategy: 'upsert' },
  });
  expect(tableOf(notBooked)).toMatchObject({ write: { strategy: 'delete-insert', scope: ['account_id'] } });
});

describe('balances', () => {
  test('the account is flattened without a prefix', () => {
    const { rows, rejected, added } = shape(balances, toAccountBalanceRow(balance));
    expect([rejected, added]).toEqual([[], []]);
    expect(rows[0]).toMatchObject({
      account_display_id: '0012345678',
      account_type__key: 'CA',
      credit_limit__value: '2000',
      balance__value: '-7625.7',
    });
  });

  test('quirk 41: an account without IBAN, BIC and credit limit is a row', () => {
    const { rows } = shape(
      balances,
      toAccountBalanceRow({ ...balance, account: { accountId, iban: null } }),
      toAccountBalanceRow({ accountId, balance: balance.balance }),
    );
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ iban: null, bic: null, credit_limit__value: null });
  });

  test('quirk 1: a currency object is its text', () => {
    const account = { ...balance.account, currency: { Currency: 'USD' } };
    expect(shape(balances, toAccountBalanceRow({ ...balance, account })).rows[0]).toMatchObject({
      currency: 'USD',
    });
  });

  test('a balance without its amount is refused by name, not stored as nothing', () => {
    expect(shape(balances, toAccountBalanceRow({ ...balance, balance: null })).rejected[0]).toContain(
      'balance',
    );
  });
});

describe('transactions', () => {
  test('a booked row: readable text, lines, and references from the text where fields are empty', () => {
    const { rows, rejected, added } = shape(booked, toTransactionRow(transaction, accountId));
    expect([rejected, added]).toEqual([[], []]);
    expect(rows[0]).toMatchObject({
      account_id: accountId,
      reference: 'AB12345678901234/321',
      amount__value: '-52.5',
      remittance_info:
        'Beitrag 03.2025 End-to-End-Ref.: E2E-0001 CORE / Mandatsref.: M-4711 Gläubiger-ID: DE98ZZZ',
      end_to_end_reference: 'E2E-0001',
      direct_debit_mandate_id: 'M-4711',
      direct_debit_creditor_id: 'DE98ZZZ',
    });
    expect(rows[0]?.['remittance_lines']).toHaveLength(7);
  });

  test('quirk 36: a field of its own wins over the remittance text', () => {
    const row = toTransactionRow({ ...transaction, endToEndReference: 'nicht angegeben' }, accountId);
    expect(row).toMatchObject({ endToEndReference: 'nicht angegeben', directDebitMandateId: 'M-4711' });
  });

  test('quirk 3: both spellings end up in deptor, and none becomes a column of its own', () => {
    const { deptor: _deptor, ...without } = transaction;
    const { rows, added } = shape(
      booked,
      toTransactionRow({ ...without, debtor: { holderName: 'A' } }, accountId),
      toTransactionRow(without, accountId),
    );
    expect(added).toEqual([]);
    expect(rows.map((row) => row['deptor'])).toEqual([{ holderName: 'A' }, null]);
  });

  test('quirk 5: impossible value dates are kept as text', () => {
    const { rows } = shape(booked, toTransactionRow({ ...transaction, valutaDate: '2019-02-30' }, accountId));
    expect(rows[0]).toMatchObject({ valuta_date: '2019-02-30' });
  });

  test('quirk 6 and 7: pending rows have neither dates nor a reference, and each has a key', () => {
    const row = toTransactionRow(pending, accountId);
    const { rows, rejected } = shape(notBooked, row, { ...row });
    expect(rejected).toEqual([]);
    expect(rows[0]).toMatchObject({
      reference: null,
      booking_date: null,
      valuta_date: null,
      remittance_info: 'JET-Tankstelle',
    });
    expect(new Set(rows.map((cells) => cells['_plumbing_row_key'])).size).toBe(2);
  });

  test.each([null, '', '   ', undefined])(
    'a booked row with the reference %j is refused, so that it is not inserted again at each run',
    (reference) => {
      const { rows, rejected } = shape(booked, toTransactionRow({ ...transaction, reference }, accountId));
      expect(rows).toEqual([]);
      expect(rejected[0]).toContain('reference');
    },
  );

  test.each(['-544.53', '-35', '0', '99999999999.9999', '-0.0001', '12345678901.12'])(
    'quirk 32: %s is stored exactly',
    (value) => {
      const { rows } = shape(booked, toTransactionRow({ ...transaction, amount: amount(value) }, accountId));
      expect(rows[0]?.['amount__value']).toBe(value);
    },
  );

  test.each(['100000000000', '0.00001', 'viel', '1,5', ''])(
    'an amount of %j is refused, never rounded',
    (value) => {
      expect(
        shape(booked, toTransactionRow({ ...transaction, amount: amount(value) }, accountId)).rejected[0],
      ).toContain('amount.value');
    },
  );

  test('quirk 26: unknown fields become columns at the end, at every level', () => {
    const raw = { ...transaction, invented: 'new', remitter: { holderName: 'A', iban: 'DE00' } };
    const { rows, added } = shape(booked, toTransactionRow(raw, accountId));
    expect(added.toSorted()).toEqual(['invented', 'remitter__iban']);
    expect(rows[0]).toMatchObject({ invented: 'new', remitter__iban: 'DE00' });
  });

  test('a field named __proto__ changes nothing but its row', () => {
    const raw = JSON.parse(`{"__proto__":{"polluted":1},${JSON.stringify(transaction).slice(1)}`) as Record<
      string,
      unknown
    >;
    shape(booked, toTransactionRow(raw, accountId));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('rows that were made already come out the same, and the given object stays as it was', () => {
    const once = toTransactionRow(transaction, accountId);
    expect(toTransactionRow(once, accountId)).toEqual(once);
    expect(toAccountBalanceRow(toAccountBalanceRow(balance))).toEqual(toAccountBalanceRow(balance));
    expect(transaction.remittanceInfo).toContain('02End-to-End-Ref.:');
    expect(transaction).not.toHaveProperty('accountId');
  });
});
