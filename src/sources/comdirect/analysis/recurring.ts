/** Recurring payments: rent, subscriptions, salary. */
import { z } from 'zod';
import { date } from '../../../model/index.ts';
import type { AnalysisOptions, SqlRunner } from './sql-runner.ts';
import { money, runAnalysis } from './statement.ts';

const recurringRow = z.object({
  account_id: z.string(),
  counterparty: z.string(),
  creditor_id: z.string().nullable(),
  mandate_id: z.string().nullable(),
  currency: z.string(),
  direction: z.enum(['in', 'out']),
  period: z.enum(['week', 'month', 'quarter', 'year']),
  bookings: z.number(),
  first_date: date(),
  last_date: date(),
  last_amount: money(),
  typical_amount: money(),
  next_date: date(),
  is_active: z.boolean(),
});

/**
 * One series of payments.
 *
 * `creditor_id`: of the last direct debit. `mandate_id`: `null` unless all were collected by one mandate. `direction`:
 * of the money. `bookings`: how many. `last_amount`, `typical_amount` (the median, one that was really paid): exact
 * decimals in `currency`, below 0 for money that goes out. `next_date`: one period after `last_date`. `is_active`:
 * `false` when the next one is long overdue by the newest booking there is.
 */
export type RecurringPayment = z.output<typeof recurringRow>;

/**
 * Payments of a similar amount between the same two at a steady period: active ones first, income before expenses, the
 * largest first. At least three (a week: four; yearly direct debits: two).
 *
 * @throws PlumbingError `CONFIG_INVALID`, `ROW_INVALID`
 * @example
 * ```ts
 * const due = (await recurringPayments(db)).filter((payment) => payment.is_active && payment.direction === 'out');
 * for (const { counterparty, period, last_amount, next_date } of due)
 *   console.log(counterparty, period, last_amount, next_date);
 * ```
 */
export async function recurringPayments(
  db: SqlRunner,
  options: AnalysisOptions = {},
): Promise<RecurringPayment[]> {
  return runAnalysis(db, 'recurring-payments', recurringRow, options);
}
