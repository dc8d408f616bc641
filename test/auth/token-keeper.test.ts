import { describe, expect, test } from 'vitest';
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
});

describe('no token', () => {
  test('and no login: a person is asked for', async () => {
    await expect(keeper(createMemoryTokenStore()).get()).rejects.toMatchObject({ code: 'AUTH_NEEDS_PERSON' });
  });

  test('and a login: once for all, and stored', async () => {
    const store = createMemoryTokenStore();
    const { get, calls } = keeper(store, { login: async () => token(3) });
    expect(await Promise.all([get(), get()])).toEqual([token(3), token(3)]);
    expect(calls).toEqual(['login']);
    expect(await store.read()).toEqual(token(3));
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
