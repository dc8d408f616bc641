/** What the owner of an account wants to know: typed functions over the SQL files of this folder. */
export { balanceHistory } from './balance-history.ts';
export type { BalanceDay, BalanceOptions } from './balance-history.ts';
export { cashFlowByMonth } from './cash-flow.ts';
export type { CashFlowMonth } from './cash-flow.ts';
export { spendingByCategory, spendingByCounterparty } from './spending.ts';
export type { CategoryOptions, CategorySpending, CounterpartySpending } from './spending.ts';
export { defaultCategoryRules, loadCategoryRules, parseCategoryRules } from './category-rules.ts';
export type { CategoryRule } from './category-rules.ts';
export { recurringPayments } from './recurring.ts';
export type { RecurringPayment } from './recurring.ts';
export { unusualPayments } from './unusual.ts';
export type { UnusualOptions, UnusualPayment } from './unusual.ts';
export type { AnalysisOptions, SqlRunner } from './sql-runner.ts';
