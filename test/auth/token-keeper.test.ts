import { describe, expect, test, vi } from 'vitest';
import { createMemoryTokenStore, createTokenKeeper } from '../../src/auth/index.ts';
import type { StoredToken, TokenStore } from '../../src/auth/index.ts';
import { PlumbingError } from '../../src/errors/index.ts';

interface Token extends StoredToken {
  readonly expired: boolean;
}
const token = (issuedAtMs: number, expired = false): Token => ({ issuedAtMs, expired });

function keeper(
  store: TokenStore,
  more: { refresh?: (old: Token) => Promise<Token>; login?: () => Promise<Token> } = {},
) {
  const calls: string[] = [];
  const made = createTokenKeeper<Token>({
    store,
    needsRefresh: ({ expired }) => expired,
    async refresh(old) {
      calls.push(`refresh ${old.issuedAtMs}`);
      await new Promise(setImmediate);
      return more.refresh ? more.refresh(old) : token(old.issuedAtMs + 1);
    },
    ...(more.login && {
      login: async () => {
        calls.push('login');
        return (more.login as () => Promise<Token>)();
      },
    }),
    loginHint: 'run the login command',
  });
  return { ...made, calls };
}
const refused = (): Promise<never> =>
  Promise.reject(new PlumbingError('AUTH_EXPIRED', 'refresh token spent'));

describe('a valid token', () => {
  test('is given as it is, and nothing is sent', async () => {
    const { get, calls } = keeper(createMemoryTokenStore(token(1)));
    expect(await get()).toEqual(token(1));
    expect(calls).toEqual([]);
  });

  test('is given while another holds the lock', async () => {
    const store = createMemoryTokenStore(token(1));
    const held = Promise.withResolvers<void>();
    const other = store.withLock(() => held.promise);
    expect(await keeper(store).get()).toEqual(token(1));
    held.resolve();
    await other;
  });
});

describe('a token that has expired', () => {
  test('is refreshed once for all who ask at the same time, and stored', async () => {
    const store = createMemoryTokenStore(token(1, true));
    const { get, calls } = keeper(store);
    const tokens = await Promise.all([get(), get(), get()]);
    expect(tokens).toEqual([token(2), token(2), token(2)]);
    expect(calls).toEqual(['refresh 1']);
    expect(await store.read()).toEqual(token(2));
  });

  test('is not refreshed again when another process did so while this one waited for the lock', async () => {
    const store = createMemoryTokenStore(token(1, true));
    const { get, calls } = keeper(store);
    const other = store.withLock(async () => {
      await new Promise(setImmediate);
      await store.write(token(7));
    });
    expect(await get()).toEqual(token(7));
    await other;
    expect(calls).toEqual([]);
  });

  test('that the server still gives as expired does not start a storm: one refresh a call', async () => {
    const { get, calls } = keeper(createMemoryTokenStore(token(1, true)), {
      refresh: async (old) => token(old.issuedAtMs + 1, true),
    });
    await get();
    expect(calls).toEqual(['refresh 1']);
  });

  test('whose refresh got no answer is kept: the error goes to the caller, nothing is sent again', async () => {
    const store = createMemoryTokenStore(token(1, true));
    const { get, calls } = keeper(store, {
      refresh: () => Promise.reject(new PlumbingError('HTTP_NETWORK', 'gone', { retryable: true })),
    });
    await expect(get()).rejects.toMatchObject({ code: 'HTTP_NETWORK' });
    expect(calls).toEqual(['refresh 1']);
    expect(await store.read()).toEqual(token(1, true));
  });

  test('whose refresh is refused is forgotten, and a person is asked for', async () => {
    const store = createMemoryTokenStore(token(1, true));
    const { get } = keeper(store, { refresh: refused });
    await expect(get()).rejects.toMatchObject({
      code: 'AUTH_NEEDS_PERSON',
      message: expect.stringContaining('run the login command') as string,
    });
    expect(await store.read()).toBeUndefined();
  });

  test('whose refresh is refused because another process was faster: that one is used', async () => {
    const store = createMemoryTokenStore(token(1, true));
    const { get } = keeper(store, {
      async refresh() {
        await store.write(token(9));
        return refused();
      },
    });
    expect(await get()).toEqual(token(9));
    expect(await store.read()).toEqual(token(9));
  });

  test('whose refresh is refused while another process got one that looks stale: that one is used, once', async () => {
    const store = createMemoryTokenStore(token(1, true));
    const { get, calls } = keeper(store, {
      async refresh() {
        await store.write(token(9, true));
        return refused();
      },
    });
    expect(await get()).toEqual(token(9, true));
    expect(calls).toEqual(['refresh 1']);
  });

  test('is in the store until the new one takes its place', async () => {
    const store = createMemoryTokenStore(token(1, true));
    const clears: unknown[] = [];
    const watched: TokenStore = {
      ...store,
      async clear(issuedAtMs) {
        clears.push(issuedAtMs);
        await store.clear(issuedAtMs);
      },
    };
    for (const next of [token(1, true), token(2)]) {
      expect(await keeper(watched, { refresh: async () => next }).get()).toEqual(next);
    }
    expect(clears).toEqual([]);
  });
});

