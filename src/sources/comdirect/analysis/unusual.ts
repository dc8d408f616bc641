/** Payments that somebody should look at. */
import { z } from 'zod';
import { PlumbingError } from '../../../errors/index.ts';
import { date } from '../../../model/index.ts';
import { checkRegexes, defaultCategoryRules, rulesParameter } from './category-rules.ts';
import type { SqlRunner } from './sql-runner.ts';
import type { CategoryOptions } from './spending.ts';
import { money, runAnalysis } from './statement.ts';

const unusualRow = z.object({
  account_id: z.string(),
  reference: z.string(),
  booking_date: date(),
  counterparty: z.string(),
  category: z.string(),
  currency: z.string(),
  amount: money(),
  reason: z.enum(['amount', 'new_counterparty']),
  compared_with: z.enum(['counterparty', 'category']).nullable(),
  usual_amount: money().nullable(),
  score: z.number().nullable(),
});

/**
 * One payment that stands out.
 *
 * `reason`: `amount` when it is far from what is usual, else `new_counterparty`. `compared_with`: whose payments tell what
 * is usual, those to the counterparty or, where these are few, those of the category; `null` without either.
 * `amount` and `usual_amount` (the median, one that was really paid): exact decimals in `currency`, below 0. `score`: how
 * many robust standard deviations lie between the two; approximate.
 */
export type UnusualPayment = z.output<typeof unusualRow>;

/** What counts as unusual. `from` and `to` choose what is shown; all bookings up to `to` count for what is usual. */
export interface UnusualOptions extends CategoryOptions {
  /** Robust standard deviations from the median. Default 6. */
  readonly threshold?: number;
  /** A first payment of this much or more to a new counterparty is unusual: decimal text, in any currency. Default `500`. */
  readonly firstPaymentFrom?: string;
  /** Days from the account's first booking on in which nobody is new. Default 90. */
  readonly learningDays?: number;
}

/**
 * Payments out whose amount is far from the usual one, by median absolute deviation, and first payments to new
 * counterparties above a threshold; the newest first.
 *
 * A counterparty has a usual amount from six payments on, a category from twelve; `other` has none.
 *
 * @throws PlumbingError `CONFIG_INVALID`, `ROW_INVALID`
 * @example
 * ```ts
 * for (const { booking_date, counterparty, amount, usual_amount } of await unusualPayments(db, { from: '2026-10-01' }))
 *   console.log(booking_date, counterparty, amount, 'usually', usual_amount ?? 'unknown');
 * ```
 */
export async function unusualPayments(
  db: SqlRunner,
  options: UnusualOptions = {},
): Promise<UnusualPayment[]> {
  const {
    rules = defaultCategoryRules(),
    threshold = 6,
    firstPaymentFrom = '500',
    learningDays = 90,
    ...range
  } = options;
  if (!(threshold > 0)) throw new PlumbingError('CONFIG_INVALID', 'threshold: give a number above 0');
  if (!/^\d{1,11}(\.\d{1,4})?$/.test(firstPaymentFrom))
    throw new PlumbingError('CONFIG_INVALID', 'firstPaymentFrom: give an amount such as 500 or 99.90');
  if (!Number.isInteger(learningDays) || learningDays < 0 || learningDays > 36_500)
    throw new PlumbingError('CONFIG_INVALID', 'learningDays: give a whole number of days');
  await checkRegexes(db, rules);
  return runAnalysis(db, 'unusual-payments', unusualRow, range, {
    rules: rulesParameter(rules),
    threshold,
    first_above: firstPaymentFrom,
    learning_days: learningDays,
  });
}
