/** Keeps a token valid: one refresh among all callers and processes that share a store. */
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import { getLogger } from '../logging/index.ts';
import type { StoredToken, TokenStore } from './token-store.ts';

const log = getLogger('auth');

/** What {@link createTokenKeeper} needs to know of a login. */
export interface TokenKeeperOptions<T extends StoredToken> {
  readonly store: TokenStore;
  /** Whether the token must be refreshed before its next use. */
  needsRefresh(token: T): boolean;
  /** Sends one refresh. Throws `AUTH_EXPIRED` when the server refuses it. */
  refresh(token: T, signal?: AbortSignal): Promise<T>;
  /** Logs in anew. Absent: `AUTH_NEEDS_PERSON` is thrown instead. */
  login?: ((signal?: AbortSignal) => Promise<T>) | undefined;
  /** Says how a person can log in, for the error. */
  readonly loginHint: string;
}

/** Gives valid tokens. */
export interface TokenKeeper<T extends StoredToken> {
  /** A token that needs no refresh. Refreshes or logs in at most once a call. */
  get(signal?: AbortSignal): Promise<T>;
  /** A token other than `rejected`, which the server did not accept. */
  replace(rejected: T, signal?: AbortSignal): Promise<T>;
}

/**
 * Makes a keeper. Callers in this process share one refresh; other processes wait for it at the store's lock and then
 * find the new token there. Nothing is ever sent twice: a refresh that fails without an answer is an error for the
 * caller, because the server may have spent the old token.
 *
 * @example
 * ```ts
 * const keeper = createTokenKeeper({ store, needsRefresh, refresh, loginHint: 'run the login command' });
 * const token = await keeper.get();
 * ```
 */
export function createTokenKeeper<T extends StoredToken>(options: TokenKeeperOptions<T>): TokenKeeper<T> {
  const { store } = options;
  let inFlight: Promise<T> | undefined;
  let refusal: unknown;

  const renew = (usable: (token: T) => boolean, signal?: AbortSignal): Promise<T> => {
    inFlight ??= store
      .withLock(() => renewLocked(usable, signal), signal)
      .finally(() => {
        inFlight = undefined;
      });
    return inFlight;
  };

  const renewLocked = async (usable: (token: T) => boolean, signal?: AbortSignal): Promise<T> => {
    // Another process may have been faster.
    const stored = (await store.read()) as T | undefined;
    if (stored && usable(stored)) return stored;
    if (stored) {
      try {
        const fresh = await options.refresh(stored, signal);
        await store.write(fresh);
        log.debug('token refreshed');
        return fresh;
      } catch (error) {
        if (!isPlumbingError(error, 'AUTH_EXPIRED')) throw error;
        const again = (await store.read()) as T | undefined;
        if (again && again.issuedAtMs !== stored.issuedAtMs && usable(again)) return again;
        await store.clear(stored.issuedAtMs);
      }
    }
    return login(signal);
  };

  const login = async (signal?: AbortSignal): Promise<T> => {
    // A login that was refused is never tried again by itself: each try counts towards a lock-out.
    if (refusal !== undefined) throw refusal;
    if (!options.login) {
      throw new PlumbingError(
        'AUTH_NEEDS_PERSON',
        `there is no valid token, and a new one needs a person; ${options.loginHint}`,
      );
    }
    try {
      const token = await options.login(signal);
      await store.write(token);
      return token;
    } catch (error) {
      refusal = error;
      throw error;
    }
  };

  return {
    async get(signal) {
      const stored = (await store.read()) as T | undefined;
      if (stored && !options.needsRefresh(stored)) return stored;
      return renew((token) => !options.needsRefresh(token), signal);
    },
    replace: (rejected, signal) => renew((token) => token.issuedAtMs > rejected.issuedAtMs, signal),
  };
}
