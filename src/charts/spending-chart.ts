/** Spending by category or counterparty as a chart. */
import Big from 'big.js';
import { currencyOf } from './chart.ts';
import type { ChartOptions, RankChart } from './chart.ts';
import { nameLabel } from './label.ts';

/** What the chart needs of a row of `spendingByCategory` or `spendingByCounterparty`. */
export interface SpendingRow {
  readonly category?: string;
  readonly counterparty?: string;
  readonly currency: string;
  readonly net_spent: string;
}

/** Options of {@link spendingChart}. */
export interface SpendingChartOptions extends ChartOptions {
  /** A few words on the range, e.g. `since January 2026`. */
  readonly subtitle?: string;
  /** Bars at most; the rest is one bar more. Default 14. */
  readonly most?: number;
}

/**
 * A bar for each category or counterparty, the longest first; to the left where more came back than was spent. What is
 * beyond `most` is added up, exactly, into one last bar.
 *
 * @example
 * ```ts
 * const chart = spendingChart(await spendingByCategory(db, { from: '2026-01-01' }));
 * console.log(renderText(chart));
 * ```
 */
export function spendingChart(rows: readonly SpendingRow[], options: SpendingChartOptions = {}): RankChart {
  const { most = 14 } = options;
  const unit = currencyOf(rows, options.currency);
  const sorted = rows
    .filter(({ currency }) => currency === unit)
    .toSorted((a, b) => new Big(b.net_spent).cmp(a.net_spent));
  const rest = sorted.length > most + 1 ? sorted.slice(most) : [];
  const bars = sorted.slice(0, sorted.length - rest.length).map((row) => ({
    name: nameLabel(row.category ?? row.counterparty ?? ''),
    value: row.net_spent,
  }));
  if (rest.length > 0) {
    const sum = rest.reduce((total, { net_spent: spent }) => total.plus(spent), new Big(0));
    bars.push({ name: `${rest.length} others`, value: sum.toFixed(4) });
  }
  const by = rows[0]?.category === undefined && rows.length > 0 ? 'counterparty' : 'category';
  return {
    kind: 'rank',
    title: options.title ?? `Spending by ${by}`,
    subtitle: options.subtitle ?? 'Payments less refunds',
    unit,
    bars,
  };
}
