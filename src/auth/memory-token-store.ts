import { untilAborted } from '../http/index.ts';
import type { StoredToken, TokenStore } from './token-store.ts';

/**
 * A token store that lasts as long as the process. Tokens are kept as JSON, so it gives back what a file would. `withLock`
 * serves callers in order and without a time limit; one that is aborted leaves the queue at once.
 *
 * @example
 * ```ts
 * const source = comdirect({ tokenStore: createMemoryTokenStore(), login: 'interactive' });
 * ```
 */
export function createMemoryTokenStore(initial?: StoredToken): TokenStore {
  let stored = initial && JSON.stringify(initial);
  let queue: Promise<void> = Promise.resolve();
  const read = (): StoredToken | undefined =>
    stored === undefined ? undefined : (JSON.parse(stored) as StoredToken);
  return {
    read: async () => read(),
    async write(token) {
      if (token.issuedAtMs >= (read()?.issuedAtMs ?? token.issuedAtMs)) stored = JSON.stringify(token);
    },
    async clear(issuedAtMs) {
      if (issuedAtMs === undefined || read()?.issuedAtMs === issuedAtMs) stored = undefined;
    },
    async withLock(work, signal) {
      const turn = queue;
      const done = Promise.withResolvers<void>();
      queue = turn.then(() => done.promise);
      try {
        await untilAborted(turn, signal);
        signal?.throwIfAborted();
        return await work();
      } finally {
        done.resolve();
      }
    },
  };
}
