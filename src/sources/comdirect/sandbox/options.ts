/** What a sandbox bank can be told. */
import type { Fault } from './faults.ts';

/** TAN methods. Reference: section 2.3. */
export type TanMethod = 'P_TAN_PUSH' | 'P_TAN' | 'M_TAN';

/** Options of `startComdirectSandbox`. All have defaults. */
export interface SandboxOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** A loopback address. Default `127.0.0.1`. */
  readonly host?: string;
  /** Another seed, other data. Default 1. */
  readonly seed?: number;
  /** The bank's clock. Default: the real one. */
  readonly now?: () => Date;
  /** Number of accounts: giro, savings, giro, foreign currency, and so on. Default 3. */
  readonly accounts?: number;
  /** Days of bookings before the first `now`. Default 730. */
  readonly historyDays?: number;
  /** Mean number of bookings by chance, for each giro account and day. Default 2. */
  readonly transactionsPerDay?: number;
  readonly credentials?: Partial<SandboxCredentials>;
  /** Life of an access token in seconds. Default 599. */
  readonly accessTokenSeconds?: number;
  /** Life of an unused refresh token in seconds. Default 1,200. */
  readonly refreshTokenSeconds?: number;
  /** The person's methods, the favourite first. Default: push, photo, SMS. */
  readonly tanMethods?: readonly TanMethod[];
  /** `false` leaves the polling link out of push challenges. Default `true`. */
  readonly pushLink?: boolean;
  /** What becomes of a push challenge. Default `automatic`: approved after `approveAfterMs`. */
  readonly approval?: 'automatic' | 'manual' | 'reject' | 'expire';
  /** Real milliseconds until a push challenge is approved by itself. Default 500. */
  readonly approveAfterMs?: number;
  /** The right TAN for photo and SMS. Default `123456`. */
  readonly tan?: string;
  /** 400 for session and request ids in other forms than documented. Default `false`. */
  readonly strictHeaders?: boolean;
  /** A spent refresh token ends its whole session. Default `false`. */
  readonly revokeOnReuse?: boolean;
  /** 429 above this many requests a second below `/api`. Default: no limit. */
  readonly rateLimitPerSecond?: number;
  readonly faults?: readonly Fault[];
}

/** What a client needs to log in. */
export interface SandboxCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly username: string;
  readonly password: string;
}

/** Invented, of course. */
export const defaultCredentials: SandboxCredentials = {
  clientId: 'SANDBOX_CLIENT',
  clientSecret: 'sandbox-client-secret',
  username: '12345678',
  password: '987654',
};
