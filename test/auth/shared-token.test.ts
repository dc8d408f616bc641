/** Several processes, one token that the server rotates: each refresh token is good for one use. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFileTokenStore } from '../../src/auth/index.ts';
import { Secret } from '../../src/logging/index.ts';
import { startChaosServer } from '../../src/testing/index.ts';
import type { ChaosServer } from '../../src/testing/index.ts';

let folder: string;
let server: ChaosServer;
let current: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-shared-'));
  server = await startChaosServer((response, { body }) => {
    if (new URLSearchParams(body).get('refresh_token') !== current) return response.writeHead(400).end();
    current = `token-${server.seen.length}`;
    const token = { issuedAtMs: server.seen.length, refreshToken: current, expired: false };
    // Long enough for the others to come and to find the lock taken.
    return setTimeout(() => response.end(JSON.stringify(token)), 100);
  });
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

test('of three processes that need a new token at once, one refreshes and all use its token', async () => {
  const path = join(folder, 'bank.token');
  for (let round = 0; round < 3; round++) {
    const store = createFileTokenStore({ path, context: 'bank', key: new Secret('ab'.repeat(32)) });
    current = `round-${round}`;
    await store.clear();
    await store.write({ issuedAtMs: 0, refreshToken: current, expired: true });
    const before = server.seen.length;
    const children = await Promise.all([1, 2, 3].map(() => startWorker(path)));
    const outcomes = await Promise.all(
      children.map(async (child) => {
        child.send('go');
        return ((await once(child, 'message')) as [string[]])[0];
      }),
    );
    expect(new Set(outcomes.flat())).toEqual(new Set([current]));
    expect(server.seen.length - before).toBe(1);
  }
});

async function startWorker(path: string): Promise<ChildProcess> {
  const child = fork(new URL('./refresh-worker.ts', import.meta.url), [path, server.url]);
  await once(child, 'message');
  return child;
}
