/** What the owner of an account wants to know: typed functions over the SQL files of this folder. */
export { cashFlowByMonth } from './cash-flow.ts';
export type { CashFlowMonth } from './cash-flow.ts';
export type { AnalysisOptions, SqlRunner } from './sql-runner.ts';
