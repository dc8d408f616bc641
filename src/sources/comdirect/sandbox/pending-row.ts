/** A card payment before it is booked. Reference: quirks 6, 7, 9. */
import { dayText } from './calendar.ts';
import { shops } from './invented.ts';
import { draw, pick } from './random.ts';
import { amountText, pendingRemittance } from './wire.ts';

/** What a pending row is made from. */
export interface PendingParts {
  readonly kind: 'girocard' | 'visa';
  readonly hash: number;
  /** The day of the payment. */
  readonly since: number;
  readonly cents: number;
  readonly currency: string;
}

/** As JSON text: no reference, no dates, nobody named, another layout and often another type than once booked. */
export function pendingRow({ kind, hash, since, cents, currency }: PendingParts): string {
  const { name, city } = pick(hash, 1, shops);
  const text = pendingRemittance([`${name} ${city} DEU`, `${dayText(since)}T13:31:08`]);
  const type =
    kind === 'visa'
      ? '{"key":"CARD_TRANSACTION","text":"Card transaction"}'
      : '{"key":"DIRECT_DEBIT","text":"Direct Debit"}';
  return (
    `{"reference":${draw(hash, 6, 2) === 0 ? 'null' : '"                "'},"bookingStatus":"NOTBOOKED","bookingDate":null,` +
    `"amount":{"value":"${amountText(cents)}","unit":"${currency}"},"remitter":null,"deptor":null,"creditor":null,` +
    `"valutaDate":null,"directDebitCreditorId":null,"directDebitMandateId":null,"endToEndReference":null,` +
    `"newTransaction":false,"remittanceInfo":${JSON.stringify(text)},"transactionType":${type}}`
  );
}
