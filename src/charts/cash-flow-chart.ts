/** Cash flow by month as a chart. */
import { currencyOf } from './chart.ts';
import type { ChartOptions, MonthChart, Series, Tone } from './chart.ts';
import { monthLabel, rangeLabel } from './label.ts';

/** What the chart needs of a row of `cashFlowByMonth`. */
export interface CashFlowRow {
  /** The first day of the month. */
  readonly month: string;
  /** `null`: all accounts together. Only these rows are shown; where there are none, those of the one account that there is. */
  readonly account_id: string | null;
  readonly currency: string;
  readonly inflow: string;
  readonly outflow: string;
  readonly net: string;
}

/**
 * Bars up for money that came in, bars down for money that went out, and the difference as a line; all accounts
 * together, or the only one, in one currency.
 *
 * @example
 * ```ts
 * const chart = cashFlowChart(await cashFlowByMonth(db, { from: '2026-01-01' }));
 * await writeFile('cash-flow.svg', await renderSvg(chart));
 * ```
 */
export function cashFlowChart(rows: readonly CashFlowRow[], options: ChartOptions = {}): MonthChart {
  const unit = currencyOf(rows, options.currency);
  const inUnit = rows.filter((row) => row.currency === unit);
  const together = inUnit.filter((row) => row.account_id === null);
  const isOneAccount = new Set(inUnit.map((row) => row.account_id)).size === 1;
  const shown = isOneAccount ? inUnit : together;
  const months = shown.map(({ month }) => month.slice(0, 7));
  const series = (name: string, tone: Tone, column: 'inflow' | 'outflow' | 'net'): Series => ({
    name,
    tone,
    values: shown.map((row) => row[column]),
  });
  return {
    kind: 'months',
    title: options.title ?? 'Cash flow by month',
    subtitle: rangeLabel(months.map(monthLabel)),
    unit,
    months,
    bars: [series('Money in', 'in', 'inflow'), series('Money out', 'out', 'outflow')],
    line: series('Net', 'net', 'net'),
  };
}
