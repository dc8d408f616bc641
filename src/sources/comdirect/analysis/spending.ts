/** Spending by counterparty and by category. */
import { z } from 'zod';
import { date } from '../../../model/index.ts';
import { checkRegexes, defaultCategoryRules, rulesParameter } from './category-rules.ts';
import type { CategoryRule } from './category-rules.ts';
import type { AnalysisOptions, SqlRunner } from './sql-runner.ts';
import { money, runAnalysis } from './statement.ts';

const spent = {
  currency: z.string(),
  spent: money(),
  refunded: money(),
  net_spent: money(),
  payments: z.number(),
  refunds: z.number(),
};

const counterpartyRow = z.object({
  counterparty: z.string(),
  ...spent,
  first_date: date(),
  last_date: date(),
});
const categoryRow = z.object({ category: z.string(), ...spent });

/**
 * What went to one counterparty.
 *
 * `counterparty`: the name as it was spelt last; `(type of booking)` where the bank gives none. `spent` and `refunded`
 * (0 or more) and their difference `net_spent`: exact decimals in `currency`. `payments`, `refunds`: how many.
 * `first_date`, `last_date`: of both.
 */
export type CounterpartySpending = z.output<typeof counterpartyRow>;

/** What went into one category; see {@link CounterpartySpending}. `category`: from the rules, or `other`. */
export type CategorySpending = z.output<typeof categoryRow>;

/** Options with rules for categories. */
export interface CategoryOptions extends AnalysisOptions {
  /** In the order in which they are tried. Default: {@link defaultCategoryRules}. */
  readonly rules?: readonly CategoryRule[];
}

/**
 * Spending by counterparty, the most first, per currency. Money that comes from somebody is a refund as long as they have
 * been paid at least as much in all; other income is left out.
 *
 * @throws PlumbingError `CONFIG_INVALID`, `ROW_INVALID`
 * @example
 * ```ts
 * const [top] = await spendingByCounterparty(db, { from: '2026-01-01', to: '2026-12-31' });
 * ```
 */
export async function spendingByCounterparty(
  db: SqlRunner,
  options: AnalysisOptions = {},
): Promise<CounterpartySpending[]> {
  return runAnalysis(db, 'spending-by-counterparty', counterpartyRow, options);
}

/**
 * Spending by category, the most first, per currency. Refunds as in {@link spendingByCounterparty}.
 *
 * @throws PlumbingError `CONFIG_INVALID` (also for a rule whose regular expression DuckDB does not understand),
 * `ROW_INVALID`
 * @example
 * ```ts
 * const rules = await loadCategoryRules('my-categories.json');
 * for (const { category, net_spent } of await spendingByCategory(db, { rules })) console.log(category, net_spent);
 * ```
 */
export async function spendingByCategory(
  db: SqlRunner,
  options: CategoryOptions = {},
): Promise<CategorySpending[]> {
  const { rules = defaultCategoryRules(), ...range } = options;
  await checkRegexes(db, rules);
  return runAnalysis(db, 'spending-by-category', categoryRow, range, { rules: rulesParameter(rules) });
}
