/** Balances day by day as a chart. */
import { currencyOf } from './chart.ts';
import type { ChartOptions, DayChart, Series } from './chart.ts';
import { dayLabel, nameLabel, rangeLabel } from './label.ts';

/** What the chart needs of a row of `balanceHistory`. */
export interface BalanceRow {
  readonly day: string;
  /** `null`: all accounts together. */
  readonly account_id: string | null;
  readonly account_name: string;
  readonly currency: string;
  readonly balance: string;
  readonly balance_eur: string | null;
  /** `bookings`: worked out, not seen. The subtitle says so. */
  readonly origin?: string;
}

/** More lines than this can't be told apart. */
const maxAccounts = 5;

/**
 * A line for each account, and one for all together. In EUR, as the bank counted it that day, if it did; else in the first
 * currency that there is. With `currency`, the accounts that are kept in it. Of more than five accounts those with the largest balances are shown; the subtitle says so.
 *
 * @example
 * ```ts
 * const chart = balanceChart(await balanceHistory(db));
 * await writeFile('balance.png', await renderPng(chart));
 * ```
 */
export function balanceChart(rows: readonly BalanceRow[], options: ChartOptions = {}): DayChart {
  // What the bank counted in EUR is some, too.
  const isInEur = rows.some((row) => row.balance_eur !== null);
  const unit = options.currency ?? (isInEur ? 'EUR' : currencyOf(rows));
  const valueOf = (row: BalanceRow): string | null =>
    row.currency === unit ? row.balance : unit === 'EUR' ? row.balance_eur : null;
  const shown = rows.filter((row) => valueOf(row) !== null);
  const days = [...new Set(shown.map(({ day }) => day))].toSorted();
  const lineOf = (own: readonly BalanceRow[], name: string, tone: Series['tone']): Series => {
    const values = new Map(own.map((row) => [row.day, valueOf(row)]));
    return { name, tone, values: days.map((day) => values.get(day) ?? null) };
  };
  const byAccount = Map.groupBy(shown, (row) => row.account_id);
  const total = byAccount.get(null) ?? [];
  byAccount.delete(null);
  const accounts = [...byAccount.values()]
    .map((own) => lineOf(own, nameLabel(own.at(-1)?.account_name ?? ''), 'plain'))
    .toSorted((a, b) => lastOf(b) - lastOf(a));
  const range = rangeLabel([days[0], days.at(-1)].filter((day) => day !== undefined).map(dayLabel));
  return {
    kind: 'days',
    title: options.title ?? 'Balance',
    subtitle: subtitleOf(range, accounts) + estimateNote(shown),
    unit,
    days,
    lines: [
      // Of one account the sum says nothing new.
      ...(accounts.length === 1 ? [] : total.length > 0 ? [lineOf(total, 'All accounts', 'net')] : []),
      ...unique(accounts.slice(0, maxAccounts)),
    ],
  };
}

function subtitleOf(range: string, accounts: readonly Series[]): string {
  const left = accounts.length - maxAccounts;
  if (left > 0) return `${range}; the ${maxAccounts} largest accounts, ${left} more in the sum`;
  // A single line has no legend.
  return accounts.length === 1 && accounts[0] ? `${accounts[0].name}, ${range}` : range;
}

function estimateNote(rows: readonly BalanceRow[]): string {
  const estimated = rows.filter(({ origin }) => origin === 'bookings').map(({ day }) => day);
  const last = estimated.toSorted().at(-1);
  return last === undefined ? '' : `; up to ${dayLabel(last)} worked out from bookings`;
}

function lastOf(line: Series): number {
  return Math.abs(Number(line.values.findLast((value) => value !== null) ?? 0));
}

/** Two accounts may have the same name; a legend needs two. */
function unique(lines: readonly Series[]): Series[] {
  const seen = new Map<string, number>();
  return lines.map((line) => {
    const count = (seen.get(line.name) ?? 0) + 1;
    seen.set(line.name, count);
    return count === 1 ? line : { ...line, name: `${line.name} (${count})` };
  });
}
