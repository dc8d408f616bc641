/** Booked rows as JSON text, each kind with the fields that the real bank fills for it. Reference: table in section 3.3. */
import { dayText, monthOf } from './calendar.ts';
import { companies, employer, landlord, people, shops, subscription } from './invented.ts';
import type { Kind } from './kinds.ts';
import { digits, draw, pick } from './random.ts';
import { amountText, bookedRemittance, inventedIban } from './wire.ts';

/** What a booked row is made from. */
export interface BookedParts {
  readonly reference: string;
  readonly kind: Kind;
  /** Decides everything that is left to chance. */
  readonly hash: number;
  readonly day: number;
  /** `day` as `YYYY-MM-DD`. */
  readonly date: string;
  readonly cents: number;
  readonly currency: string;
}

/** The part of a row that depends on its kind. What is left out is null. */
interface Details {
  /** JSON text. */
  readonly remitter?: string;
  /** JSON text. */
  readonly creditor?: string;
  readonly creditorId?: string;
  readonly mandate?: string;
  readonly endToEnd?: string;
  /** Lines of the remittance text. */
  readonly lines: readonly string[];
  /** JSON text. */
  readonly type: string;
}

const directDebit = '{"key":"DIRECT_DEBIT","text":"Direct Debit"}';
const cardTransaction = '{"key":"CARD_TRANSACTION","text":"Card transaction"}';
const transfer = '{"key":"TRANSFER","text":"Transfer"}';
const atmWithdrawal = '{"key":"ATM_WITHDRAWAL","text":"ATM withdrawal"}';
const securities = '{"key":"SECURITIES","text":"Securities"}';
const bankFees = '{"key":"BANK_FEES","text":"Bank fees"}';
const interest = '{"key":"INTEREST_DIVIDENDS","text":"Interest / Dividends"}';
/** Reference: quirk 17. */
const unknownType = '{"key":"INVENTED_LATER","text":"A type that did not exist before"}';
const notGiven = 'nicht angegeben';

/** A booked row as JSON text, its fields in the order of the reference's sample. */
export function bookedRow(parts: BookedParts): string {
  const { reference, kind, date, cents, currency } = parts;
  const { remitter, creditor, creditorId, mandate, endToEnd, lines, type } = detailsOf(parts);
  // Once in a while a text is nothing but the number of its first line. Reference: section 3.3.
  const text = kind === 'odd' ? '01 ' : bookedRemittance(lines);
  return (
    `{"reference":"${reference}","bookingStatus":"BOOKED","bookingDate":"${date}","amount":{"value":"${amountText(cents)}","unit":"${currency}"},` +
    `"remitter":${remitter ?? 'null'},"deptor":null,"creditor":${creditor ?? 'null'},"valutaDate":"${valutaOf(parts)}",` +
    `"directDebitCreditorId":${textOrNull(creditorId)},"directDebitMandateId":${textOrNull(mandate)},"endToEndReference":${textOrNull(endToEnd)},` +
    `"newTransaction":false,"remittanceInfo":${JSON.stringify(text)},"transactionType":${type}}`
  );
}

