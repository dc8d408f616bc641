import { expect, test } from 'vitest';
import { createMemoryTokenStore } from '../../src/auth/index.ts';

test('gives back a copy of what was stored', async () => {
  const token = { issuedAtMs: 1, scopes: ['a'] };
  const store = createMemoryTokenStore(token);
  token.scopes.push('b');
  expect(await store.read()).toEqual({ issuedAtMs: 1, scopes: ['a'] });
  expect(await createMemoryTokenStore().read()).toBeUndefined();
});

test('a newer token, or one as old, replaces the stored one; an older one does not', async () => {
  const store = createMemoryTokenStore();
  await store.write({ issuedAtMs: 5, n: 1 });
  await store.write({ issuedAtMs: 5, n: 2 });
  await store.write({ issuedAtMs: 4, n: 3 });
  expect(await store.read()).toEqual({ issuedAtMs: 5, n: 2 });
});

test('clear forgets only the token it means, or any', async () => {
  const store = createMemoryTokenStore({ issuedAtMs: 5 });
  await store.clear(4);
  expect(await store.read()).toEqual({ issuedAtMs: 5 });
  await store.clear(5);
  await store.clear(5);
  expect(await store.read()).toBeUndefined();
  await store.write({ issuedAtMs: 6 });
  await store.clear();
  expect(await store.read()).toBeUndefined();
});

test('the lock is held by one at a time, in order; who is aborted leaves the queue', async () => {
  const store = createMemoryTokenStore();
  const order: string[] = [];
  const abort = new AbortController();
  const held = (name: string, signal?: AbortSignal) =>
    store.withLock(async () => {
      order.push(`${name} begins`);
      await new Promise(setImmediate);
      order.push(`${name} ends`);
    }, signal);
  const all = Promise.allSettled([held('a'), held('b', abort.signal), held('c')]);
  abort.abort('enough');
  expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(order).toEqual(['a begins', 'a ends', 'c begins', 'c ends']);
});
