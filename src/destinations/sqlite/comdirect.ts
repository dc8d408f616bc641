/**
 * Named writers for what the comdirect source gives, for those who call it by hand instead of running a pipeline.
 * Thin: the tables are the source's own, the writing is the destination's.
 */
import type { z } from 'zod';
import { PlumbingError } from '../../errors/index.ts';
import {
  RowKeys,
  compileSchema,
  createLoadId,
  dayIn,
  rowKeyColumn,
  tableOf,
  toTimestamp,
} from '../../model/index.ts';
import type { Column, JsonObject, Row, TableCounts } from '../../model/index.ts';
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
  const parsed = rows.map((row, index) => parseRow(definition, row, index));
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
      await load.write(
        table.name,
        layOut(definition, load.table(table.name).columns, parsed, partition),
        scopes,
      );
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

function parseRow({ name, schema }: Definition, row: unknown, index: number): unknown {
  const result = schema.safeParse(row);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new PlumbingError(
    'ROW_INVALID',
    `${name}, row ${index}: ${issue?.path.join('.')}: ${issue?.message}; nothing was written`,
  );
}

function layOut(
  definition: Definition,
  columns: readonly Column[],
  parsed: readonly unknown[],
  partition: string,
): Row[] {
  const flatten = compileSchema(definition.schema).flattener(columns);
  const keyIndex = columns.findIndex(({ name }) => name === rowKeyColumn);
  const keys = new RowKeys(partition);
  return parsed.map((data) => {
    const row = flatten(data);
    if (keyIndex >= 0) row[keyIndex] = keys.keyFor(data);
    return row;
  });
}