function textOrNull(text: string | undefined): string {
  return text === undefined ? 'null' : JSON.stringify(text);
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Seldom a day that does not exist. Reference: quirk 5. */
function valutaOf({ kind, hash, day, date }: BookedParts): string {
  if (hash % 211 === 0) return `${date.slice(0, 4)}-02-30`;
  return kind === 'securities' ? dayText(day + 2) : date;
}

/** A counterparty without account: IBAN and BIC are left out, or null. Reference: section 3.3, AccountInformation. */
function nameOnly(name: string, hash: number): string {
  return draw(hash, 7, 2) === 0
    ? `{"holderName":${JSON.stringify(name)}}`
    : `{"holderName":${JSON.stringify(name)},"iban":null,"bic":null}`;
}

// oxlint-disable-next-line consistent-return -- the switch is exhaustive
function detailsOf({ kind, hash, day, date, cents }: BookedParts): Details {
  switch (kind) {
    case 'girocard': {
      const { name, city } = pick(hash, 1, shops);
      const time = `${twoDigits(8 + draw(hash, 2, 12))}:${twoDigits(draw(hash, 3, 60))}:00`;
      const lines = [`${name}//${city}/DE`, `${date}T${time} KFN 3  VJ 2812`];
      return { remitter: nameOnly(name, hash), lines, type: directDebit };
    }
    case 'visa': {
      const { name, city } = pick(hash, 1, shops);
      const lines = [
        `${name} ${city}`,
        'Karte Nr. 4999 99XX XXXX 0000',
        'Kartenzahlung',
        'comdirect Visa-Debitkarte',
        `${date} 00:00:00`,
      ];
      return draw(hash, 2, 4) === 0
        ? { lines, type: cardTransaction }
        : { remitter: nameOnly(name, hash), lines, type: directDebit };
    }
    case 'debit':
      return debit(hash, date);
    case 'subscription':
      return subscribed(hash, date);
    case 'in': {
      const endToEnd = draw(hash, 2, 3) === 0 ? `RF${digits(hash, 3, 8)}` : notGiven;
      const thanks = pick(hash, 4, ['Danke für das Essen', 'Anteil Geschenk', 'Rückzahlung Urlaub']);
      const parts = { endToEnd, lines: withReference([thanks], endToEnd), type: transfer };
      // Reference: quirk 35.
      return draw(hash, 5, 12) === 0 ? parts : { ...parts, remitter: nameOnly(pick(hash, 1, people), hash) };
    }
    case 'salary': {
      const lines = withReference([`Lohn/Gehalt ${date.slice(5, 7)}/${date.slice(0, 4)}`], notGiven);
      return { remitter: nameOnly(employer, hash), endToEnd: notGiven, lines, type: transfer };
    }
    case 'saving':
      return {
        remitter: nameOnly(people[0] as string, hash),
        endToEnd: notGiven,
        lines: withReference(['Sparrate'], notGiven),
        type: transfer,
      };
    case 'rent':
      return outgoing(landlord, 'Miete Sonnenhof 3');
    case 'out':
      return outgoing(pick(hash, 1, people), 'Auslagen');
    case 'atm': {
      const lines = [`Bargeldauszahlung ${date}`];
      return draw(hash, 1, 5) < 2
        ? { remitter: nameOnly('GELDAUTOMAT MARKTPLATZ', hash), lines, type: atmWithdrawal }
        : { lines, type: atmWithdrawal };
    }
    case 'securities':
      return { lines: ['Wertpapierabrechnung', `Kauf WKN A0XXX${digits(hash, 1, 1)}`], type: securities };
    case 'fee':
      return {
        lines: [cents > 0 ? 'Erstattung' : 'Entgelt', 'Visa-Kreditkarte', `Zeitraum: ${date.slice(0, 7)}`],
        type: bankFees,
      };
    case 'interest':
      return { lines: ['Zinsen', `Quartal ${Math.ceil(monthOf(day) / 3)}`], type: interest };
    case 'odd':
      return { lines: [], type: unknownType };
  }
}

function withReference(lines: readonly string[], endToEnd: string): readonly string[] {
  return [...lines, 'End-to-End-Ref.:', endToEnd];
}

type Company = (typeof companies)[number];

/** A SEPA direct debit; one in twelve has more than nine lines. */
function debit(hash: number, date: string): Details {
  const { name, creditorId, text } = pick(hash, 1, companies);
  const mandate = draw(hash, 2, 4) === 0 ? `+k7crt:zX1o(${digits(hash, 3, 3)}` : `M-${digits(hash, 3, 8)}`;
  const endToEnd = draw(hash, 4, 3) === 0 ? notGiven : `E2E-${digits(hash, 5, 9)}`;
  const lines = [`${text} ${date.slice(5, 7)}.${date.slice(0, 4)}`];
  if (draw(hash, 6, 12) === 0) {
    lines.push('Positionen laut Anlage:');
    for (let i = 1; i <= 5; i++) lines.push(`Position ${i}: Verbrauch ${digits(hash, 7 + i, 4)} Einheiten`);
  }
  const labelled = ['CORE / Mandatsref.:', mandate, 'Gläubiger-ID:', creditorId];
  return {
    remitter: nameOnly(name, hash),
    creditorId,
    mandate,
    endToEnd,
    lines: [...withReference(lines, endToEnd), ...labelled],
    type: directDebit,
  };
}

/** The same debit each month. */
function subscribed(hash: number, date: string): Details {
  const { name, creditorId, text } = companies.find(
    ({ name: one }) => one === subscription.company,
  ) as Company;
  const { mandate } = subscription;
  const endToEnd = `E2E-${digits(hash, 5, 9)}`;
  return {
    remitter: nameOnly(name, hash),
    creditorId,
    mandate,
    endToEnd,
    lines: [
      ...withReference([`${text} ${date.slice(5, 7)}.${date.slice(0, 4)}`], endToEnd),
      'CORE / Mandatsref.:',
      mandate,
      'Gläubiger-ID:',
      creditorId,
    ],
    type: directDebit,
  };
}

/** JSON texts, by name. */
const creditors = new Map(
  [landlord, ...people].map((holderName, index) => {
    const iban = inventedIban('1', String(4711 + index));
    return [holderName, JSON.stringify({ holderName, iban, bic: 'MUSTDE00XXX' })];
  }),
);

function outgoing(name: string, text: string): Details {
  return {
    creditor: creditors.get(name) as string,
    endToEnd: notGiven,
    lines: withReference([text], notGiven),
    type: transfer,
  };
}
