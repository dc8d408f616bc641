/** A session of the one person who banks here. */
import type { TanMethod } from './options.ts';

/** A TAN challenge. */
export interface Challenge {
  /** Six to nine digits. */
  readonly id: string;
  /** 32 hex characters, the last part of the polling link. */
  readonly authenticationId: string;
  readonly method: TanMethod;
  /** Reading of `performance.now()`. */
  readonly madeMs: number;
  status: 'PENDING' | 'AUTHENTICATED' | 'CANCELED' | 'GONE';
}

/** From the PIN to the end. Reference: section 2.7. */
export interface Session {
  readonly identifier: string;
  /** `primary`: the PIN was right; `tan-active`: so was the TAN; `banking`: the token for business calls is out. */
  stage: 'primary' | 'tan-active' | 'banking' | 'ended';
  access: string;
  accessExpiresMs: number;
  refresh: string;
  refreshExpiresMs: number;
  challenge?: Challenge;
}
