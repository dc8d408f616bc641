/** The bookings of one account, made on demand: from seed, account, day and number alone, so that history never changes. */
import { bookedRow } from './booked-row.ts';
import { dayText, isBankDay } from './calendar.ts';
import { centsOf, chanceKinds, pace, planOf } from './kinds.ts';
import type { AccountCharacter, Kind } from './kinds.ts';
import { pendingRow } from './pending-row.ts';
import { mix } from './random.ts';

/** Days that a card payment stays pending before it is booked, at most. */
const maxPendingDays = 3;
/** A busy day has no more pending rows than this: NOTBOOKED has one page and no second one (reference: quirk 12). */
const maxPendingPerDay = 24;

interface Day {
  readonly number: number;
  readonly text: string;
  readonly planned: readonly Kind[];
  readonly count: number;
}

/** A pending booking. The row is made when it is asked for. */
export interface Pending {
  readonly cents: number;
  /** JSON text. */
  row(): string;
}

/** One account's bookings. */
export class Bookings {
  readonly #seed: number;
  readonly #account: number;
  readonly #character: AccountCharacter;
  readonly #currency: string;
  readonly #meanPerBankDay: number;
  readonly #days = new Map<number, Day>();
  /** Bookings that arrived unplanned, by day. */
  readonly #arrivals = new Map<number, number>();

  constructor(seed: number, account: number, character: AccountCharacter, currency: string, perDay: number) {
    this.#seed = seed;
    this.#account = account;
    this.#character = character;
    this.#currency = currency;
    this.#meanPerBankDay = (perDay * pace[character] * 7) / 5;
  }

  /** Number of bookings on a day. */
  count(day: number): number {
    return this.#day(day).count;
  }

  /** One more booking arrives on `day`, as its last. */
  arrive(day: number): void {
    this.#arrivals.set(day, (this.#arrivals.get(day) ?? 0) + 1);
    this.#days.delete(day);
  }

  /** Cents of booking `n` of a day. */
  cents(day: number, n: number): number {
    const known = this.#day(day);
    const hash = this.#hash(known, n);
    return centsOf(this.#kind(known, n, hash), hash);
  }

  /** Booking `n` of a day as JSON text. */
  row(day: number, n: number): string {
    const known = this.#day(day);
    const hash = this.#hash(known, n);
    const kind = this.#kind(known, n, hash);
    return bookedRow({
      reference: this.#reference(day, n),
      kind,
      hash,
      day,
      date: known.text,
      cents: centsOf(kind, hash),
      currency: this.#currency,
    });
  }

  /** The card payments of `day`, a day to come, that are known as pending on `today`. */
  pending(day: number, today: number): Pending[] {
    const known = this.#day(day);
    const currency = this.#currency;
    const found: Pending[] = [];
    const end = Math.min(known.count, known.planned.length + maxPendingPerDay);
    for (let n = known.planned.length; n < end; n++) {
      const hash = this.#hash(known, n);
      const kind = this.#kind(known, n, hash);
      if (kind !== 'girocard' && kind !== 'visa') continue;
      const since = day - 1 - ((hash >>> 5) % maxPendingDays);
      if (since > today) continue;
      const cents = centsOf(kind, hash);
      found.push({ cents, row: () => pendingRow({ kind, hash, since, cents, currency }) });
    }
    return found;
  }

  /** 16 characters and a number. Two bookings share the first part; only the whole is unique. Reference: quirk 8. */
  #reference(day: number, n: number): string {
    const letters = String.fromCharCode(65 + (day % 26), 65 + (this.#account % 26));
    const account = String(this.#account).padStart(2, '0');
    const pair = String(n >>> 1).padStart(7, '0');
    return `${letters}${String(day).padStart(5, '0')}${account}${pair}/${(n % 99_999) + 1}`;
  }

  #day(day: number): Day {
    let known = this.#days.get(day);
    if (known === undefined) {
      const planned = planOf(this.#character, day);
      const count = planned.length + this.#byChance(day) + (this.#arrivals.get(day) ?? 0);
      known = { number: day, text: dayText(day), planned, count };
      this.#days.set(day, known);
    }
    return known;
  }

  /** From none to twice the mean, so that the mean is as asked for. */
  #byChance(day: number): number {
    if (!isBankDay(day)) return 0;
    const chance = mix(this.#seed, this.#account, day, 0x5eed);
    return Math.floor(this.#meanPerBankDay * 2 * ((chance & 0xffff) / 0x10000) + (chance >>> 16) / 0x10000);
  }

  /**
   * What makes a booking what it is. Now and then it is that of the booking before: two coffees on one day, equal in
   * all but their references.
   */
  #hash(day: Day, n: number): number {
    let original = n;
    let hash = mix(this.#seed, this.#account, day.number, original);
    while (original > day.planned.length && (hash >>> 8) % 40 === 0) {
      hash = mix(this.#seed, this.#account, day.number, --original);
    }
    return hash;
  }

  #kind(day: Day, n: number, hash: number): Kind {
    if (n < day.planned.length) return day.planned[n] as Kind;
    const kinds = chanceKinds[this.#character];
    return kinds[hash % kinds.length] as Kind;
  }
}
