/** Which chart `plumbing chart` draws: from flags to figures to a chart. */
import { PlumbingError } from '../errors/index.ts';
import type { Chart } from '../charts/index.ts';
import type { SqlRunner } from '../sources/comdirect/analysis/index.ts';

/** The charts there are. */
export const chartKinds = ['cash-flow', 'balance', 'spending'] as const;
/** One of them. */
export type ChartKind = (typeof chartKinds)[number];

/** What the command line says about the figures. */
export interface ChartFlags {
  /** First and last day. */
  readonly since?: string;
  readonly until?: string;
  readonly account?: string;
  readonly currency?: string;
  /** Of spending: a file with rules for categories. */
  readonly rules?: string;
  /** Of spending. */
  readonly by?: 'category' | 'counterparty';
}

/** A chart, and the rows that it is drawn from. */
export interface DrawnFigures {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly chart: Chart;
}

/**
 * Asks the database attached as `schema`, and makes the chart.
 *
 * @throws PlumbingError `CONFIG_INVALID` for flags that can't be meant; else as the analyses do.
 */
export async function chartOf(
  db: SqlRunner,
  schema: string,
  kind: ChartKind,
  flags: ChartFlags,
): Promise<DrawnFigures> {
  const analysis = await import('../sources/comdirect/analysis/index.ts');
  const charts = await import('../charts/index.ts');
  const { since: from, until: to, account, currency, rules: file, by = 'category' } = flags;
  const range = {
    schema,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(account !== undefined && { accountId: account }),
  };
  const shown = currency === undefined ? {} : { currency };
  switch (kind) {
    case 'cash-flow': {
      const rows = await analysis.cashFlowByMonth(db, range);
      return { rows, chart: charts.cashFlowChart(rows, shown) };
    }
    case 'balance': {
      const rows = await analysis.balanceHistory(db, { ...range, reconstruct: true });
      return { rows, chart: charts.balanceChart(rows, shown) };
    }
    default: {
      const subtitle = `Payments less refunds${from === undefined ? '' : `, from ${from}`}${to === undefined ? '' : `, up to ${to}`}`;
      if (by === 'counterparty') {
        if (file !== undefined) throw new PlumbingError('CONFIG_INVALID', '--rules is for categories only');
        const rows = await analysis.spendingByCounterparty(db, range);
        return { rows, chart: charts.spendingChart(rows, { ...shown, subtitle }) };
      }
      const rules = file === undefined ? {} : { rules: await analysis.loadCategoryRules(file) };
      const rows = await analysis.spendingByCategory(db, { ...range, ...rules });
      return { rows, chart: charts.spendingChart(rows, { ...shown, subtitle }) };
    }
  }
}
