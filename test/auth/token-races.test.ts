/**
 * Several processes, one login, at a bank that ends the whole session when a spent refresh token is used again: the most
 * frequent way in which real programs lose their login.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TokenStore } from '../../src/auth/index.ts';
import {
  authenticateUserCredentials,
  ChallengeLedger,
  comdirectTokenStore,
  loadComdirectConfig,
} from '../../src/sources/comdirect/index.ts';
import type { AccessTokenJson } from '../../src/sources/comdirect/index.ts';
import { startComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import { startWorker } from './refresh-orders.ts';
import type { Worker } from './refresh-orders.ts';

const rounds = 50;
let folder: string;
let bank: ComdirectSandbox;
let store: TokenStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-races-'));
  const day = Date.UTC(2026, 10, 23, 8);
  bank = await startComdirectSandbox({
    revokeOnReuse: true,
    approveAfterMs: 0,
    historyDays: 1,
    now: () => new Date(day),
  });
  const config = loadComdirectConfig(bank.environment);
  const token = await authenticateUserCredentials(config, {
    ledger: new ChallengeLedger(join(folder, 'challenges.json')),
    pollIntervalMs: 10,
    now: () => bank.now().getTime(),
  });
  store = comdirectTokenStore(config, folder);
  await store.write(token.toJSON());
});

afterEach(async () => {
  await bank.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The token has died of age: every process knows it by its clock. */
function grow(): void {
  bank.advance(700_000);
}

/** The token dies before its time: every process learns it from a 401. */
async function voidToken(): Promise<void> {
  bank.inject({ kind: 'expired-token', path: '/balances' });
  const { accessToken } = (await store.read()) as AccessTokenJson;
  const url = `${bank.url}/api/banking/clients/user/v1/accounts/balances`;
  const headers = { authorization: `Bearer ${accessToken}`, accept: 'application/json' };
  await fetch(url, { headers }).then((response) => response.arrayBuffer());
}

test(`in ${rounds} rounds, of two to eight processes that need a new token at once exactly one refreshes, and all have a valid one`, async () => {
  const workers = await Promise.all(Array.from({ length: 8 }, () => startWorker(folder, bank.environment)));
  try {
    for (let round = 0; round < rounds; round++) {
      if (round % 2 === 0) grow();
      else await voidToken();
      // Long enough for the others to come and to find the lock taken, in most rounds.
      bank.inject({ kind: 'slow', part: 'headers', delayMs: (round * 7) % 40, path: '/oauth/token' });
      const before = bank.login.refreshGrants;
      // Who takes part changes, so that some come with a token of many rounds ago.
      const chosen = Array.from({ length: 2 + (round % 7) }, (_, i) => workers[(round + i) % 8] as Worker);
      const order = { nowMs: bank.now().getTime() };
      const reports = await Promise.all(chosen.map((worker) => worker.obey(order)));
      expect(bank.login.refreshGrants - before, `refreshes of round ${round}`).toBe(1);
      for (const report of reports) expect(report).toMatchObject({ outcomes: ['ok', 'ok'] });
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}, 60_000);
