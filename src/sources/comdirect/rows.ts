/** From objects as the bank sends them to rows as the tables want them. Fields that are not known are kept. */
import { parseRemittance } from './remittance.ts';

type Fields = Record<string, unknown>;

/**
 * The row of a balance: the fields of `account` come to the top level. Gives a new object; one that is a row already
 * comes out the same.
 */
export function toAccountBalanceRow(balance: Readonly<Fields>): Fields {
  const { account, ...own } = balance;
  const row: Fields = isObject(account) ? { ...account, ...own } : own;
  if (isObject(row['currency'])) row['currency'] = plain(row['currency']);
  return row;
}

/**
 * The row of a booking: with its account, the remittance text taken apart, `debtor` under the name the bank usually
 * gives it (`deptor`), and a blank reference as none. SEPA references that have no field of their own are taken from
 * the remittance text. Gives a new object; one that is a row already comes out the same.
 */
export function toTransactionRow(transaction: Readonly<Fields>, accountId: string): Fields {
  const row: Fields = { ...transaction, accountId };
  const { reference, bookingDate, valutaDate, remittanceInfo } = row;
  if (typeof reference === 'string' && reference.trim() === '') row['reference'] = null;
  if (isObject(bookingDate)) row['bookingDate'] = plain(bookingDate);
  if (isObject(valutaDate)) row['valutaDate'] = plain(valutaDate);
  if (row['debtor'] !== undefined) {
    row['deptor'] ??= row['debtor'];
    row['debtor'] = undefined;
  }
  if (typeof remittanceInfo === 'string' && row['remittanceLines'] === undefined) {
    const remittance = parseRemittance(remittanceInfo, String(row['bookingStatus']));
    row['remittanceInfo'] = remittance.text;
    row['remittanceLines'] = remittance.lines;
    row['endToEndReference'] ??= remittance.endToEndReference;
    row['directDebitMandateId'] ??= remittance.mandateId;
    row['directDebitCreditorId'] ??= remittance.creditorId;
  }
  return row;
}

/** The official Swagger file types plain strings as objects of one field (`{ "date": ... }`); the bank sends strings. */
function plain(wrapped: Readonly<Fields>): unknown {
  return wrapped['date'] ?? wrapped['Currency'] ?? wrapped['currency'] ?? wrapped;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
