/** One account: who it is, what is booked, what is pending, and what is on it. */
import type { AccountCharacter } from './bookings.ts';
import { Bookings, maxPendingDays } from './bookings.ts';
import { dayText } from './calendar.ts';
import { Draw, mix } from './random.ts';
import { amountText, inventedIban } from './wire.ts';

/** How accounts differ. Reference: table of account types in section 3.1. */
const kinds: readonly {
  key: string;
  text: string;
  character: AccountCharacter;
  currency: string;
  limitCents: number;
}[] = [
  { key: 'CA', text: 'Girokonto', character: 'giro', currency: 'EUR', limitCents: 200_000 },
  { key: 'DAS', text: 'Tagesgeld PLUS-Konto', character: 'savings', currency: 'EUR', limitCents: 0 },
  { key: 'CA', text: 'Girokonto', character: 'giro', currency: 'EUR', limitCents: 0 },
  { key: 'FX', text: 'Fremdwährungskonto', character: 'giro', currency: 'USD', limitCents: 0 },
];

/** One account of the sandbox. */
export class SandboxAccount {
  /** 32 upper-case hex characters, as in paths. */
  readonly id: string;
  readonly #clientId: string;
  readonly #displayId: string;
  readonly #kind: (typeof kinds)[number];
  readonly #bookings: Bookings;
  readonly #firstDay: number;
  readonly #openingCents: number;
  /** `counts[i]`: bookings from the first day to day `first + i`; likewise the sums in cents. */
  #counts: number[] = [];
  #sums: number[] = [];

  constructor(options: { seed: number; index: number; clientId: string; firstDay: number; perDay: number }) {
    const draw = new Draw(mix(options.seed, options.index, 1, 2));
    this.id = draw.hex(32);
    this.#clientId = options.clientId;
    this.#displayId = `99${draw.digits(8)}`;
    this.#kind = kinds[options.index % kinds.length] as (typeof kinds)[number];
    this.#firstDay = options.firstDay;
    this.#openingCents = 150_000 + draw.int(500_000);
    this.#bookings = new Bookings(
      options.seed,
      options.index,
      this.#kind.character,
      this.#kind.currency,
      options.perDay,
    );
  }

  /** A booking arrives on `day`, unplanned. */
  arrive(day: number): void {
    this.#bookings.arrive(day);
    this.#counts = this.#counts.slice(0, day - this.#firstDay);
    this.#sums = this.#sums.slice(0, day - this.#firstDay);
  }

  /** Number of bookings from `from` to `to`, both included. */
  count(from: number, to: number): number {
    if (to < from) return 0;
    return this.#countUpTo(to) - this.#countUpTo(from - 1);
  }

  /** `take` booked rows as JSON texts, latest first, `skip` left out. */
  booked(from: number, to: number, skip: number, take: number): string[] {
    const rows: string[] = [];
    const first = Math.max(from, this.#firstDay);
    let position = this.#countUpTo(to) - skip - 1;
    const last = Math.max(position - take + 1, this.#countUpTo(first - 1));
    let day = this.#dayOf(position, to);
    while (position >= last && day >= first) {
      const before = this.#countUpTo(day - 1);
      for (; position >= before && position >= last; position--)
        rows.push(this.#bookings.row(day, position - before));
      day--;
    }
    return rows;
  }

  /** Like `booked`, for one direction only; walks all rows of the period. */
  bookedInDirection(
    from: number,
    to: number,
    skip: number,
    take: number,
    sign: 1 | -1,
  ): { rows: string[]; matches: number } {
    const rows: string[] = [];
    let matches = 0;
    for (let day = to; day >= Math.max(from, this.#firstDay); day--) {
      for (let n = this.#bookings.count(day) - 1; n >= 0; n--) {
        if (Math.sign(this.#bookings.cents(day, n)) !== sign) continue;
        if (matches >= skip && rows.length < take) rows.push(this.#bookings.row(day, n));
        matches++;
      }
    }
    return { rows, matches };
  }

  /** Pending rows: card payments that will be booked within the next days. */
  pending(today: number, sign?: 1 | -1): string[] {
    return this.#pendingBookings(today)
      .filter(([day, n]) => sign === undefined || Math.sign(this.#bookings.cents(day, n)) === sign)
      .map(([day, n]) => this.#bookings.pendingRow(day, n));
  }

  #pendingBookings(today: number): [day: number, n: number][] {
    const found: [number, number][] = [];
    // A weekend lies between a payment and its booking at most once.
    for (let day = today + 1; day <= today + maxPendingDays + 2; day++) {
      const count = this.#bookings.count(day);
      for (let n = 0; n < count; n++) if (this.#bookings.pendingSince(day, n) <= today) found.push([day, n]);
    }
    return found;
  }

  /** The `account` object as JSON text. Reference: section 3.1. */
  account(): string {
    const { key, text, currency, limitCents } = this.#kind;
    return JSON.stringify({
      accountId: this.id,
      accountDisplayId: this.#displayId,
      currency,
      clientId: this.#clientId,
      accountType: { key, text },
      iban: inventedIban('0', this.#displayId),
      bic: 'COBADEHD001',
      creditLimit: { value: amountText(limitCents), unit: 'EUR' },
    });
  }

  /** An AccountBalance as JSON text. Reference: section 3.1. */
  balance(today: number, withAccount: boolean): string {
    const { currency, limitCents } = this.#kind;
    const cents = this.#openingCents + this.#sumUpTo(today);
    const reserved = this.#pendingBookings(today).reduce(
      (sum, [day, n]) => sum + Math.min(this.#bookings.cents(day, n), 0),
      0,
    );
    const available = cents + limitCents + reserved;
    // An invented rate that never moves.
    const inEuro = (amount: number): number => (currency === 'EUR' ? amount : Math.round(amount * 0.9));
    const amount = (value: number, unit: string): string =>
      `{"value":"${amountText(value)}","unit":"${unit}"}`;
    return (
      `{${withAccount ? `"account":${this.account()},` : ''}"accountId":"${this.id}","balance":${amount(cents, currency)},"balanceEUR":${amount(inEuro(cents), 'EUR')},` +
      `"availableCashAmount":${amount(available, currency)},"availableCashAmountEUR":${amount(inEuro(available), 'EUR')}}`
    );
  }

  /** `YYYY-MM-DD` of the last row of a page. */
  dateOf(row: string | undefined): string | null {
    return row === undefined ? null : (/"bookingDate":"([\d-]{10})"/.exec(row)?.[1] ?? null);
  }

  /** First day with bookings. */
  get firstDay(): string {
    return dayText(this.#firstDay);
  }

  #extend(day: number): void {
    for (let i = this.#counts.length; i <= day - this.#firstDay; i++) {
      this.#counts.push((this.#counts[i - 1] ?? 0) + this.#bookings.count(this.#firstDay + i));
    }
  }

  #countUpTo(day: number): number {
    if (day < this.#firstDay) return 0;
    this.#extend(day);
    return this.#counts[day - this.#firstDay] as number;
  }

  #sumUpTo(day: number): number {
    for (let i = this.#sums.length; i <= day - this.#firstDay; i++) {
      this.#sums.push((this.#sums[i - 1] ?? 0) + this.#bookings.dayTotal(this.#firstDay + i));
    }
    return this.#sums[day - this.#firstDay] ?? 0;
  }

  /** The day of the booking at `position`, counted from the very first one. */
  #dayOf(position: number, to: number): number {
    let low = this.#firstDay;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#countUpTo(middle) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
