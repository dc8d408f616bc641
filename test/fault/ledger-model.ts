/** An invented ledger in which all rows follow from a number, so that a test knows what must be stored at any moment. */

/** Movements of one generation: five pages of sixty. */
export const pages = 5;
export const pageRows = 60;
export const movementsPerGeneration = pages * pageRows;
const firstHourMs = Date.parse('2026-11-23T00:00:00Z');
/** A prime, so that any so many movements in a row touch every account once. */
const movedIds = 211;
const orderDays = [1, 2, 3, 4, 5];
const accountIds = Array.from({ length: 30 }, (_, index) => index + 1);

export interface Movement {
  readonly id: number;
  readonly version: number;
  readonly amount: string;
}

/** The change number `version`, from 1; later ones overwrite earlier ones of the same id. */
export function movement(version: number): Movement {
  return { id: (version * 37) % movedIds, version, amount: (((version * 13) % 1_000) / 4).toFixed(2) };
}

/** What `movements` must hold when everything up to and including `cursor` is stored. */
export function movementsAt(cursor: number): Movement[] {
  const first = Math.max(1, cursor - movedIds + 1);
  return Array.from({ length: Math.max(0, cursor - first + 1) }, (_, index) =>
    movement(first + index),
  ).toSorted((a, b) => a.id - b.id);
}

export interface Rate {
  readonly id: number;
  readonly generation: number;
}

/** The whole of `rates`; many enough for the writer to put rows aside. Generation 0 has none. */
export function ratesOf(generation: number): Rate[] {
  return generation === 0 ? [] : Array.from({ length: 2_250 }, (_, id) => ({ id, generation }));
}

export interface Order {
  readonly id: number;
  readonly day: string;
  readonly generation: number;
  /** Whole in the first generation, then not: the column has to widen. */
  readonly size: number;
  /** Since the second generation: the column has to be added. */
  readonly memo?: string;
}

/** The orders of one day. In even generations the third day has lost all of its. */
export function ordersOn(day: number, generation: number): Order[] {
  const count = generation === 0 || (generation % 2 === 0 && day === 3) ? 0 : 3 + ((generation + day) % 5);
  return Array.from({ length: count }, (_, index) => ({
    id: day * 100 + index,
    day: dayText(day),
    generation,
    size: generation === 1 ? index : index + 0.5,
    ...(generation > 1 && { memo: `memo ${generation}` }),
  }));
}

export function dayText(day: number): string {
  return `2026-10-0${day}`;
}

/** The whole of `orders`. */
export function ordersOf(generation: number): Order[] {
  return orderDays.flatMap((day) => ordersOn(day, generation));
}

export interface Account {
  readonly id: number;
  readonly level: number;
}

/** The accounts as the source shows them; a tenth is absent, and a quarter has changed. */
export function accountsOf(generation: number): Account[] {
  return accountIds
    .filter((id) => (id + generation) % 10 !== 0)
    .map((id) => ({ id, level: Math.floor((id + generation) / 4) }));
}

export interface AccountVersion extends Account {
  /** Generations. */
  readonly from: number;
  readonly to: number | null;
}

/** The whole history of `accounts` after one load of each generation; each of them changes something. */
export function accountVersions(generation: number): AccountVersion[] {
  const closed: AccountVersion[] = [];
  const open = new Map<number, AccountVersion>();
  for (let now = 1; now <= generation; now++) {
    const seen = new Map(accountsOf(now).map((account) => [account.id, account]));
    for (const version of open.values()) {
      if (seen.get(version.id)?.level === version.level) continue;
      closed.push({ ...version, to: now });
      open.delete(version.id);
    }
    for (const account of seen.values()) {
      if (!open.has(account.id)) open.set(account.id, { ...account, from: now, to: null });
    }
  }
  return [...closed, ...open.values()].toSorted((a, b) => a.id - b.id || a.from - b.from);
}

/** The time at which a generation is loaded; each try of it may come some minutes later. */
export function timeOf(generation: number, minute = 0): Date {
  return new Date(firstHourMs + (generation * 60 + minute) * 60_000);
}
