/**
 * A process that is killed at any step of a refresh, or of the first token it stores: the token on disk is the old or the
 * new one, the lock is free, and what a later process does is right for the moment of the kill.
 */
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withProcessLock } from '../../src/auth/index.ts';
import type { StoredToken, TokenStore } from '../../src/auth/index.ts';
import {
  authenticateUserCredentials,
  ChallengeLedger,
  comdirectTokenStore,
  createComdirectTokens,
  loadComdirectConfig,
} from '../../src/sources/comdirect/index.ts';
import type { AccessTokenJson, ComdirectConfig } from '../../src/sources/comdirect/index.ts';
import { startComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import { startWorker } from './refresh-orders.ts';

let folder: string;
let bank: ComdirectSandbox;
let config: ComdirectConfig;
let store: TokenStore;
/** The token that the bank gave at the login. */
let old: StoredToken;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-kills-'));
  const day = Date.UTC(2026, 10, 23, 8);
  bank = await startComdirectSandbox({ approveAfterMs: 0, historyDays: 1, now: () => new Date(day) });
  config = loadComdirectConfig(bank.environment);
  const ledger = new ChallengeLedger(join(folder, 'ledger', 'challenges.json'));
  const now = (): number => bank.now().getTime();
  old = (await authenticateUserCredentials(config, { ledger, pollIntervalMs: 10, now })).toJSON();
  store = comdirectTokenStore(config, folder);
});

afterEach(async () => {
  await bank.close();
  rmSync(folder, { recursive: true, force: true });
});

const leftovers = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.tmp'));
const timeOf = (): { nowMs: number } => ({ nowMs: bank.now().getTime() });

/** The lock that the dead process held. */
async function lockState(): Promise<string> {
  const lock = readdirSync(folder).find((name) => name.endsWith('.token.lock')) as string;
  return withProcessLock(join(folder, lock), async () => 'free', { timeoutMs: 0 });
}

/** Another process asks for a token; `ok` or an error code. */
async function nextProcess(): Promise<string> {
  const tokens = createComdirectTokens({ config, tokenStore: store, now: () => bank.now().getTime() });
  return tokens.get().then(
    () => 'ok',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  );
}

/** What a dead process left behind is private, and is removed by a later write once it is old enough to be dead for sure. */
async function expectCleaning(): Promise<void> {
  for (const name of leftovers()) {
    expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
    utimesSync(join(folder, name), new Date(0), new Date(0));
  }
  await store.write({ ...old, issuedAtMs: Number.MAX_SAFE_INTEGER });
  expect(leftovers()).toEqual([]);
}

describe('a process that dies in a refresh', () => {
  /** The steps, and what the kill leaves: whether the refresh token is still good, and whether the new one is stored. */
  const steps = [
    ['token.refreshing', 'nothing was sent'],
    ['token.refreshed', 'the answer is lost'],
    ['file.created', 'the answer is lost'],
    ['file.written', 'the answer is lost'],
    ['file.synced', 'the answer is lost'],
    ['file.renamed', 'the new token is stored'],
    ['token.stored', 'the new token is stored'],
  ] as const;

  test('passes the steps that the tests below kill it at, and no others', async () => {
    await store.write(old);
    bank.advance(700_000);
    const worker = await startWorker(folder, bank.environment);
    expect(await worker.obey(timeOf())).toMatchObject({
      outcomes: ['ok', 'ok'],
      passed: steps.map(([name]) => name),
    });
    await worker.stop();
  });

  test.each(steps)('at %s: %s, and the next process acts on it', async (killAt, left) => {
    await store.write(old);
    bank.advance(700_000);
    const worker = await startWorker(folder, bank.environment, killAt);
    expect(await worker.obey(timeOf())).toBe('killed');

    expect(await lockState()).toBe('free');
    const stored = (await store.read()) as AccessTokenJson;
    if (left === 'the new token is stored') expect(stored.issuedAtMs).toBeGreaterThan(old.issuedAtMs);
    else expect(stored).toEqual(old);

    if (left === 'the answer is lost') {
      // Nobody has the new token any more: a person is asked for, and the bank is asked no more than once.
      const hint = /^AUTH_NEEDS_PERSON: .*plumbing auth comdirect login/;
      for (let i = 0; i < 3; i++) expect(await nextProcess()).toMatch(hint);
      expect(bank.login.refreshGrants).toBe(2);
      expect(await store.read()).toBeUndefined();
    } else {
      expect(await nextProcess()).toBe('ok');
      expect(bank.login.refreshGrants).toBe(1);
    }
    await expectCleaning();
  });
});

describe('a process that dies while it makes the key and stores its first token', () => {
  const steps = ['key.drafted', 'key.made', 'file.created', 'file.written', 'file.synced', 'file.renamed'];

  test('passes the steps that the tests below kill it at, and no others', async () => {
    const worker = await startWorker(folder, bank.environment);
    expect(await worker.obey({ ...timeOf(), store: old })).toEqual({ outcomes: ['ok'], passed: steps });
    await worker.stop();
  });

  test.each(steps)(
    'at %s: there is no token or a whole one, and the next one can be stored',
    async (killAt) => {
      const worker = await startWorker(folder, bank.environment, killAt);
      expect(await worker.obey({ ...timeOf(), store: old })).toBe('killed');
      expect(await lockState()).toBe('free');
      expect(await store.read()).toEqual(killAt === 'file.renamed' ? old : undefined);
      const next = { ...old, issuedAtMs: old.issuedAtMs + 1 };
      await store.write(next);
      expect(await store.read()).toEqual(next);
      await expectCleaning();
    },
  );
});
