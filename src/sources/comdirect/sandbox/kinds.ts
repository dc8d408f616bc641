/** What happens on an account: planned or by chance, and for how much. */
import { dayOfMonth, isBankDay, monthOf } from './calendar.ts';
import { draw } from './random.ts';

/** Kinds of bookings, each with the fill pattern of the reference's table in section 3.3. */
export type Kind =
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
  | 'subscription'
  | 'saving';

/** What an account is used for. */
export type AccountCharacter = 'giro' | 'savings' | 'settlement' | 'currency';

/** Kinds that happen by chance, on a giro account about as often as in the reference's table in section 3.3. */
export const chanceKinds: Readonly<Record<AccountCharacter, readonly Kind[]>> = {
  giro: weighted({
    girocard: 22,
    visa: 38,
    debit: 16,
    in: 6,
    securities: 6,
    out: 5,
    atm: 3,
    fee: 2,
    interest: 1,
    odd: 1,
  }),
  savings: ['saving'],
  settlement: weighted({ in: 10, securities: 8, interest: 2, fee: 1 }),
  currency: weighted({ in: 5, out: 5, fee: 1 }),
};

/** Bookings by chance on an account, as a part of those on a giro account. */
export const pace: Readonly<Record<AccountCharacter, number>> = {
  giro: 1,
  savings: 0,
  settlement: 0.25,
  currency: 0.25,
};

function weighted(weights: Partial<Record<Kind, number>>): readonly Kind[] {
  return Object.entries(weights).flatMap(([kind, weight]) => Array<Kind>(weight).fill(kind as Kind));
}

const none: readonly Kind[] = [];

/** What is due on an account on a day, come what may. */
export function planOf(character: AccountCharacter, day: number): readonly Kind[] {
  if (!isBankDay(day)) return none;
  // What falls on a weekend is booked on the Monday after it.
  const due = isBankDay(day - 1) ? [day] : [day, day - 1, day - 2];
  return due.flatMap((date) => dueOn(character, dayOfMonth(date), monthOf(date)));
}

function dueOn(character: AccountCharacter, dayInMonth: number, month: number): readonly Kind[] {
  if (character === 'savings') {
    if (dayInMonth === 2) return ['saving'];
    return dayInMonth === 30 && month % 3 === 0 ? ['interest'] : none;
  }
  if (character !== 'giro') return none;
  if (dayInMonth === 1) return ['rent'];
  if (dayInMonth === 27) return ['salary'];
  if (dayInMonth === 3) return ['subscription'];
  return dayInMonth === 15 ? ['debit'] : none;
}

/** The amount of a booking in cents. Never 0. */
export function centsOf(kind: Kind, hash: number): number {
  switch (kind) {
    case 'salary':
      return 325_000 + draw(hash, 0, 3) * 5_000;
    case 'rent':
      return -98_500;
    case 'subscription':
      return -1_299;
    case 'saving':
      return 25_000;
    case 'interest':
      return 300 + draw(hash, 0, 1_500);
    case 'in':
      return 500 + draw(hash, 0, 15_000);
    case 'out':
      return -(1_000 + draw(hash, 0, 14_000));
    case 'debit':
      return -(999 + draw(hash, 0, 9_000));
    case 'atm':
      return -(1 + draw(hash, 0, 5)) * 2_000;
    case 'securities':
      return -(2_500 + draw(hash, 0, 15_000));
    case 'fee':
      return draw(hash, 0, 3) === 0 ? 190 : -190;
    case 'odd':
      return -(1 + draw(hash, 0, 5_000));
    default:
      return -(150 + draw(hash, 0, 4_500));
  }
}
