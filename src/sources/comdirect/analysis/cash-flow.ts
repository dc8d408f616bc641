/** Money in and out by month. */
import { z } from 'zod';
import { date } from '../../../model/index.ts';
import type { AnalysisOptions, SqlRunner } from './sql-runner.ts';
import { money, runAnalysis } from './statement.ts';

const cashFlowRow = z.object({
  month: date(),
  account_id: z.string().nullable(),
  currency: z.string(),
  inflow: money(),
  outflow: money(),
  net: money(),
  bookings: z.number(),
});

/**
 * One month of one account, or of all.
 *
 * `month`: its first day. `account_id`: `null` for all accounts together. `inflow` (0 or more), `outflow` (0 or less)
 * and their sum `net`: exact decimals in `currency`. `bookings`: how many.
 */
export type CashFlowMonth = z.output<typeof cashFlowRow>;

/**
 * Cash flow by calendar month of the booking date, per currency: all accounts together first, then each account. Months
 * without bookings, between the first and the last of a currency, are there with 0. Currencies are never added up.
 *
 * @throws PlumbingError `CONFIG_INVALID`, `ROW_INVALID`
 * @example
 * ```ts
 * const months = await cashFlowByMonth(db, { from: '2026-01-01' });
 * for (const { month, net, currency } of months) console.log(month.slice(0, 7), net, currency);
 * ```
 */
export async function cashFlowByMonth(
  db: SqlRunner,
  options: AnalysisOptions = {},
): Promise<CashFlowMonth[]> {
  return runAnalysis(db, 'cash-flow-by-month', cashFlowRow, options);
}