describe('no token', () => {
  test('and no login: a person is asked for', async () => {
    await expect(keeper(createMemoryTokenStore()).get()).rejects.toMatchObject({
      code: 'AUTH_NEEDS_PERSON',
      message: 'there is no valid token, and a new one needs a person; run the login command',
    });
  });

  test('and a login: once for all, and stored', async () => {
    const store = createMemoryTokenStore();
    const { get, calls } = keeper(store, { login: async () => token(3) });
    expect(await Promise.all([get(), get()])).toEqual([token(3), token(3)]);
    expect(calls).toEqual(['login']);
    expect(await store.read()).toEqual(token(3));
  });

  test('a store that could not keep its token ends a login before it costs a TAN', async () => {
    const store: TokenStore = {
      ...createMemoryTokenStore(),
      requireWritable: () => Promise.reject(new PlumbingError('TOKEN_STORE_UNSAFE', 'others may read it')),
    };
    const { get, calls } = keeper(store, { login: async () => token(3) });
    await expect(get()).rejects.toMatchObject({ code: 'TOKEN_STORE_UNSAFE' });
    expect(calls).toEqual([]);
  });

  test('a login that was refused is never tried again by itself', async () => {
    const { get, calls } = keeper(createMemoryTokenStore(), {
      login: () => Promise.reject(new PlumbingError('AUTH_REJECTED', 'wrong PIN')),
    });
    await expect(get()).rejects.toMatchObject({ code: 'AUTH_REJECTED' });
    await expect(get()).rejects.toMatchObject({ code: 'AUTH_REJECTED' });
    expect(calls).toEqual(['login']);
  });
});

describe('a token that the server did not accept', () => {
  test('is replaced by one refresh', async () => {
    const { replace, calls } = keeper(createMemoryTokenStore(token(1)));
    expect(await replace(token(1))).toEqual(token(2));
    expect(calls).toEqual(['refresh 1']);
  });

  test('is replaced by the stored one when that is newer', async () => {
    const { replace, calls } = keeper(createMemoryTokenStore(token(4)));
    expect(await replace(token(1))).toEqual(token(4));
    expect(calls).toEqual([]);
  });
});

