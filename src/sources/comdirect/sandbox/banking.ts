/** Accounts, balances, transactions. Reference: section 3. */
import type { SandboxAccount } from './account.ts';
import { businessError, notFound, ok } from './answers.ts';
import type { Answer } from './answers.ts';
import { bankDateTime, bankDay, parseDay } from './calendar.ts';

const defaultPageRows = 20;
const maxPageRows = 500;
const defaultWindowDays = 180;

/** The accounts of the one person who banks here. */
export class Banking {
  readonly #accounts: readonly SandboxAccount[];
  readonly #now: () => Date;
  #rowsSent = 0;

  constructor(accounts: readonly SandboxAccount[], now: () => Date) {
    this.#accounts = accounts;
    this.#now = now;
  }

  /** Transactions sent so far. */
  get rowsSent(): number {
    return this.#rowsSent;
  }

  /** One more booking arrives today on every account. */
  arrive(): void {
    const today = bankDay(this.#now());
    for (const account of this.#accounts) account.arrive(today);
  }

  /** `GET .../accounts/balances`. */
  balances(query: URLSearchParams): Answer {
    const today = bankDay(this.#now());
    const withAccount = query.get('without-attr') !== 'account';
    const values = this.#accounts.map((account) => account.balance(today, withAccount));
    return ok(`{"paging":{"index":0,"matches":${values.length}},"values":[${values.join(',')}]}`);
  }

  /** `GET .../accounts/{accountId}/balances`. */
  balance(accountId: string, query: URLSearchParams): Answer {
    const account = this.#accounts.find((candidate) => candidate.id === accountId);
    if (!account) return notFound;
    return ok(account.balance(bankDay(this.#now()), query.get('without-attr') !== 'account'));
  }

  /** `GET .../accounts/{accountId}/transactions`. Unknown parameters are ignored (quirk 39). */
  transactions(accountId: string, query: URLSearchParams): Answer {
    const account = this.#accounts.find((candidate) => candidate.id === accountId);
    if (!account) return notFound;
    const state = query.get('transactionState') ?? 'BOTH';
    if (!['BOOKED', 'NOTBOOKED', 'BOTH'].includes(state)) {
      return invalidQuery(
        'bookingStatus.invalid',
        'The value {0} for the bookingStatus is invalid',
        'transactionState',
        state,
      );
    }
    const direction = query.get('transactionDirection') ?? 'CREDIT_AND_DEBIT';
    if (!['CREDIT', 'DEBIT', 'CREDIT_AND_DEBIT'].includes(direction)) {
      return invalidQuery(
        'requestparameter.invalid',
        'The value {0} is invalid',
        'transactionDirection',
        direction,
      );
    }
    const first = wholeNumber(query.get('paging-first') ?? '0');
    if (first === undefined) return invalidPaging('paging-first', query);
    const take = wholeNumber(query.get('paging-count') ?? String(defaultPageRows));
    if (take === undefined || take < 1 || take > maxPageRows) return invalidPaging('paging-count', query);
    if (first > 0 && state !== 'BOOKED') {
      return invalidQuery(
        'requestparameter.invalid',
        'Paging is only valid for booked account transactions',
        'transactionState',
        state,
      );
    }
    const today = bankDay(this.#now());
    const from = dayOr(query, 'min-bookingDate', today - defaultWindowDays);
    if (from === undefined) return invalidDate('min-bookingDate', query);
    const to = dayOr(query, 'max-bookingDate', today);
    if (to === undefined) return invalidDate('max-bookingDate', query);
    const sign = direction === 'CREDIT' ? 1 : direction === 'DEBIT' ? -1 : undefined;
    const pending = state === 'BOOKED' ? [] : account.pending(today, sign);
    const left = state === 'NOTBOOKED' ? 0 : Math.max(take - pending.length, 0);
    const booked = account.booked({ from, to: Math.min(to, today), skip: first, take: left, sign });
    const rows = pending.slice(0, take).concat(booked.rows);
    this.#rowsSent += rows.length;
    const matches = pending.length + (state === 'NOTBOOKED' ? 0 : booked.matches);
    const aggregated = this.#aggregated(account, {
      withAccount: query.get('with-attr') === 'account',
      lastDate: booked.lastDate,
      isLast: first + rows.length >= matches,
    });
    return ok(
      `{"paging":{"index":${first},"matches":${matches}},"aggregated":${aggregated},"values":[${rows.join(',')}]}`,
    );
  }

  /** Reference: table of `aggregated` in section 3.3. */
  #aggregated(
    account: SandboxAccount,
    page: { withAccount: boolean; lastDate: string | null; isLast: boolean },
  ): string {
    const { withAccount, lastDate, isLast } = page;
    // Ten digits, in another form than any reference of a row.
    const reference = lastDate === null ? 'null' : `"57${lastDate.replaceAll('-', '')}"`;
    return (
      `{"account":${withAccount ? account.account() : 'null'},"accountId":"${account.id}",` +
      `"bookingDateLatestTransaction":${JSON.stringify(lastDate)},"referenceLatestTransaction":${reference},` +
      `"latestTransactionIncluded":${isLast},"pagingTimestamp":"${bankDateTime(this.#now())}"}`
    );
  }
}

/** The day of a parameter, the default without it, `undefined` if it is no day. */
function dayOr(query: URLSearchParams, name: string, standard: number): number | undefined {
  const text = query.get(name);
  return text === null ? standard : parseDay(text);
}

function invalidDate(name: string, query: URLSearchParams): Answer {
  return invalidQuery('requestparameter.invalid', 'The date {0} is invalid', name, query.get(name) ?? '');
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function invalidPaging(parameter: string, query: URLSearchParams): Answer {
  const value = query.get(parameter) ?? '';
  const args = { '0': parameter, '1': wholeNumber(value) ?? value };
  return businessError(422, 'request.query.invalid', {
    key: 'paging.invalid',
    message: 'Der Paging-Parameter {0} mit dem Wert {1} ist ungültig',
    args,
    origin: [parameter],
  });
}

function invalidQuery(key: string, message: string, parameter: string, value: string): Answer {
  return businessError(422, 'request.query.invalid', {
    key,
    message,
    args: { '0': value },
    origin: [parameter],
  });
}
