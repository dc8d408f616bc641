/** The port through which tokens are kept. Implementations: memory, encrypted file. */

/** A token as it is stored: plain JSON. `issuedAtMs` orders two tokens of one login. */
export interface StoredToken {
  /** Wall-clock milliseconds at which the token was issued. */
  readonly issuedAtMs: number;
  readonly [field: string]: unknown;
}

/**
 * Keeps one token for one login.
 *
 * `withLock` gives the holder sole use of the token among all processes that share the store: refresh inside it,
 * and read again after it was given (another process may have refreshed meanwhile).
 */
export interface TokenStore {
  /** The stored token, or `undefined` when there is none. `TOKEN_STORE_CORRUPT` when it can't be read; the file stays as it is. */
  read(): Promise<StoredToken | undefined>;
  /** Stores `token`, durably and atomically, unless the stored one is newer by `issuedAtMs`. */
  write(token: StoredToken): Promise<void>;
  /**
   * Throws what {@link TokenStore.write} would throw for want of a key or of rights. Called before a login, which costs a TAN that
   * would be lost.
   */
  requireWritable?(): Promise<void>;
  /** Forgets the token, but only if the stored one is still `issuedAtMs` old (or always, without the argument). */
  clear(issuedAtMs?: number): Promise<void>;
  /** Runs `work` while no other process or caller holds the lock. `LOCK_TIMEOUT` (retryable) when it isn't free in time. */
  withLock<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}
