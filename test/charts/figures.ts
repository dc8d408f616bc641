/** Invented figures for charts, and what is written on a picture. */
import type { BalanceRow, CashFlowRow } from '../../src/charts/index.ts';

/** Months in EUR from `first` on, each with money in and money out. */
export function months(first: string, flows: readonly (readonly [string, string])[]): CashFlowRow[] {
  const [year = 0, month = 0] = first.split('-').map(Number);
  return flows.map(([inflow, outflow], i) => ({
    month: new Date(Date.UTC(year, month - 1 + i, 1)).toISOString().slice(0, 10),
    account_id: null,
    currency: 'EUR',
    inflow,
    outflow,
    net: ((Number(inflow) * 10_000 + Number(outflow) * 10_000) / 10_000).toFixed(4),
  }));
}

/** All texts of an SVG document, as a reader sees them. */
export function textsOf(svg: string): string[] {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return [...svg.matchAll(/<(?:text|title)[^>]*>([^<]*)<\/(?:text|title)>/g)].map((match) =>
    (match[1] ?? '').replace(/&(lt|gt|quot|#(\d+)|amp);/g, (_, name: string) => entities[name] ?? ''),
  );
}

/** The bars of one colour: where each begins, and how far it goes; a negative height is upwards. */
export function barsOf(
  svg: string,
  colour: string,
): { x: number; y: number; width: number; height: number }[] {
  const path = new RegExp(
    `<path d="M([\\d.]+) ([\\d.]+)l(-?[\\d.]+) 0l0 (-?[\\d.]+)l[^"]*" fill="${colour}"`,
    'g',
  );
  return [...svg.matchAll(path)].map((match) => {
    const [x = 0, y = 0, width = 0, height = 0] = match.slice(1).map(Number);
    return { x, y, width, height };
  });
}

/** The balances of an account in EUR, day by day from `first` on. */
export function balances(
  account: string | null,
  name: string,
  first: string,
  values: readonly string[],
): BalanceRow[] {
  return values.map((balance, i) => ({
    day: new Date(Date.parse(first) + i * 86_400_000).toISOString().slice(0, 10),
    account_id: account,
    account_name: name,
    currency: 'EUR',
    balance,
    balance_eur: balance,
  }));
}
