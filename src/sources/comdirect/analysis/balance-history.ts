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
  origin: z.enum(['snapshot', 'carried', 'bookings']),
});

/**
 * One day of one account, or of all.
 *
 * `account_id`: `null` for all accounts together, which is in EUR. `account_name`: type and last four characters of the
 * account's number. `balance`: exact decimal in `currency`. `balance_eur`: as the bank counted it that day; `null` where
 * it did not. `origin`: a `snapshot` of that day, the one before it (`carried`), or worked out from `bookings`; of the sum,
 * the least certain of its accounts.
 */
export type BalanceDay = z.output<typeof balanceRow>;

/** Options of {@link balanceHistory}. */
export interface BalanceOptions extends AnalysisOptions {
  /**
   * Also the days before an account's first snapshot, from the first booking of any account on: the first snapshot, less
   * what was booked later. In EUR for accounts kept in EUR only. A booking of the snapshot's own day that the bank
   * booked after the snapshot was taken makes these days wrong by its amount. Default `false`.
   */
  readonly reconstruct?: boolean;
}

/**
 * The balance of each account on each day from its first snapshot to the newest one of any account; all accounts
 * together come first. The sum has the accounts that were known by then, and leaves out days on which one of them has
 * no value in EUR. Snapshots are made by runs, so history begins with the first run,
 * unless it is reconstructed.
 *
 * @throws PlumbingError `CONFIG_INVALID`, `ROW_INVALID`
 * @example
 * ```ts
 * for (const { day, account_name, balance, currency } of await balanceHistory(db))
 *   console.log(day, account_name, balance, currency);
 * ```
 */
export async function balanceHistory(db: SqlRunner, options: BalanceOptions = {}): Promise<BalanceDay[]> {
  const { reconstruct = false, ...range } = options;
  return runAnalysis(db, 'balance-history', balanceRow, range, { reconstruct });
}
