/** The bookings of one account, made on demand: from seed, account, day and number alone, so that history never changes. */
import { dayOfMonth, dayText, isBankDay, monthOf } from './calendar.ts';
import { companies, employer, landlord, people, shops } from './invented.ts';
import { Draw, mix } from './random.ts';
import { amountText, bookedRemittance, inventedIban, pendingRemittance } from './wire.ts';

/** Kinds of bookings, each with the fill pattern of the reference's table in section 3.3. */
type Kind =
  | 'girocard'
  | 'visa'
  | 'debit'
  | 'out'
  | 'in'
  | 'atm'
  | 'securities'
  | 'fee'
  | 'interest'
  | 'odd'
  | 'salary'
  | 'rent'
  | 'saving';

/** What happens on an account, apart from chance. */
export type AccountCharacter = 'giro' | 'savings';

/** Weights of the kinds that happen by chance on a giro account; their sum is 100. */
const weights: readonly (readonly [Kind, number])[] = [
  ['girocard', 34],
  ['visa', 26],
  ['debit', 14],
  ['out', 8],
  ['in', 6],
  ['atm', 4],
  ['securities', 4],
  ['fee', 2],
  ['odd', 2],
];
const kinds: readonly Kind[] = weights.flatMap(([kind, weight]) =>
  Array.from({ length: weight }, () => kind),
);

/** Days that a card payment stays pending before it is booked, at most. */
export const maxPendingDays = 3;

/** One account's bookings. */
export class Bookings {
  readonly #seed: number;
  readonly #account: number;
  readonly #character: AccountCharacter;
  readonly #currency: string;
  readonly #perDay: number;
  /** Bookings that arrived unplanned, by day. */
  readonly #arrivals = new Map<number, number>();

  constructor(seed: number, account: number, character: AccountCharacter, currency: string, perDay: number) {
    this.#seed = seed;
    this.#account = account;
    this.#character = character;
    this.#currency = currency;
    this.#perDay = character === 'giro' ? perDay : 0;
  }

  /** Number of bookings on a day. */
  count(day: number): number {
    return this.#planned(day).length + this.#byChance(day) + (this.#arrivals.get(day) ?? 0);
  }

  /** One more booking arrives on `day`. */
  arrive(day: number): void {
    this.#arrivals.set(day, (this.#arrivals.get(day) ?? 0) + 1);
  }

  /** Sum of a day's bookings in cents. */
  dayTotal(day: number): number {
    let total = 0;
    const count = this.count(day);
    for (let n = 0; n < count; n++) total += this.#cents(this.#kind(day, n), this.#draw(day, n));
    return total;
  }

  /** Cents of one booking. */
  cents(day: number, n: number): number {
    return this.#cents(this.#kind(day, n), this.#draw(day, n));
  }

