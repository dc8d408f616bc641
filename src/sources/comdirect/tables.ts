/**
 * The tables of this source: columns, keys, write modes. Pure definitions, no I/O.
 *
 * Column names and their order are those of the Python original; further columns follow at the end.
 */
import { z } from 'zod';
import { date, decimal, json } from '../../model/index.ts';
import type { CursorOptions, RowOf, WriteMode } from '../../model/index.ts';

export { toAccountBalanceRow, toTransactionRow } from './rows.ts';

const text = (): z.ZodOptional<z.ZodNullable<z.ZodString>> => z.string().nullish();

/**
 * Fifteen digits, four of them after the point: enough for the minor units of every ISO 4217 currency, exact in plain
 * SQL sums (a precision above 15 would be stored as text), and no account holds 100 billion. An amount beyond that is
 * an invalid row, never rounded.
 */
const amount = z.object({ value: decimal(15, 4), unit: z.string() });

const enumText = z.object({ key: text(), text: text() });

/** One row of `account_balances`: a balance with its account, the account's own fields without a prefix. */
export const accountBalancesSchema = z.object({
  accountId: z.string().min(1),
  accountDisplayId: text(),
  currency: text(),
  clientId: text(),
  accountType: enumText.nullish(),
  iban: text(),
  bic: text(),
  creditLimit: amount.nullish(),
  balance: amount,
  balanceEUR: amount.nullish(),
  availableCashAmount: amount.nullish(),
  availableCashAmountEUR: amount.nullish(),
});

const transactionFields = {
  bookingStatus: z.string(),
  bookingDate: date().nullish(),
  amount: amount.nullish(),
  remitter: z.object({ holderName: text() }).nullish(),
  /** Spelt as on the wire. */
  deptor: json().optional(),
  creditor: z.object({ holderName: text(), iban: text(), bic: text() }).nullish(),
  /** A string: the bank sends impossible days such as 30 February. */
  valutaDate: text(),
  directDebitCreditorId: text(),
  directDebitMandateId: text(),
  endToEndReference: text(),
  newTransaction: z.boolean().nullish(),
  /** Readable text, white space collapsed. */
  remittanceInfo: text(),
  transactionType: enumText.nullish(),
  /** The same text, line by line. */
  remittanceLines: z.array(z.string()).nullish(),
};

/** One row of `account_transactions__booked`. */
export const accountTransactionsBookedSchema = z.object({
  accountId: z.string().min(1),
  reference: z.string().min(1),
  ...transactionFields,
});

/** One row of `account_transactions__not_booked`. The bank gives pending bookings no reference of their own. */
export const accountTransactionsNotBookedSchema = z.object({
  accountId: z.string().min(1),
  reference: text(),
  ...transactionFields,
});

/** A row of `account_balances` as it is read back. */
export type AccountBalanceRow = RowOf<typeof accountBalancesSchema>;
/** A row of `account_transactions__booked` as it is read back. */
export type AccountTransactionBookedRow = RowOf<typeof accountTransactionsBookedSchema>;
/** A row of `account_transactions__not_booked` as it is read back. */
export type AccountTransactionNotBookedRow = RowOf<typeof accountTransactionsNotBookedSchema>;

/** `account_balances`: one snapshot of an account a day; a second one of the day takes the place of the first. */
export const accountBalancesTable = {
  name: 'account_balances',
  schema: accountBalancesSchema,
  primaryKey: ['account_id', '_inserted_at_day'],
  write: { mode: 'merge', strategy: 'delete-insert', scope: ['account_id', '_inserted_at_day'] },
} as const satisfies { write: WriteMode } & Record<string, unknown>;

/** Days before the newest known booking from which a run reads again: bookings may arrive late. */
export const bookedLookbackDays = 14;

/** `account_transactions__booked`: by account and whole reference, so that a correction replaces the row. */
export const accountTransactionsBookedTable = {
  name: 'account_transactions__booked',
  schema: accountTransactionsBookedSchema,
  primaryKey: ['account_id', 'reference'],
  cursor: { column: 'booking_date', lookback: bookedLookbackDays, order: 'unordered' },
  write: { mode: 'merge', strategy: 'upsert' },
} as const satisfies { write: WriteMode; cursor: CursorOptions } & Record<string, unknown>;

/** `account_transactions__not_booked`: the pending set of an account is replaced as a whole, also by an empty one. */
export const accountTransactionsNotBookedTable = {
  name: 'account_transactions__not_booked',
  schema: accountTransactionsNotBookedSchema,
  rowKey: 'hash',
  write: { mode: 'merge', strategy: 'delete-insert', scope: ['account_id'] },
} as const satisfies { write: WriteMode } & Record<string, unknown>;
