/** Balances day by day. */
import { z } from 'zod';
import { date } from '../../../model/index.ts';
import type { AnalysisOptions, SqlRunner } from './sql-runner.ts';
import { money, runAnalysis } from './statement.ts';

const balanceRow = z.object({
  day: date(),
  account_id: z.string().nullable(),
  account_name: z.string(),
  currency: z.string(),
  balance: money(),
  balance_eur: money().nullable(),
  carried: z.boolean(),
});

/**
 * One day of one account, or of all.
 *
 * `account_id`: `null` for all accounts together, which is in EUR. `account_name`: type and last four characters of the
 * account's number. `balance`: exact decimal in `currency`. `balance_eur`: as the bank counted it that day; `null` where
 * it did not. `carried`: there was no snapshot that day, so this is the one before (of one account at least, in the sum).
 */
export type BalanceDay = z.output<typeof balanceRow>;

/**
 * The balance of each account on each day from its first snapshot to the newest one of any account; all accounts
 * together come first. The sum has the accounts that were known by then, and leaves out days on which one of them has
 * no value in EUR. Snapshots are made by runs, so history begins with the first run.
 *
 * @throws PlumbingError `CONFIG_INVALID`, `ROW_INVALID`
 * @example
 * ```ts
 * for (const { day, account_name, balance, currency } of await balanceHistory(db))
 *   console.log(day, account_name, balance, currency);
 * ```
 */
export async function balanceHistory(db: SqlRunner, options: AnalysisOptions = {}): Promise<BalanceDay[]> {
  return runAnalysis(db, 'balance-history', balanceRow, options);
}
