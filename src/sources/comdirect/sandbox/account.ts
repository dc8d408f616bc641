/** One account: who it is, what is booked, what is pending, and what is on it. */
import { Bookings } from './bookings.ts';
import type { Pending } from './bookings.ts';
import { dayText } from './calendar.ts';
import type { AccountCharacter } from './kinds.ts';
import type { AccountType } from './options.ts';
import { digits, draw, mix, upperHex } from './random.ts';
import { amountText, inventedIban } from './wire.ts';

/** How accounts differ. Reference: table of account types in section 3.1. */
const types: Readonly<
  Record<
    AccountType,
    { readonly text: string; readonly character: AccountCharacter; readonly currency: string }
  >
> = {
  CA: { text: 'Girokonto', character: 'giro', currency: 'EUR' },
  DAS: { text: 'Tagesgeld PLUS-Konto', character: 'savings', currency: 'EUR' },
  FX: { text: 'Fremdwährungskonto', character: 'currency', currency: 'USD' },
  SA: { text: 'Verrechnungskonto', character: 'settlement', currency: 'EUR' },
};

/** A payment that is pending today is booked within so many days: up to three, and a weekend. */
const daysToCome = 5;

type Sign = 1 | -1 | undefined;

/** Which booked rows are wanted. Both days are included. */
export interface BookedQuery {
  readonly from: number;
  readonly to: number;
  readonly skip: number;
  readonly take: number;
  /** `1` for credits, `-1` for debits, `undefined` for both. */
  readonly sign: Sign;
}

/** One account of the sandbox. */
export class SandboxAccount {
  /** 32 upper-case hex characters, as in paths. */
  readonly id: string;
  readonly #type: AccountType;
  readonly #clientId: string;
  readonly #displayId: string;
  /** `null` where the account has none. */
  readonly #limitCents: number | null;
  readonly #bookings: Bookings;
  readonly #firstDay: number;
  readonly #openingCents: number;
  /** How many bookings there are from the first day to day `first + i`. */
  readonly #counts: number[] = [];
  /** Likewise their sum in cents, and how many of them are credits. */
  readonly #sums: number[] = [];
  readonly #credits: number[] = [];

  constructor(options: {
    type: AccountType;
    seed: number;
    index: number;
    clientId: string;
    firstDay: number;
    perDay: number;
  }) {
    const { type, seed, index } = options;
    const hash = mix(seed, index, 1, 2);
    this.id = upperHex(hash);
    this.#type = type;
    this.#clientId = options.clientId;
    this.#displayId = `99${digits(hash, 4, 8)}`;
    this.#limitCents = type === 'SA' ? null : index === 0 ? 200_000 : 0;
    this.#firstDay = options.firstDay;
    this.#openingCents = 150_000 + draw(hash, 5, 500_000);
    const { character, currency } = types[type];
    this.#bookings = new Bookings(seed, index, character, currency, options.perDay);
  }

