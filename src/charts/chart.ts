/** What a chart shows, before it is drawn as SVG, PNG, HTML or text. Pure data. */

/** What a series is about; decides its colour. */
export type Tone = 'in' | 'out' | 'net' | 'plain';

/** One row of values of a chart, in the order of its categories. */
export interface Series {
  readonly name: string;
  readonly tone: Tone;
  /** Exact decimal texts; `null` where there is none. */
  readonly values: readonly (string | null)[];
}

/** What all charts have. */
interface ChartBase {
  readonly title: string;
  /** What and when, in a few words. */
  readonly subtitle: string;
  /** The unit of all values, e.g. `EUR`. */
  readonly unit: string;
}

/** Bars up and down by month, with a line of their sum. */
export interface MonthChart extends ChartBase {
  readonly kind: 'months';
  /** `YYYY-MM`, without gaps. */
  readonly months: readonly string[];
  readonly bars: readonly Series[];
  readonly line: Series;
}

/** Lines by day. */
export interface DayChart extends ChartBase {
  readonly kind: 'days';
  /** `YYYY-MM-DD`, without gaps. */
  readonly days: readonly string[];
  readonly lines: readonly Series[];
}

/** One horizontal bar a name, the longest first. */
export interface RankChart extends ChartBase {
  readonly kind: 'rank';
  readonly bars: readonly { readonly name: string; readonly value: string }[];
}

/** A chart that can be drawn. Made by `cashFlowChart`, `balanceChart` and `spendingChart`. */
export type Chart = MonthChart | DayChart | RankChart;

/** What all chart functions can be told. */
export interface ChartOptions {
  /** Which currency to show. Default: `EUR` if there is any, else the first that there is. */
  readonly currency?: string;
  readonly title?: string;
}

/** The currency to show: the wanted one, else EUR, else the first. */
export function currencyOf(rows: readonly { readonly currency: string }[], wanted?: string): string {
  if (wanted !== undefined) return wanted;
  if (rows.length === 0 || rows.some(({ currency }) => currency === 'EUR')) return 'EUR';
  return rows[0]?.currency ?? 'EUR';
}
