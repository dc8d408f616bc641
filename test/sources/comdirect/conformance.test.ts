import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { createMemoryTokenStore } from '../../../src/auth/index.ts';
import { sqlite } from '../../../src/destinations/sqlite/index.ts';
import { ChallengeLedger, comdirect, loadComdirectConfig } from '../../../src/sources/comdirect/index.ts';
import { startComdirectSandbox } from '../../../src/sources/comdirect/sandbox/index.ts';
import type { Fault } from '../../../src/sources/comdirect/sandbox/index.ts';
import { sourceConformance } from '../../../src/testing/index.ts';
import type { SourceFault } from '../../../src/testing/index.ts';

const bank = await startComdirectSandbox({
  approveAfterMs: 0,
  historyDays: 200,
  accounts: 2,
  now: () => new Date('2026-11-23T09:00:00Z'),
});
const state = await mkdtemp(join(tmpdir(), 'plumbing-comdirect-'));
afterAll(async () => {
  await bank.close();
  await rm(state, { recursive: true });
});
const ledger = new ChallengeLedger(join(state, 'challenges.json'));
const config = loadComdirectConfig(bank.environment);
// One login for all runs, as the token file of a person gives it.
const tokenStore = createMemoryTokenStore();

const overcome: readonly Fault[] = [
  { kind: 'status', status: 503, times: 2, path: '/transactions' },
  { kind: 'status', status: 429, retryAfter: '0', path: '/balances' },
  { kind: 'truncated', shape: 'length', path: '/transactions' },
  { kind: 'truncated', shape: 'clean', path: '/transactions' },
  { kind: 'reset', path: '/transactions' },
  { kind: 'expired-token', path: '/transactions' },
];
const lasting: readonly Fault[] = [
  { kind: 'status', status: 500, times: 0, path: '/transactions' },
  { kind: 'status', status: 404, times: 0, path: '/balances' },
  { kind: 'latin1', times: 0, path: '/transactions' },
  { kind: 'html', times: 0, path: '/transactions' },
  { kind: 'truncated', shape: 'length', times: 0, path: '/transactions' },
  { kind: 'redirect', location: 'http://127.0.0.1:9/', times: 0, path: '/transactions' },
];
const faultOf = (fault: Fault, isOvercome: boolean): SourceFault => ({
  name: JSON.stringify(fault),
  isOvercome,
  begin() {
    bank.inject(fault);
    return () => bank.clearFaults();
  },
});

const target = {
  makeSource: () =>
    comdirect({
      config,
      ledger,
      tokenStore,
      login: 'push',
      rateLimit: { requestsPerSecond: 10_000 },
      http: { retry: { baseDelayMs: 1, maxDelayMs: 5 } },
      now: () => bank.now(),
    }),
  makeDestination: (folder: string) => sqlite(join(folder, 'test.db')),
  faults: [
    ...overcome.map((fault) => faultOf(fault, true)),
    ...lasting.map((fault) => faultOf(fault, false)),
  ],
  secrets: [bank.credentials.clientSecret, bank.credentials.password],
};

for (const { id, title, run } of sourceConformance(target)) test(`${id}: ${title}`, run, 60_000);