describe('a caller who is aborted', () => {
  test('leaves at once with the reason; the others get the token of the same refresh', async () => {
    const answer = Promise.withResolvers<Token>();
    const tokens = keeper(createMemoryTokenStore(token(1, true)), { refresh: () => answer.promise });
    const abort = new AbortController();
    const first = tokens.get(abort.signal);
    const second = tokens.get();
    await expect.poll(() => tokens.calls.length).toBe(1);
    abort.abort('enough');
    await expect(first).rejects.toBe('enough');
    answer.resolve(token(2));
    expect(await second).toEqual(token(2));
    expect(tokens.calls).toEqual(['refresh 1']);
  });

  test('and was the only one: the refresh goes on, and its answer is stored', async () => {
    const store = createMemoryTokenStore(token(1, true));
    const answer = Promise.withResolvers<Token>();
    const signals: (AbortSignal | undefined)[] = [];
    const tokens = createTokenKeeper<Token>({
      store,
      needsRefresh: ({ expired }) => expired,
      refresh: (_old, signal) => {
        signals.push(signal);
        return answer.promise;
      },
      loginHint: '',
    });
    const abort = new AbortController();
    const only = tokens.get(abort.signal);
    await expect.poll(() => signals.length).toBe(1);
    abort.abort('enough');
    await expect(only).rejects.toBe('enough');
    expect(signals[0]?.aborted).toBe(false);
    answer.resolve(token(2));
    expect(await tokens.get()).toEqual(token(2));
    expect(signals).toHaveLength(1);
    expect(await store.read()).toEqual(token(2));
  });

  test('and was the only one: a refresh without an answer is given up some seconds later, with the reason', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      const started = Promise.withResolvers<AbortSignal | undefined>();
      const tokens = createTokenKeeper<Token>({
        store: createMemoryTokenStore(token(1, true)),
        needsRefresh: ({ expired }) => expired,
        refresh(_old, signal) {
          started.resolve(signal);
          return new Promise(() => undefined);
        },
        loginHint: '',
      });
      const abort = new AbortController();
      const only = tokens.get(abort.signal);
      const signal = await started.promise;
      abort.abort('enough');
      await expect(only).rejects.toBe('enough');
      vi.advanceTimersByTime(4_000);
      expect(signal?.aborted).toBe(false);
      vi.advanceTimersByTime(2_000);
      expect(signal?.reason).toBe('enough');
    } finally {
      vi.useRealTimers();
    }
  });

  test('while it waits for the lock sends nothing', async () => {
    const store = createMemoryTokenStore(token(1, true));
    const tokens = keeper(store);
    const held = Promise.withResolvers<void>();
    const other = store.withLock(() => held.promise);
    const abort = new AbortController();
    const waiting = tokens.get(abort.signal);
    setImmediate(() => abort.abort('enough'));
    await expect(waiting).rejects.toBe('enough');
    held.resolve();
    await other;
    await store.withLock(async () => undefined);
    expect(tokens.calls).toEqual([]);
  });

  test('leaves a login at once as well', async () => {
    const tokens = keeper(createMemoryTokenStore(), { login: () => new Promise(() => undefined) });
    const abort = new AbortController();
    const only = tokens.get(abort.signal);
    await expect.poll(() => tokens.calls.length).toBe(1);
    abort.abort('enough');
    await expect(only).rejects.toBe('enough');
  });

  test('in the middle of a login has it not begun again by whoever asks next', async () => {
    const calls: string[] = [];
    const tokens = createTokenKeeper<Token>({
      store: createMemoryTokenStore(),
      needsRefresh: () => false,
      refresh: refused,
      login: (signal) => {
        calls.push('login');
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      },
      loginHint: 'run the login command',
    });
    const abort = new AbortController();
    const only = tokens.get(abort.signal);
    await expect.poll(() => calls.length).toBe(1);
    abort.abort('enough');
    await expect(only).rejects.toBe('enough');
    await expect(tokens.get()).rejects.toMatchObject({
      code: 'AUTH_NEEDS_PERSON',
      message: 'the login was broken off; run the login command',
    });
    expect(calls).toEqual(['login']);
  });
});

describe('callers who want different things at the same time', () => {
  test('a rejected token is never the answer, even while another caller is content with it', async () => {
    const store = createMemoryTokenStore(token(1));
    let isStale = true;
    const tokens = createTokenKeeper<Token>({
      store,
      needsRefresh: ({ issuedAtMs }) => issuedAtMs === 1 && isStale,
      refresh: async (old) => token(old.issuedAtMs + 1),
      loginHint: '',
    });
    const held = Promise.withResolvers<void>();
    const other = store.withLock(() => held.promise);
    const content = tokens.get();
    await new Promise(setImmediate);
    const rejecting = tokens.replace(token(1));
    isStale = false;
    held.resolve();
    await other;
    expect(await content).toEqual(token(1));
    expect(await rejecting).toEqual(token(2));
  });
});

describe('a clock that was set back', () => {
  test('does not keep the spent token in the place of the new one', async () => {
    const store = createMemoryTokenStore(token(1_000_000, true));
    const tokens = keeper(store, { refresh: async () => token(5) });
    expect(await tokens.get()).toEqual(token(5));
    expect(await store.read()).toEqual(token(5));
  });

  test('does not start a refresh in place of the token that another process got', async () => {
    const tokens = keeper(createMemoryTokenStore(token(5)));
    expect(await tokens.replace(token(1_000_000))).toEqual(token(5));
    expect(tokens.calls).toEqual([]);
  });
});
