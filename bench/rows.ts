/** Invented transactions as a vendor would send them: made on demand, cheap, the same for every contestant. */
import { z } from 'zod';
import { date, decimal } from 'plumbing-core';

const text = () => z.string().nullish();

/** 19 columns, the shape of booked transactions. */
export const schema = z.object({
  accountId: z.string(),
  reference: z.string(),
  bookingStatus: z.string(),
  bookingDate: date().nullish(),
  amount: z.object({ value: decimal(15, 2), unit: z.string() }),
  remitter: z.object({ holderName: text() }).nullish(),
  deptor: text(),
  creditor: z.object({ holderName: text(), iban: text(), bic: text() }).nullish(),
  valutaDate: text(),
  directDebitCreditorId: text(),
  directDebitMandateId: text(),
  endToEndReference: text(),
  newTransaction: z.boolean(),
  remittanceInfo: text(),
  transactionType: z.object({ key: text(), text: text() }),
});

/** One row as sent. */
export type Sent = z.input<typeof schema>;

const days = Array.from({ length: 730 }, (_, i) =>
  new Date(Date.UTC(2024, 11, 1) + i * 86_400_000).toISOString().slice(0, 10),
);
const names = Array.from({ length: 200 }, (_, i) => `Counterparty ${i} GmbH & Co. KG`);
const transfer = { key: 'TRANSFER', text: 'Transfer' };
const debit = { key: 'DIRECT_DEBIT', text: 'Direct Debit' };

/** Row `i` of `count`, in order of time. `version` changes what a correction would change. */
export function makeRow(i: number, count: number, version = 0): Sent {
  const day = days[Math.floor((i / count) * days.length)] as string;
  const cents = ((i * 7919) % 500_000) - 300_000 + version;
  const out = cents < 0;
  const name = names[i % names.length] as string;
  return {
    accountId: 'A43D19ABC929751BFAEE1F51C9F8C86F',
    reference: `AB${String(i).padStart(14, '0')}/${i % 1000}`,
    bookingStatus: 'BOOKED',
    bookingDate: day,
    amount: {
      value: `${Math.trunc(cents / 100)}.${String(Math.abs(cents % 100)).padStart(2, '0')}`,
      unit: 'EUR',
    },
    remitter: out ? null : { holderName: name },
    deptor: null,
    creditor: out
      ? {
          holderName: name,
          iban: `DE0099990000${String(i % 1_000_000).padStart(10, '0')}`,
          bic: 'MUSTDE00XXX',
        }
      : null,
    valutaDate: day,
    directDebitCreditorId: null,
    directDebitMandateId: i % 4 === 0 ? `M-${i}` : null,
    endToEndReference: `E2E-${i}`,
    newTransaction: false,
    remittanceInfo: `Rechnung Nr. ${i} vom ${day}, Kundennummer ${i % 977}, herzlichen Dank`,
    transactionType: out ? transfer : debit,
  };
}