  /** Since when booking `n` of `day` is known as pending; `day` itself for one that never was. */
  pendingSince(day: number, n: number): number {
    const kind = this.#kind(day, n);
    if (kind !== 'girocard' && kind !== 'visa') return day;
    return day - 1 - (mix(this.#seed, this.#account, day, n + 77) % maxPendingDays);
  }

  /** A booked row as JSON text. */
  row(day: number, n: number): string {
    const kind = this.#kind(day, n);
    const draw = this.#draw(day, n);
    const cents = this.#cents(kind, draw);
    const date = dayText(day);
    const serial = mix(this.#seed, this.#account, day, n);
    const valuta =
      serial % 211 === 0 ? `${date.slice(0, 4)}-02-30` : kind === 'securities' ? dayText(day + 2) : date;
    // Two bookings share the first part of their reference; only the whole of it is unique.
    const group = String(n >>> 1).padStart(7, '0');
    const letters = String.fromCharCode(65 + (day % 26), 65 + (this.#account % 26));
    const reference = `${letters}${String(day).padStart(5, '0')}${String(this.#account).padStart(2, '0')}${group}/${(n % 99_999) + 1}`;
    return (
      `{"reference":"${reference}","bookingStatus":"BOOKED","bookingDate":"${date}","amount":{"value":"${amountText(cents)}","unit":"${this.#currency}"},` +
      `${details(kind, draw, day, cents)},"valutaDate":"${valuta}","newTransaction":false}`
    );
  }

  /** A pending row as JSON text: other layout, other type, no date, no reference. */
  pendingRow(day: number, n: number): string {
    const kind = this.#kind(day, n);
    const draw = this.#draw(day, n);
    const cents = this.#cents(kind, draw);
    const [shop, city] = draw.pick(shops);
    const text = pendingRemittance([`${shop} ${city} DEU`, `${dayText(this.pendingSince(day, n))}T13:31:08`]);
    const blank = mix(this.#seed, this.#account, day, n) % 2 === 0 ? 'null' : '"                "';
    const type = kind === 'visa' ? cardTransaction : directDebit;
    return (
      `{"reference":${blank},"bookingStatus":"NOTBOOKED","bookingDate":null,"amount":{"value":"${amountText(cents)}","unit":"${this.#currency}"},` +
      `"remitter":null,"deptor":null,"creditor":null,"directDebitCreditorId":null,"directDebitMandateId":null,"endToEndReference":null,` +
      `"remittanceInfo":${JSON.stringify(text)},"transactionType":${type},"valutaDate":null,"newTransaction":false}`
    );
  }

  #planned(day: number): readonly Kind[] {
    if (!isBankDay(day)) return none;
    // What falls on a weekend is booked on the Monday after it.
    const monday = !isBankDay(day - 1);
    const due = monday ? [day, day - 1, day - 2] : [day];
    const planned: Kind[] = [];
    for (const date of due) {
      const dom = dayOfMonth(date);
      if (this.#character === 'savings') {
        if (dom === 2) planned.push('saving');
        if (dom === 30 && monthOf(date) % 3 === 0) planned.push('interest');
      } else {
        if (dom === 1) planned.push('rent');
        if (dom === 27) planned.push('salary');
        if (dom === 3 || dom === 15) planned.push('debit');
      }
    }
    return planned.length === 0 ? none : planned;
  }

  #byChance(day: number): number {
    if (this.#perDay === 0 || !isBankDay(day)) return 0;
    const mean = (this.#perDay * 7) / 5;
    const chance = mix(this.#seed, this.#account, day, 0x5eed) % 1000;
    return Math.floor(mean) + (chance < (mean % 1) * 1000 ? 1 : 0);
  }

  #kind(day: number, n: number): Kind {
    const planned = this.#planned(day);
    if (n < planned.length) return planned[n] as Kind;
    if (this.#isTwin(day, n)) return this.#kind(day, n - 1);
    return kinds[mix(this.#seed, this.#account, day, n) % kinds.length] as Kind;
  }

  /** Now and then a booking equals the one before it in all but its reference: two coffees on one day. */
  #isTwin(day: number, n: number): boolean {
    return n > this.#planned(day).length && mix(this.#seed, this.#account, day, n + 1000) % 40 === 0;
  }

  #draw(day: number, n: number): Draw {
    if (this.#isTwin(day, n)) return this.#draw(day, n - 1);
    return new Draw(mix(this.#seed ^ 0x51ab, this.#account, day, n));
  }

  #cents(kind: Kind, draw: Draw): number {
    switch (kind) {
      case 'salary':
        return 325_000 + draw.int(3) * 5_000;
      case 'rent':
        return -98_500;
      case 'saving':
        return 25_000;
      case 'interest':
        return 300 + draw.int(1_500);
      case 'in':
        return 500 + draw.int(15_000);
      case 'out':
        return -(1_000 + draw.int(14_000));
      case 'debit':
        return -(999 + draw.int(9_000));
      case 'atm':
        return -(1 + draw.int(5)) * 2_000;
      case 'securities':
        return -(2_500 + draw.int(15_000));
      case 'fee':
        return draw.int(3) === 0 ? 190 : -190;
      case 'odd':
        return -(1 + draw.int(5_000));
      default:
        return -(150 + draw.int(4_500));
    }
  }
}

const none: readonly Kind[] = [];
const directDebit = '{"key":"DIRECT_DEBIT","text":"Direct Debit"}';
const cardTransaction = '{"key":"CARD_TRANSACTION","text":"Card transaction"}';
const transfer = '{"key":"TRANSFER","text":"Transfer"}';
const json = JSON.stringify;

/** `remitter` to `transactionType`, the part of a row that depends on its kind. */
function fields(parts: {
  remitter?: string;
  creditor?: string;
  creditorId?: string;
  mandate?: string;
  e2e?: string;
  lines?: readonly string[];
  text?: string;
  type: string;
}): string {
  const remitter = parts.remitter === undefined ? 'null' : `{"holderName":${json(parts.remitter)}}`;
  const text = parts.text ?? bookedRemittance(parts.lines ?? []);
  return (
    `"remitter":${remitter},"deptor":null,"creditor":${parts.creditor ?? 'null'},"directDebitCreditorId":${parts.creditorId === undefined ? 'null' : json(parts.creditorId)},` +
    `"directDebitMandateId":${parts.mandate === undefined ? 'null' : json(parts.mandate)},"endToEndReference":${parts.e2e === undefined ? 'null' : json(parts.e2e)},` +
    `"remittanceInfo":${json(text)},"transactionType":${parts.type}`
  );
}

// oxlint-disable-next-line consistent-return -- the switch is exhaustive
function details(kind: Kind, draw: Draw, day: number, cents: number): string {
  const date = dayText(day);
  switch (kind) {
    case 'girocard': {
      const [shop, city] = draw.pick(shops);
      const time = `${String(8 + draw.int(12)).padStart(2, '0')}:${String(draw.int(60)).padStart(2, '0')}:00`;
      return fields({
        remitter: shop,
        lines: [`${shop}//${city}/DE`, `${date}T${time} KFN 3  VJ 2812`],
        type: directDebit,
      });
    }
    case 'visa': {
      const [shop, city] = draw.pick(shops);
      return fields({
        lines: [
          `${shop} ${city}`,
          'Karte Nr. 4999 99XX XXXX 0000',
          'Kartenzahlung',
          'comdirect Visa-Debitkarte',
          `${date} 00:00:00`,
        ],
        type: cardTransaction,
      });
    }
    case 'debit': {
      const [name, creditorId, text] = draw.pick(companies);
      const mandate = draw.int(4) === 0 ? `+k7crt:zX1o(${draw.digits(3)}` : `M-${draw.digits(8)}`;
      const e2e = draw.int(3) === 0 ? 'nicht angegeben' : `E2E-${draw.digits(10)}`;
      const long =
        draw.int(12) === 0
          ? [
              'Positionen laut Anlage:',
              ...Array.from(
                { length: 5 },
                (_, i) => `Position ${i + 1}: Verbrauch ${draw.digits(4)} Einheiten`,
              ),
            ]
          : [];
      const lines = [
        `${text} ${date.slice(5, 7)}.${date.slice(0, 4)}`,
        ...long,
        'End-to-End-Ref.:',
        e2e,
        'CORE / Mandatsref.:',
        mandate,
        'Gläubiger-ID:',
        creditorId,
      ];
      return fields({ remitter: name, creditorId, mandate, e2e, lines, type: directDebit });
    }
    case 'in': {
      const name = draw.pick(people);
      const e2e = draw.int(3) === 0 ? `RF${draw.digits(8)}` : 'nicht angegeben';
      const parts = {
        e2e,
        lines: [
          draw.pick(['Danke für das Essen', 'Anteil Geschenk', 'Rückzahlung Urlaub']),
          'End-to-End-Ref.:',
          e2e,
        ],
        type: transfer,
      };
      return fields(draw.int(12) === 0 ? parts : { ...parts, remitter: name });
    }
    case 'salary':
      return fields({
        remitter: employer,
        e2e: 'nicht angegeben',
        lines: [`Lohn/Gehalt ${date.slice(5, 7)}/${date.slice(0, 4)}`, 'End-to-End-Ref.:', 'nicht angegeben'],
        type: transfer,
      });
    case 'rent':
    case 'out': {
      const name = kind === 'rent' ? landlord : draw.pick(people);
      const iban = inventedIban('1', kind === 'rent' ? '4711' : draw.digits(6));
      const creditor = `{"holderName":${json(name)},"iban":"${iban}","bic":"MUSTDE00XXX"}`;
      return fields({
        creditor,
        e2e: 'nicht angegeben',
        lines: [kind === 'rent' ? 'Miete Sonnenhof 3' : 'Auslagen', 'End-to-End-Ref.:', 'nicht angegeben'],
        type: transfer,
      });
    }
    case 'saving':
      return fields({
        remitter: people[0] as string,
        e2e: 'nicht angegeben',
        lines: ['Sparrate', 'End-to-End-Ref.:', 'nicht angegeben'],
        type: transfer,
      });
    case 'atm': {
      const parts = {
        lines: [`Bargeldauszahlung ${date}`],
        type: '{"key":"ATM_WITHDRAWAL","text":"ATM withdrawal"}',
      };
      return fields(draw.int(5) < 2 ? { ...parts, remitter: 'GELDAUTOMAT MARKTPLATZ' } : parts);
    }
    case 'securities':
      return fields({
        lines: ['Wertpapierabrechnung', `Kauf WKN A0XXX${draw.int(10)}`],
        type: '{"key":"SECURITIES","text":"Securities"}',
      });
    case 'fee':
      return fields({
        lines: [cents > 0 ? 'Erstattung' : 'Entgelt', 'Visa-Kreditkarte', `Zeitraum: ${date.slice(0, 7)}`],
        type: '{"key":"BANK_FEES","text":"Bank fees"}',
      });
    case 'interest':
      return fields({
        lines: ['Zinsen', `Quartal ${Math.ceil(monthOf(day) / 3)}`],
        type: '{"key":"INTEREST_DIVIDENDS","text":"Interest / Dividends"}',
      });
    case 'odd':
      return fields({
        text: '01 ',
        type: '{"key":"INVENTED_LATER","text":"A type that did not exist before"}',
      });
  }
}
