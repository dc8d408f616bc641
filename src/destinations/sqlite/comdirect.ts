/**
 * Named writers for what the comdirect source gives, for those who call it by hand instead of running a pipeline.
 * Thin: the tables are the source's own, the writing is the destination's.
 */
import type { z } from 'zod';
import { PlumbingError } from '../../errors/index.ts';
import { createLoadId, dayIn, tableOf, toTimestamp } from '../../model/index.ts';
import type { JsonObject, TableCounts } from '../../model/index.ts';
import { RowShaper } from '../../pipeline/row-shaper.ts';
import {
  accountBalancesTable,
  accountTransactionsBookedTable,
  accountTransactionsNotBookedTable,
  toAccountBalanceRow,
  toTransactionRow,
} from '../../sources/comdirect/tables.ts';
import { sqlite } from './destination.ts';
import type { SqliteTarget } from './options.ts';

/** Options of the named writers. */
export interface NamedWriteOptions {
  readonly signal?: AbortSignal;
  /** The clock. Default: the real one. */
  readonly now?: () => Date;
}

type Definition = Parameters<typeof tableOf>[0] & { readonly schema: z.ZodObject };

/**
 * Writes balances as `getAccountsBalances` gives them: one snapshot an account and day of the bank's time zone; a second
 * one of the day takes the place of the first. All in one transaction.
 *
 * @returns how many rows were inserted and deleted.
 * @throws PlumbingError `ROW_INVALID` for a row that does not fit (nothing is written); `DEST_*` as the destination.
 *
 * @example
 * ```ts
 * await writeAccountBalances(loadSqliteConfig(), await getAccountsBalances({ config, accessToken }));
 * ```
 */
export async function writeAccountBalances(
  target: SqliteTarget,
  balances: readonly object[],
  options: NamedWriteOptions = {},
): Promise<TableCounts> {
  const rows = balances.map((balance) => toAccountBalanceRow({ ...balance }));
  return write(target, accountBalancesTable, rows, [], '', options);
}

/**
 * Writes booked transactions of one account: merged by account and whole reference, so that writing them again changes
 * nothing, and a correction replaces its row. All in one transaction. Returns and throws as {@link writeAccountBalances}.
 *
 * @example
 * ```ts
 * for await (const page of getTransactionDataPaginated(client, { accountId, transactionState: 'BOOKED' })) {
 *   await writeAccountTransactionsBooked('comdirect.db', accountId, page);
 * }
 * ```
 */
export async function writeAccountTransactionsBooked(
  target: SqliteTarget,
  accountId: string,
  transactions: readonly object[],
  options: NamedWriteOptions = {},
): Promise<TableCounts> {
  const rows = transactions.map((transaction) => toTransactionRow({ ...transaction }, accountId));
  return write(target, accountTransactionsBookedTable, rows, [], accountId, options);
}

/**
 * Writes the pending transactions of one account: they take the place of all pending ones of this account, and an
 * empty list empties it. All in one transaction. Returns and throws as {@link writeAccountBalances}.
 *
 * @example
 * ```ts
 * await writeAccountTransactionsNotBooked('comdirect.db', accountId, []); // nothing is pending any more
 * ```
 */
export async function writeAccountTransactionsNotBooked(
  target: SqliteTarget,
  accountId: string,
  transactions: readonly object[],
  options: NamedWriteOptions = {},
): Promise<TableCounts> {
  const rows = transactions.map((transaction) => toTransactionRow({ ...transaction }, accountId));
  return write(
    target,
    accountTransactionsNotBookedTable,
    rows,
    [{ account_id: accountId }],
    accountId,
    options,
  );
}

async function write(
  target: SqliteTarget,
  definition: Definition,
  rows: readonly unknown[],
  scopes: readonly JsonObject[],
  partition: string,
  options: NamedWriteOptions,
): Promise<TableCounts> {
  const startedAt = options.now?.() ?? new Date();
  const signal = options.signal ?? new AbortController().signal;
  const table = tableOf(definition);
  for (const [index, row] of rows.entries()) requireFitting(definition, row, index);
  const session = await sqlite(target).open({ signal });
  try {
    const load = await session.begin({
      loadId: createLoadId(startedAt),
      pipeline: 'comdirect',
      startedAt: toTimestamp(startedAt) as string,
      day: dayIn('Europe/Berlin', startedAt),
      tables: [table],
      staged: false,
      signal,
    });
    try {
      const shaper = new RowShaper(definition, load.table(table.name));
      shaper.startPartition(partition);
      const { rows: shaped, rejected, changes } = shaper.shape(rows);
      if (rejected[0]) throw misfit(definition.name, rejected[0].index, rejected[0].reason);
      if (changes.length > 0)
        await load.evolve(
          table.name,
          changes.map(({ column }) => column),
        );
      await load.write(table.name, shaped, scopes);
      await load.finishTable(table.name, []);
      await load.publish();
      return load.counts(table.name);
    } catch (error) {
      await load.abort(error instanceof Error ? error.message : 'failed');
      throw error;
    }
  } finally {
    await session.close();
  }
}

/** Before a file is made or opened. */
function requireFitting({ name, schema }: Definition, row: unknown, index: number): void {
  const [issue] = schema.safeParse(row).error?.issues ?? [];
  if (issue) throw misfit(name, index, `${issue.path.join('.')}: ${issue.message}`);
}

function misfit(name: string, index: number, reason: string): PlumbingError {
  return new PlumbingError('ROW_INVALID', `${name}, row ${index}: ${reason}; nothing was written`);
}