  /** A booking arrives on `day`, unplanned. */
  arrive(day: number): void {
    this.#bookings.arrive(day);
    const kept = Math.max(day - this.#firstDay, 0);
    for (const totals of [this.#counts, this.#sums, this.#credits]) totals.splice(kept);
  }

  /** Booked rows as JSON texts, latest first; how many match in all; the booking date of the last row. */
  booked(query: BookedQuery): { rows: string[]; matches: number; lastDate: string | null } {
    const { to, skip, take, sign } = query;
    const from = Math.max(query.from, this.#firstDay);
    const newest = this.#upTo(to, sign);
    const matches = to < from ? 0 : newest - this.#upTo(from - 1, sign);
    const rows: string[] = [];
    const wanted = Math.min(take, matches - skip);
    if (wanted <= 0) return { rows, matches, lastDate: null };
    let day = this.#dayOf(newest - skip, to, sign);
    let toSkip = this.#upTo(day, sign) - (newest - skip);
    for (; rows.length < wanted; day--) {
      for (let n = this.#bookings.count(day) - 1; n >= 0 && rows.length < wanted; n--) {
        if (sign !== undefined && Math.sign(this.#bookings.cents(day, n)) !== sign) continue;
        if (toSkip > 0) toSkip--;
        else rows.push(this.#bookings.row(day, n));
      }
    }
    return { rows, matches, lastDate: dayText(day + 1) };
  }

  /** Pending rows as JSON texts: card payments that will be booked within the next days. */
  pending(today: number, sign: Sign): string[] {
    return this.#pending(today)
      .filter(({ cents }) => sign === undefined || Math.sign(cents) === sign)
      .map((pending) => pending.row());
  }

  #pending(today: number): Pending[] {
    const days = Array.from({ length: daysToCome }, (_, i) => today + 1 + i);
    return days.flatMap((day) => this.#bookings.pending(day, today));
  }

  /** The `account` object as JSON text. Reference: section 3.1. */
  account(): string {
    const { text, currency } = types[this.#type];
    return JSON.stringify({
      accountId: this.id,
      accountDisplayId: this.#displayId,
      currency,
      clientId: this.#clientId,
      accountType: { key: this.#type, text },
      iban: this.#type === 'SA' ? null : inventedIban('0', this.#displayId),
      bic: 'COBADEHD001',
      // In EUR on an account in USD too. Reference: section 10, question 14.
      creditLimit: this.#limitCents === null ? null : { value: amountText(this.#limitCents), unit: 'EUR' },
    });
  }

  /** An AccountBalance as JSON text. Reference: section 3.1. */
  balance(today: number, withAccount: boolean): string {
    const { currency } = types[this.#type];
    const cents = this.#openingCents + this.#sumUpTo(today);
    const reserved = this.#pending(today).reduce((sum, row) => sum + Math.min(row.cents, 0), 0);
    const available = cents + (this.#limitCents ?? 0) + reserved;
    // An invented rate that never moves.
    const inEuro = (amount: number): number => (currency === 'EUR' ? amount : Math.round(amount * 0.9));
    const amount = (value: number, unit: string): string =>
      `{"value":"${amountText(value)}","unit":"${unit}"}`;
    return (
      `{${withAccount ? `"account":${this.account()},` : ''}"accountId":"${this.id}","balance":${amount(cents, currency)},"balanceEUR":${amount(inEuro(cents), 'EUR')},` +
      `"availableCashAmount":${amount(available, currency)},"availableCashAmountEUR":${amount(inEuro(available), 'EUR')}}`
    );
  }

  /** How many bookings there are from the first day to `day`. */
  #upTo(day: number, sign: Sign): number {
    const at = day - this.#firstDay;
    if (at < 0) return 0;
    for (let i = this.#counts.length; i <= at; i++) {
      this.#counts.push((this.#counts[i - 1] ?? 0) + this.#bookings.count(this.#firstDay + i));
    }
    const count = this.#counts[at] as number;
    if (sign === undefined) return count;
    this.#addUp(at);
    const credits = this.#credits[at] as number;
    return sign === 1 ? credits : count - credits;
  }

  #sumUpTo(day: number): number {
    const at = day - this.#firstDay;
    this.#addUp(at);
    return this.#sums[at] ?? 0;
  }

  /** Looks at the amounts of each day once. */
  #addUp(at: number): void {
    for (let i = this.#sums.length; i <= at; i++) {
      const day = this.#firstDay + i;
      const count = this.#bookings.count(day);
      let sum = this.#sums[i - 1] ?? 0;
      let credits = this.#credits[i - 1] ?? 0;
      for (let n = 0; n < count; n++) {
        const cents = this.#bookings.cents(day, n);
        sum += cents;
        if (cents > 0) credits++;
      }
      this.#sums.push(sum);
      this.#credits.push(credits);
    }
  }

  /** The day of the booking at `position`, counted from 1 for the very first one. */
  #dayOf(position: number, to: number, sign: Sign): number {
    let low = this.#firstDay;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#upTo(middle, sign) >= position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
