/** The bank as a source: three streams over one client. */
import type { TokenStore } from '../../auth/index.ts';
import { PlumbingError } from '../../errors/index.ts';
import type { RateLimit } from '../../http/index.ts';
import { defineSource, defineStream } from '../../model/index.ts';
import type { Partition, PlanContext, ReadContext, Source } from '../../model/index.ts';
import { readBalances } from './accounts.ts';
import type { ChallengeLedger } from './challenge-ledger.ts';
import type { TanMethod } from './challenge.ts';
import { createComdirectClient } from './client.ts';
import type { ComdirectClient } from './client.ts';
import { loadComdirectConfig } from './config.ts';
import type { ComdirectConfig } from './config.ts';
import type { OnChallenge } from './login-session.ts';
import type { HttpOverrides } from './oauth.ts';
import {
  accountBalancesTable,
  accountTransactionsBookedTable,
  accountTransactionsNotBookedTable,
  toAccountBalanceRow,
  toTransactionRow,
} from './tables.ts';
import { createComdirectTokens } from './tokens.ts';
import type { LoginPolicy } from './tokens.ts';
import { readBooked, readPending } from './transactions.ts';

/** Options of {@link comdirect}. */
export interface ComdirectOptions {
  /** Default: from the environment. */
  readonly config?: ComdirectConfig;
  /** Where the token is kept between runs. Default: an encrypted file in the state folder. */
  readonly tokenStore?: TokenStore;
  /** What to do without a valid token. Default `never`: `AUTH_NEEDS_PERSON`. */
  readonly login?: LoginPolicy;
  /** Asks the person, for `login: 'interactive'`. */
  readonly onChallenge?: OnChallenge;
  /** Default: the person's favourite at the bank. */
  readonly tanMethod?: TanMethod;
  /** Counts TAN challenges. Default: a file in the state folder. */
  readonly ledger?: ChallengeLedger;
  /** Days before the newest known booking from which a run reads again. Default 14. */
  readonly lookbackDays?: number;
  /** Default 2.5 requests a second. */
  readonly rateLimit?: RateLimit;
  /** The clock by which tokens age. Default: the real one. */
  readonly now?: () => Date;
  readonly http?: HttpOverrides;
}

/**
 * The bank comdirect as a source of three streams:
 *
 * - `account_balances`: one snapshot an account and day (of the bank's time zone, Europe/Berlin).
 * - `account_transactions__booked`: a partition an account, by booking date. Each run reads again the last days before
 *   the newest known booking, because bookings may arrive late; what comes twice is merged by account and reference.
 * - `account_transactions__not_booked`: a partition an account; the pending set is replaced as a whole.
 *
 * Requests are sent one after another, at most 2.5 a second. It only ever reads.
 *
 * @throws PlumbingError `CONFIG_INVALID` when the environment lacks the credentials. Runs end with
 * `AUTH_NEEDS_PERSON` when a person has to log in.
 *
 * @example
 * ```ts
 * const report = await run({ source: comdirect({ login: 'push' }), destination: sqlite('comdirect.db') });
 * ```
 */
export function comdirect(options: ComdirectOptions = {}): Source {
  const bank = new Bank(options);
  const { lookbackDays: lookback = accountTransactionsBookedTable.cursor.lookback } = options;
  return defineSource({
    name: 'comdirect',
    timeZone: 'Europe/Berlin',
    streams: [
      defineStream({ ...accountBalancesTable, read: (context) => bank.balances(context) }),
      defineStream({
        ...accountTransactionsBookedTable,
        cursor: { ...accountTransactionsBookedTable.cursor, lookback },
        partitions: (context) => bank.accounts(context),
        read: (context) => bank.booked(context),
      }),
      defineStream({
        ...accountTransactionsNotBookedTable,
        partitions: (context) => bank.accounts(context),
        read: (context) => bank.notBooked(context),
      }),
    ],
    close: async () => bank.forgetAccounts(),
  });
}

class Bank {
  readonly #client: ComdirectClient;
  #accountIds: readonly string[] | undefined;

  constructor({ config = loadComdirectConfig(), rateLimit, ...options }: ComdirectOptions) {
    const { http } = options;
    const now = options.now && ((): number => (options.now as () => Date)().getTime());
    const tokens = createComdirectTokens({ ...options, config, now });
    this.#client = createComdirectClient({ config, tokens, http, now, ...(rateLimit && { rateLimit }) });
  }

  async *balances({ signal }: ReadContext): AsyncGenerator<readonly unknown[]> {
    const balances = await readBalances(this.#client, signal);
    this.#remember(balances);
    yield balances.map((row) => (isObject(row) ? toAccountBalanceRow(row) : row));
  }

  async accounts({ signal }: PlanContext): Promise<readonly Partition[]> {
    if (!this.#accountIds) this.#remember(await readBalances(this.#client, signal));
    return (this.#accountIds ?? []).map((key) => ({ key }));
  }

  async *booked({ partition, from, signal }: ReadContext): AsyncGenerator<readonly unknown[]> {
    const accountId = accountOf(partition);
    if (from !== undefined && typeof from !== 'string') {
      throw new PlumbingError('CONFIG_INVALID', 'comdirect: `since` must be a date, e.g. 2026-01-31');
    }
    const pages = readBooked(this.#client, { accountId, minBookingDate: from, signal });
    for await (const rows of pages) yield rows.map((row) => rowOf(row, accountId));
  }

  async *notBooked({ partition, signal }: ReadContext): AsyncGenerator<{
    readonly rows: readonly unknown[];
    readonly scopes: readonly { readonly account_id: string }[];
  }> {
    const accountId = accountOf(partition);
    const rows = await readPending(this.#client, { accountId, signal });
    yield { rows: rows.map((row) => rowOf(row, accountId)), scopes: [{ account_id: accountId }] };
  }

  forgetAccounts(): void {
    this.#accountIds = undefined;
  }

  #remember(balances: readonly unknown[]): void {
    const ids = balances.map((row) => (isObject(row) ? row['accountId'] : undefined));
    this.#accountIds = [...new Set(ids.filter((id) => typeof id === 'string'))];
  }
}

/** Something else than an object goes on as it is: the pipeline puts it into quarantine. */
function rowOf(row: unknown, accountId: string): unknown {
  return isObject(row) ? toTransactionRow(row, accountId) : row;
}

function isObject(row: unknown): row is Readonly<Record<string, unknown>> {
  return typeof row === 'object' && row !== null && !Array.isArray(row);
}

function accountOf(partition: Partition | undefined): string {
  if (partition) return partition.key;
  throw new PlumbingError('CONFIG_INVALID', 'comdirect: transactions are read by account; name a partition');
}
