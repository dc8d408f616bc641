import type { StoredToken, TokenStore } from './token-store.ts';

/**
 * A token store that lasts as long as the process.
 *
 * @example
 * ```ts
 * const source = comdirect({ tokenStore: createMemoryTokenStore(), login: 'interactive' });
 * ```
 */
export function createMemoryTokenStore(initial?: StoredToken): TokenStore {
  let stored = initial;
  let queue: Promise<unknown> = Promise.resolve();
  return {
    read: async () => stored,
    async write(token) {
      if (!stored || token.issuedAtMs >= stored.issuedAtMs) stored = token;
    },
    async clear(issuedAtMs) {
      if (issuedAtMs === undefined || stored?.issuedAtMs === issuedAtMs) stored = undefined;
    },
    withLock(work, signal) {
      const turn = queue.then(() => {
        signal?.throwIfAborted();
        return work();
      });
      queue = turn.catch(() => undefined);
      return turn;
    },
  };
}
