/** Keeps a token valid: one refresh among all callers and processes that share a store. */
import { isDeepStrictEqual } from 'node:util';
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import { failpoint } from '../failpoints/index.ts';
import { getLogger } from '../logging/index.ts';
import { SharedFlight } from './shared-flight.ts';
import type { StoredToken, TokenStore } from './token-store.ts';

const log = getLogger('auth');

/** How long a refresh goes on when nobody waits for it any more: its answer may have voided the stored token. */
const graceMs = 5_000;

/** What {@link createTokenKeeper} needs to know of a login. */
export interface TokenKeeperOptions<T extends StoredToken> {
  readonly store: TokenStore;
  /** Whether the token must be refreshed before its next use. */
  needsRefresh(token: T): boolean;
  /**
   * Sends one refresh. Throws `AUTH_EXPIRED` when the server refuses it. The signal aborts some seconds after the last
   * caller stopped waiting, so that an answer on its way is still stored.
   */
  refresh(token: T, signal?: AbortSignal): Promise<T>;
  /** Logs in anew. Absent: `AUTH_NEEDS_PERSON` is thrown instead. The signal aborts when the last caller stopped waiting. */
  login?: ((signal?: AbortSignal) => Promise<T>) | undefined;
  /** Says how a person can log in, for the error. */
  readonly loginHint: string;
}

/** Gives valid tokens. */
export interface TokenKeeper<T extends StoredToken> {
  /**
   * A token that needs no refresh. Refreshes or logs in at most once a call, and gives a token that was just refreshed
   * even if it looks stale by this machine's clock. `signal` ends this caller's wait only, with its reason.
   */
  get(signal?: AbortSignal): Promise<T>;
  /** A token other than `rejected`, which the server did not accept. Otherwise as {@link TokenKeeper.get}. */
  replace(rejected: T, signal?: AbortSignal): Promise<T>;
}

/** A token, and whether it came from outside just now: then it is the best there is. */
interface Outcome<T> {
  readonly token: T;
  readonly isNew: boolean;
}

/**
 * Makes a keeper. Callers in this process share one refresh; other processes wait for it at the store's lock and then
 * find the new token there. Nothing is ever sent twice: a refresh that fails without an answer is an error for the
 * caller, because the server may have spent the old token. A new token is stored, durably, before it is given out.
 *
 * @example
 * ```ts
 * const keeper = createTokenKeeper({ store, needsRefresh, refresh, loginHint: 'run the login command' });
 * const token = await keeper.get();
 * ```
 */
export function createTokenKeeper<T extends StoredToken>(options: TokenKeeperOptions<T>): TokenKeeper<T> {
  const { store } = options;
  const flight = new SharedFlight<Outcome<T>>();
  let refusal: unknown;

  const read = async (): Promise<T | undefined> => (await store.read()) as T | undefined;

  const renew = async (isUsable: (token: T) => boolean, signal?: AbortSignal): Promise<T> => {
    for (;;) {
      signal?.throwIfAborted();
      const { token, isNew } = await flight.join(
        (shared) => store.withLock(() => renewLocked(isUsable, shared), shared),
        signal,
      );
      // The flight may have been begun by a caller who asked for less.
      if (isNew || isUsable(token)) return token;
    }
  };

  const renewLocked = async (isUsable: (token: T) => boolean, signal: AbortSignal): Promise<Outcome<T>> => {
    // Another process may have been faster.
    const stored = await read();
    if (!stored) return login(signal);
    if (isUsable(stored)) return { token: stored, isNew: false };
    signal.throwIfAborted();
    try {
      failpoint('token.refreshing');
      const fresh = await options.refresh(stored, delayed(signal, graceMs));
      failpoint('token.refreshed');
      log.debug('token refreshed');
      return await keep(fresh, stored);
    } catch (error) {
      if (!isPlumbingError(error, 'AUTH_EXPIRED')) throw error;
    }
    const again = await read();
    if (again && !isSame(again, stored)) return { token: again, isNew: true };
    await store.clear(stored.issuedAtMs);
    return login(signal);
  };

  const keep = async (token: T, spent?: T): Promise<Outcome<T>> => {
    // After the clock was set back the spent token would count as the newer one, and stay.
    if (spent && spent.issuedAtMs > token.issuedAtMs) await store.clear(spent.issuedAtMs);
    await store.write(token);
    failpoint('token.stored');
    return { token, isNew: true };
  };

  const login = async (signal: AbortSignal): Promise<Outcome<T>> => {
    // A login that was refused is never tried again by itself: each try counts towards a lock-out.
    if (refusal !== undefined) throw refusal;
    if (!options.login) {
      throw needsPerson('there is no valid token, and a new one needs a person', options.loginHint);
    }
    await store.requireWritable?.();
    try {
      return await keep(await options.login(signal));
    } catch (error) {
      refusal = signal.aborted ? needsPerson('the login was broken off', options.loginHint) : error;
      throw error;
    }
  };

  return {
    async get(signal) {
      signal?.throwIfAborted();
      const stored = await read();
      if (stored && !options.needsRefresh(stored)) return stored;
      return renew((token) => !options.needsRefresh(token), signal);
    },
    replace: (rejected, signal) =>
      renew((token) => !isSame(token, rejected) && !options.needsRefresh(token), signal),
  };
}

function needsPerson(what: string, hint: string): PlumbingError {
  return new PlumbingError('AUTH_NEEDS_PERSON', `${what}; ${hint}`);
}

/** Not by `issuedAtMs` alone: clocks are set back, and two tokens may be of one millisecond. A store may give fields in another order. */
function isSame(a: StoredToken, b: StoredToken): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
}

/** A signal that aborts `delayMs` after `signal` does. Waiting for it keeps no process alive. */
function delayed(signal: AbortSignal, delayMs: number): AbortSignal {
  const controller = new AbortController();
  signal.addEventListener('abort', () => {
    setTimeout(() => controller.abort(signal.reason), delayMs).unref();
  });
  return controller.signal;
}
