/** Accounts, balances, transactions. Reference: section 3. */
import type { SandboxAccount } from './account.ts';
import { businessError, notFound, ok } from './answers.ts';
import type { Answer } from './answers.ts';
import { bankDateTime, bankDay, parseDay } from './calendar.ts';

const defaultPageRows = 20;
const maxPageRows = 500;
const defaultWindowDays = 180;
/** Before any booking. */
const longAgo = -1_000_000;

/** The accounts of the one person who banks here. */
export class Banking {
  readonly #accounts: readonly SandboxAccount[];
  readonly #now: () => Date;

  constructor(accounts: readonly SandboxAccount[], now: () => Date) {
    this.#accounts = accounts;
    this.#now = now;
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
    if (first === undefined) return invalidPaging('paging-first', query.get('paging-first') as string);
    const take = wholeNumber(query.get('paging-count') ?? String(defaultPageRows));
    if (take === undefined || take < 1 || take > maxPageRows)
      return invalidPaging('paging-count', query.get('paging-count') as string);
    if (first > 0 && state !== 'BOOKED') {
      return invalidQuery(
        'requestparameter.invalid',
        'Paging is only valid for booked account transactions',
        'transactionState',
        state,
      );
    }
    const today = bankDay(this.#now());
    const [from, to] = [query.get('min-bookingDate'), query.get('max-bookingDate')].map((text) =>
      text === null ? null : parseDay(text),
    );
    if (from === undefined || to === undefined)
      return invalidQuery('requestparameter.invalid', 'The date {0} is invalid', 'bookingDate', '');
    const period = [from ?? today - defaultWindowDays, Math.min(to ?? today, today)] as const;
    return ok(
      this.#page(account, state, direction, period, first, take, today, query.get('with-attr') === 'account'),
    );
  }

  #page(
    account: SandboxAccount,
    state: string,
    direction: string,
    [from, to]: readonly [number, number],
    first: number,
    take: number,
    today: number,
    withAccount: boolean,
  ): string {
    const sign = direction === 'CREDIT' ? 1 : direction === 'DEBIT' ? -1 : undefined;
    const pending = state === 'BOOKED' ? [] : account.pending(today, sign);
    const left = Math.max(take - pending.length, 0);
    let booked: string[] = [];
    let matches = 0;
    if (state !== 'NOTBOOKED') {
      const start = Math.max(from, longAgo);
      if (sign === undefined) {
        matches = account.count(start, to);
        booked = first < matches ? account.booked(start, to, first, left) : [];
      } else {
        ({ rows: booked, matches } = account.bookedInDirection(start, to, first, left, sign));
      }
    }
    const rows = pending.slice(0, take).concat(booked);
    const lastDate = account.dateOf(booked.at(-1));
    const isLast = first + booked.length >= matches;
    const aggregated =
      `{"account":${withAccount ? account.account() : 'null'},"accountId":"${account.id}","bookingDateLatestTransaction":${JSON.stringify(lastDate)},` +
      `"referenceLatestTransaction":${lastDate === null ? 'null' : '"5704660619"'},"latestTransactionIncluded":${isLast},"pagingTimestamp":"${bankDateTime(this.#now())}"}`;
    return `{"paging":{"index":${first},"matches":${matches + pending.length}},"aggregated":${aggregated},"values":[${rows.join(',')}]}`;
  }
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function invalidPaging(parameter: string, value: string): Answer {
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
