/** Reading a database file without a pipeline. */
import { existsSync } from 'node:fs';
import type { z } from 'zod';
import { PlumbingError } from '../../errors/index.ts';
import { declaredColumns } from '../../model/stored-row.ts';
import type {
  Condition,
  RowObject,
  RowQuery,
  SelectedRow,
  StoredRow,
  TableOf,
  TypedQuery,
  WriteMode,
} from '../../model/index.ts';
import { resolveOptions } from './options.ts';
import type { SqliteTarget } from './options.ts';
import { SqliteReader } from './reader.ts';

/**
 * A reader of a database file. It works beside a running load, and sees only what is committed.
 *
 * @throws PlumbingError `CONFIG_INVALID` for a path that is not that of a file; its methods throw as `openSqlite` does.
 *
 * @example
 * ```ts
 * const reader = createSqliteReader('comdirect.db');
 * for await (const row of reader.readRows('account_balances', { orderBy: ['-_inserted_at_day'], limit: 10 })) {
 *   console.log(row['account_display_id'], row['balance__value']);
 * }
 * ```
 */
export function createSqliteReader(target: SqliteTarget): SqliteReader {
  return new SqliteReader(resolveOptions(target));
}

/**
 * Streams the rows of a table with their exact logical values: decimals as text with their scale, 64-bit integers
 * without loss, JSON parsed. With a stream, or any `{ name, schema }`, in place of a table's name the rows are typed.
 * A column that the stream got after rows were stored is `null` in these, whatever the schema says; so is one that the table
 * will get with the next load only.
 *
 * @throws PlumbingError `SCHEMA_INVALID` for a table or column that does not exist, and as `openSqlite` does.
 *
 * @example
 * ```ts
 * const where = [{ column: 'amount__value', op: '<', value: '0' }] as const;
 * for await (const row of readRows('comdirect.db', 'account_transactions__booked', { where })) console.log(row);
 * ```
 */
export function readRows<
  S extends z.ZodObject,
  W extends WriteMode = WriteMode,
  const C extends keyof StoredRow<S, W> = never,
>(
  target: SqliteTarget,
  table: TableOf<S, W>,
  query?: TypedQuery<StoredRow<S, W>, C>,
): AsyncIterable<SelectedRow<StoredRow<S, W>, C>>;
export function readRows(target: SqliteTarget, table: string, query?: RowQuery): AsyncIterable<RowObject>;
export function readRows(
  target: SqliteTarget,
  table: string | TableOf<z.ZodObject>,
  query: RowQuery = {},
): AsyncIterable<never> {
  const name = typeof table === 'string' ? table : table.name;
  const rows = createSqliteReader(target).readRows(name, query, declaredColumns(table));
  // The stored schema decides what comes out; the overloads above say what that is.
  return rows as AsyncIterable<never>;
}

/**
 * The latest value of a date, timestamp or text column among the rows that meet `where`. `null` when there is none: no
 * such row, and also when table or file do not exist yet, as before a first load.
 *
 * @throws PlumbingError `SCHEMA_INVALID` for a column that the table does not have or that holds no dates, and as
 * `openSqlite` does.
 *
 * @example
 * ```ts
 * const where = [{ column: 'account_id', op: '=', value: accountId }] as const;
 * const since = await getMaxDate('comdirect.db', 'account_transactions__booked', 'booking_date', where);
 * ```
 */
export async function getMaxDate(
  target: SqliteTarget,
  table: string,
  column: string,
  where: readonly Condition[] = [],
): Promise<string | null> {
  if (!existsSync(resolveOptions(target).file)) return null;
  const latest = await createSqliteReader(target).getMax(table, column, where);
  if (latest === null || typeof latest === 'string') return latest;
  throw new PlumbingError('SCHEMA_INVALID', `table "${table}": column "${column}" does not hold dates`, {
    context: { table },
  });
}
