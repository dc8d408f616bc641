/** What the bank's answers look like. Unknown fields are kept, values of open sets stay strings. */
import { z } from 'zod';

/** A string that the official Swagger file types as an object of one field, e.g. `{ "date": "2025-03-04" }`. */
function wrappable(field: string): z.ZodType<string> {
  return z.preprocess(
    (value) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : value,
    z.string(),
  );
}

const optionalText = z.string().nullish();

/** An exact amount: a decimal string without trailing zeros, and its unit (ISO 4217, or `XXX` for pieces). */
export const amountValueSchema = z.looseObject({ value: z.string(), unit: z.string() });
/** A key of an open set, and its label. */
export const enumTextSchema = z.looseObject({ key: z.string(), text: optionalText });
/** A counterparty. */
export const accountInformationSchema = z.looseObject({
  holderName: optionalText,
  iban: optionalText,
  bic: optionalText,
});

/** Reference: comdirect REST API 4/2020, section 4.1 (Account). */
export const accountSchema = z.looseObject({
  accountId: z.string(),
  accountDisplayId: optionalText,
  currency: wrappable('Currency').nullish(),
  clientId: optionalText,
  accountType: enumTextSchema.nullish(),
  iban: optionalText,
  bic: optionalText,
  creditLimit: amountValueSchema.nullish(),
});

/** Reference: comdirect REST API 4/2020, section 4.1 (AccountBalance). */
export const accountBalanceSchema = z.looseObject({
  account: accountSchema.nullish(),
  accountId: z.string(),
  balance: amountValueSchema,
  balanceEUR: amountValueSchema.nullish(),
  availableCashAmount: amountValueSchema.nullish(),
  availableCashAmountEUR: amountValueSchema.nullish(),
});

/**
 * Reference: comdirect REST API 4/2020, section 4.2 (AccountTransaction). `deptor` is the wire's spelling; an answer
 * that says `debtor` is read as well.
 */
export const accountTransactionSchema = z
  .looseObject({
    /** The whole text is the key of a booked transaction; `null` while it is pending. */
    reference: optionalText,
    bookingStatus: z.string(),
    /** `null` while it is pending. */
    bookingDate: wrappable('date').nullish(),
    amount: amountValueSchema.nullish(),
    remitter: accountInformationSchema.nullish(),
    deptor: accountInformationSchema.nullish(),
    debtor: accountInformationSchema.nullish(),
    creditor: accountInformationSchema.nullish(),
    /** May be an impossible day such as `2019-02-30`. */
    valutaDate: wrappable('date').nullish(),
    directDebitCreditorId: optionalText,
    directDebitMandateId: optionalText,
    endToEndReference: optionalText,
    newTransaction: z.boolean().nullish(),
    /** As sent; see `parseRemittance`. */
    remittanceInfo: optionalText,
    transactionType: enumTextSchema.nullish(),
  })
  .transform(({ debtor, ...transaction }) => ({
    ...transaction,
    deptor: transaction.deptor ?? debtor ?? null,
    // Pending ones carry null or blanks.
    reference: transaction.reference?.trim() ? transaction.reference : null,
  }));

/** An account's master data. */
export type Account = z.output<typeof accountSchema>;
/** A balance, with its account. */
export type AccountBalance = z.output<typeof accountBalanceSchema>;
/** A booked or pending transaction. */
export type AccountTransaction = z.output<typeof accountTransactionSchema>;
/** An exact amount with its unit. */
export type AmountValue = z.output<typeof amountValueSchema>;

/** The envelope of every list. `matches` counts all rows of the filter, not those of the page. */
export const listSchema = z.looseObject({
  paging: z.looseObject({ index: z.number().nullish(), matches: z.number().nullish() }).nullish(),
  values: z.array(z.unknown()),
});
