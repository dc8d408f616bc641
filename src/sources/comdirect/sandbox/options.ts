/** What a sandbox bank can be told. */
import { PlumbingError } from '../../../errors/index.ts';
import { parseDay } from './calendar.ts';
import type { Fault } from './faults.ts';

/** TAN methods: a push to the app, a photo to scan, a text message. Reference: section 2.3. */
export type TanMethod = 'P_TAN_PUSH' | 'P_TAN' | 'M_TAN';

/** Account types: giro, savings, foreign currency (USD), settlement of securities. Reference: section 3.1. */
export type AccountType = 'CA' | 'DAS' | 'FX' | 'SA';

/** Options of `startComdirectSandbox`. All have defaults. */
export interface SandboxOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** A loopback address. Default `127.0.0.1`. */
  readonly host?: string;
  /** Another seed, other data; a 32-bit integer. Default 1. */
  readonly seed?: number;
  /** The bank's clock, asked at every request. Default: the real one. `setNow` and `advance` move it on top of this. */
  readonly now?: () => Date;
  /** The bank's day at the start, `YYYY-MM-DD`; its clock goes on from noon UTC. Instead of `now`. */
  readonly today?: string;
  /** Number of accounts (giro, savings, giro, foreign currency, settlement, and so on), or their types; at most 99. Default 3. */
  readonly accounts?: number | readonly AccountType[];
  /** Days of bookings before the bank's day at the start. Default 730. */
  readonly historyDays?: number;
  /**
   * Mean number of bookings by chance for each giro account and calendar day; a quarter of it on currency and
   * settlement accounts, none on savings. Default 2. Rows are made when they are asked for, so any number will do.
   */
  readonly transactionsPerDay?: number;
  /** What a client has to log in with. Default: {@link defaultCredentials}. */
  readonly credentials?: Partial<SandboxCredentials>;
  /** Life of an access token in seconds of the bank's clock. Default 599. */
  readonly accessTokenSeconds?: number;
  /** Life of an unused refresh token in seconds of the bank's clock; every refresh starts it anew. Default 1,200. */
  readonly refreshTokenSeconds?: number;
  /** The person's methods, the favourite first. Default: push, photo, text message. */
  readonly tanMethods?: readonly TanMethod[];
  /** `false` leaves the polling link out of push challenges. Default `true`. */
  readonly pushLink?: boolean;
  /**
   * What becomes of a push challenge after `approveAfterMs`: `automatic`, it is approved; `reject`, the person says no;
   * `expire`, it is gone; `manual`, nothing until `approve()`, `reject()` or `expire()`. Default `automatic`.
   */
  readonly approval?: 'automatic' | 'manual' | 'reject' | 'expire';
  /** Real milliseconds until that happens; the bank's clock does not matter here. Default 500. */
  readonly approveAfterMs?: number;
  /** The right TAN for photo and text message. Default `123456`. */
  readonly tan?: string;
  /** 400 for an `x-http-request-info` other than documented: JSON, 32 hex characters, nine digits. Default `false`. */
  readonly strictHeaders?: boolean;
  /** A spent refresh token ends its whole session. Default `false`: it is rejected, the session lives on. */
  readonly revokeOnReuse?: boolean;
  /** 429 above this many requests below `/api` in one second of real time. Default: no limit. */
  readonly rateLimitPerSecond?: number;
  /** Faults from the start. */
  readonly faults?: readonly Fault[];
}

/** What a client needs to log in. */
export interface SandboxCredentials {
  /** OAuth client. */
  readonly clientId: string;
  /** Its secret. */
  readonly clientSecret: string;
  /** Access number of the person: eight digits. */
  readonly username: string;
  /** PIN of the person: six digits. */
  readonly password: string;
}

/** Credentials of a sandbox that was told nothing else. Invented, of course. */
export const defaultCredentials: SandboxCredentials = {
  clientId: 'SANDBOX_CLIENT',
  clientSecret: 'sandbox-client-secret',
  username: '12345678',
  password: '987654',
};

const accountTypes: readonly AccountType[] = ['CA', 'DAS', 'CA', 'FX', 'SA'];

/** The types of the wanted accounts. */
export function accountTypesOf(accounts: number | readonly AccountType[] = 3): readonly AccountType[] {
  if (typeof accounts !== 'number') return accounts;
  return Array.from(
    { length: accounts },
    (_, index) => accountTypes[index % accountTypes.length] as AccountType,
  );
}

/**
 * Refuses options that cannot be meant.
 *
 * @throws PlumbingError `CONFIG_INVALID`.
 */
export function checkOptions(options: SandboxOptions): void {
  const { host = '127.0.0.1', accounts, historyDays = 0, transactionsPerDay = 0, today, now } = options;
  if (!/^(localhost|::1|127(\.\d{1,3}){3})$/.test(host)) {
    throw invalid(`host: a sandbox bank listens on this machine only; ${host} is no loopback address`);
  }
  const count = typeof accounts === 'number' ? accounts : (accounts?.length ?? 0);
  if (!Number.isInteger(count) || count < 0 || count > 99) throw invalid('accounts: give 0 to 99');
  const unknown =
    typeof accounts === 'number' ? undefined : accounts?.find((type) => !accountTypes.includes(type));
  if (unknown !== undefined) throw invalid(`accounts: ${unknown} is none of CA, DAS, FX, SA`);
  if (!Number.isInteger(historyDays) || historyDays < 0) {
    throw invalid('historyDays: give a whole number of days, 0 or more');
  }
  // Seven digits of a reference count the pairs of a day's bookings.
  if (!(transactionsPerDay >= 0 && transactionsPerDay <= 5_000_000)) {
    throw invalid('transactionsPerDay: give a number from 0 to 5,000,000');
  }
  if (today !== undefined && (now !== undefined || parseDay(today) === undefined)) {
    throw invalid('today: give a day as YYYY-MM-DD, and not together with now');
  }
  if (options.tanMethods?.length === 0) throw invalid('tanMethods: name at least one method');
}

function invalid(message: string): PlumbingError {
  return new PlumbingError('CONFIG_INVALID', `invalid option of the sandbox bank: ${message}`);
}
