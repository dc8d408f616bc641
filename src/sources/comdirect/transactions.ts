/** Transactions of an account. Reference: comdirect REST API 4/2020, section 4.2, and observed behaviour. */
import { PlumbingError } from '../../errors/index.ts';
import { date } from '../../model/index.ts';
import { parseRows, listOf } from './accounts.ts';
import { asHttpError } from './api-error.ts';
import { clientOf } from './client.ts';
import type { ComdirectClient, ComdirectClientOptions } from './client.ts';
import { accountTransactionSchema } from './schemas.ts';
import type { AccountTransaction } from './schemas.ts';
import { readShiftingPages } from './shifting-pages.ts';
import type { ListPage } from './shifting-pages.ts';

/** Which transactions to read. */
export interface TransactionQuery {
  /** The account's UUID, not its number. */
  readonly accountId: string;
  /** Default `BOTH`: pending ones first. */
  readonly transactionState?: 'BOOKED' | 'NOTBOOKED' | 'BOTH';
  /** `YYYY-MM-DD`, for booked ones. Default `1970-01-01`: all history. (The bank's own default is the last 180 days.) */
  readonly minBookingDate?: string | undefined;
  /** `YYYY-MM-DD`, for booked ones. */
  readonly maxBookingDate?: string | undefined;
  readonly direction?: 'CREDIT' | 'DEBIT' | 'CREDIT_AND_DEBIT';
  /** Rows of a page, 2 to 500 (the bank refuses more). Default 500. */
  readonly pageSize?: number;
  /** Default 10,000. */
  readonly maxPages?: number;
  readonly signal?: AbortSignal | undefined;
}

const route = 'api/banking/v1/accounts/{accountId}/transactions';
const maxPageSize = 500;
const allHistory = '1970-01-01';
const day = date();

/**
 * The transactions of one account, page by page. Booked ones come newest first; a booking that arrives or vanishes
 * while pages are read loses no row. A row is given once, unless the list moves by more than a page meanwhile; its key is
 * the account with the whole reference. Pending ones come in one page.
 *
 * An account without transactions gives no page. So does an unknown one: the bank answers 404 to both, so take account
 * ids from {@link getAccountsBalances}.
 *
 * @throws PlumbingError `CONFIG_INVALID` for a date or page size that is none; `PAGINATION_LOOP`, `LIMIT_EXCEEDED` when
 * the bank's answers do not add up; `ROW_INVALID` when a row is not as documented; the errors of `ComdirectClient.get`.
 *
 * @example
 * ```ts
 * for await (const page of getTransactionDataPaginated(client, { accountId, minBookingDate: '2026-01-01' })) {
 *   for (const { bookingDate, amount } of page) console.log(bookingDate, amount?.value);
 * }
 * ```
 */
export async function* getTransactionDataPaginated(
  bank: ComdirectClient | ComdirectClientOptions,
  query: TransactionQuery,
): AsyncGenerator<readonly AccountTransaction[], void, undefined> {
  const client = clientOf(bank);
  const { transactionState = 'BOTH' } = query;
  const parse = (rows: readonly unknown[]): readonly AccountTransaction[] =>
    parseRows(accountTransactionSchema, rows, 'transaction');
  if (transactionState !== 'BOOKED') {
    const pending = await readPending(client, query);
    if (pending.length > 0) yield parse(pending);
  }
  if (transactionState !== 'NOTBOOKED') {
    for await (const rows of readBooked(client, query)) yield parse(rows);
  }
}

/** Booked transactions as the bank sends them. */
export async function* readBooked(
  client: ComdirectClient,
  query: TransactionQuery,
): AsyncGenerator<readonly unknown[], void, undefined> {
  const { pageSize = maxPageSize, maxPages = 10_000 } = query;
  checkQuery(query, pageSize);
  const stop = new AbortController();
  const signal = query.signal ? AbortSignal.any([query.signal, stop.signal]) : stop.signal;
  const fetchPage = (first: number, onReceived: () => void): Promise<ListPage> =>
    readPage(
      client,
      { ...query, signal },
      {
        transactionState: 'BOOKED',
        'min-bookingDate': query.minBookingDate ?? allHistory,
        'max-bookingDate': query.maxBookingDate,
        'paging-first': first,
        'paging-count': pageSize,
      },
      onReceived,
    );
  try {
    yield* readShiftingPages(fetchPage, { pageSize, maxPages, what: 'comdirect: booked transactions' });
  } finally {
    // Whoever stops reading early does not want the page that is on its way.
    stop.abort();
  }
}

/**
 * Pending transactions as the bank sends them: all at once, because the bank refuses to page them. More than it gives
 * at once is an error, since a part of the set must not pass for the whole.
 */
export async function readPending(
  client: ComdirectClient,
  query: TransactionQuery,
): Promise<readonly unknown[]> {
  const { rows, matches } = await readPage(client, query, {
    transactionState: 'NOTBOOKED',
    'paging-count': maxPageSize,
  });
  if (matches === undefined || matches <= rows.length) return rows;
  throw new PlumbingError(
    'LIMIT_EXCEEDED',
    `comdirect: the bank gives ${rows.length} of ${matches} pending transactions, and no way to get the rest`,
    { retryable: true, context: { matches, read: rows.length } },
  );
}

async function readPage(
  client: ComdirectClient,
  { accountId, direction, signal }: TransactionQuery,
  query: Readonly<Record<string, string | number | undefined>>,
  onReceived?: () => void,
): Promise<ListPage> {
  try {
    const body = await client.get(route, {
      params: { accountId },
      query: { ...query, transactionDirection: direction },
      onReceived,
      signal,
    });
    const { values, matches } = listOf(body, route);
    return { rows: values, matches };
  } catch (error) {
    // The specification's word for "no transactions found"; live answers are an empty list.
    if (asHttpError(error)?.status === 404) return { rows: [], matches: undefined };
    throw error;
  }
}

function checkQuery({ minBookingDate, maxBookingDate }: TransactionQuery, pageSize: number): void {
  for (const given of [minBookingDate, maxBookingDate]) {
    if (given !== undefined && !day.safeParse(given).success) {
      throw new PlumbingError(
        'CONFIG_INVALID',
        'comdirect: a booking date must be a day, YYYY-MM-DD, e.g. 2026-01-31',
      );
    }
  }
  if (!Number.isInteger(pageSize) || pageSize < 2 || pageSize > maxPageSize) {
    throw new PlumbingError('CONFIG_INVALID', `comdirect: pageSize must be 2 to ${maxPageSize}`);
  }
}
