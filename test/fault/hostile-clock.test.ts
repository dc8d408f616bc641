/** A clock that jumps, and a bank whose tokens live as long as nothing does. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createMemoryTokenStore } from '../../src/auth/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { createHttpClient } from '../../src/http/index.ts';
import { date, int64 } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';
import { ChallengeLedger, comdirect, loadComdirectConfig } from '../../src/sources/comdirect/index.ts';
import type { ComdirectOptions } from '../../src/sources/comdirect/index.ts';
import { startComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox, SandboxOptions } from '../../src/sources/comdirect/sandbox/index.ts';
import { replyJson, startChaosServer } from '../../src/testing/index.ts';
import { servePages } from './item-source.ts';
import { openShop } from './shop.ts';
import type { Shop } from './shop.ts';

const dayMs = 86_400_000;
const noon = Date.parse('2026-11-23T12:00:00Z');

let shop: Shop;
let bank: ComdirectSandbox | undefined;
beforeEach(async () => {
  shop = await openShop();
});
afterEach(async () => {
  await bank?.close();
  bank = undefined;
  await shop[Symbol.asyncDispose]();
});

/** Opens a bank, and gives options of a source that is let in and waits for nobody. */
async function openBank(options: SandboxOptions): Promise<ComdirectOptions & { readonly now: () => Date }> {
  bank = await startComdirectSandbox({ approveAfterMs: 0, historyDays: 30, accounts: 2, ...options });
  return {
    config: loadComdirectConfig(bank.environment),
    tokenStore: createMemoryTokenStore(),
    ledger: new ChallengeLedger(join(shop.database.folder, 'challenges.json')),
    login: 'push',
    rateLimit: { requestsPerSecond: 10_000 },
    now: () => bank?.now() ?? new Date(),
  };
}

describe('a clock that jumps between runs', () => {
  const schema = z.object({ id: int64(), day: date() });
  const row = (id: number): string => `{"id":${id},"day":"2026-01-0${id}"}`;

  test.each(['upsert', 'insert-only', 'scd2'] as const)(
    'by a day, back and forth, loses and doubles nothing (%s)',
    async (write) => {
      const options = { schema, primaryKey: ['id'], cursor: { column: 'day' }, write } as const;
      const pages = servePages([row(1), row(2)], [row(3)]);
      for (const [i, days] of [0, -1, 1, -1, 0].entries()) {
        const now = (): Date => new Date(noon + days * dayMs);
        const expected = {
          status: 'succeeded',
          cursors: { '': '2026-01-03' },
          ...(i > 0 && { inserted: 0, updated: 0 }),
        };
        expect(await shop.load(pages, options, { now })).toMatchObject(expected);
      }
      expect((await shop.stored()).map(({ id }) => id)).toEqual([1, 2, 3]);
    },
  );

  test('a row that is dated ahead keeps no later row out', async () => {
    const options = { schema, primaryKey: ['id'], cursor: { column: 'day' } } as const;
    const at = (day: string) => ({ now: () => new Date(`${day}T12:00:00Z`) });
    const ahead = '{"id":2,"day":"9999-12-31"}';
    expect(await shop.load(servePages([row(1), ahead]), options, at('2026-01-15'))).toMatchObject({
      inserted: 2,
      cursors: { '': '2026-01-15' },
    });
    const pages = servePages([row(1), ahead, '{"id":3,"day":"2026-01-20"}']);
    expect(await shop.load(pages, options, at('2026-03-01'))).toMatchObject({
      inserted: 1,
      unchanged: 1,
      cursors: { '': '2026-03-01' },
    });
    expect((await shop.stored()).map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  test('in the middle of a run, to either side, changes no result', async () => {
    let n = 0;
    const now = (): Date => new Date(noon + (n++ % 3) * 40 * dayMs - 40 * dayMs);
    const pages = servePages([row(1)], [row(2)], [row(3)]);
    expect(await shop.load(pages, { schema, primaryKey: ['id'] }, { now })).toMatchObject({
      status: 'succeeded',
      inserted: 3,
    });
  });
});

test.each([
  [
    'the night that loses an hour',
    ['2026-03-28T22:59:59Z', '2026-03-28T23:00:00Z', '2026-03-29T01:00:00Z', '2026-03-29T21:59:59Z'],
    ['2026-03-28', '2026-03-29'],
  ],
  [
    'the night that has an hour twice',
    [
      '2026-10-24T21:59:59Z',
      '2026-10-24T22:00:00Z',
      '2026-10-25T00:30:00Z',
      '2026-10-25T01:30:00Z',
      '2026-10-25T22:59:59Z',
    ],
    ['2026-10-24', '2026-10-25'],
  ],
  [
    'a leap day',
    ['2028-02-28T22:59:59Z', '2028-02-28T23:00:00Z', '2028-02-29T22:59:59Z', '2028-02-29T23:00:00Z'],
    ['2028-02-28', '2028-02-29', '2028-03-01'],
  ],
])(
  '%s: one snapshot of each balance for each day in Berlin, however many runs',
  async (_what, instants, days) => {
    const options = await openBank({
      now: () => new Date(instants[0] as string),
      accessTokenSeconds: 10 * 86_400,
      refreshTokenSeconds: 10 * 86_400,
    });
    for (const instant of instants) {
      const now = (): Date => new Date(instant);
      const report = await run(
        {
          source: comdirect({ ...options, now }),
          destination: sqlite(shop.database.path),
          streams: ['account_balances'],
        },
        { now },
      );
      expect(report.status).toBe('succeeded');
    }
    const snapshots = await shop.database.sql(
      'SELECT account_id, _inserted_at_day AS day FROM account_balances ORDER BY day',
    );
    expect([...new Set(snapshots.map(({ day }) => day))]).toEqual(days);
    expect(snapshots).toHaveLength(2 * days.length);
  },
);

describe('the life of a token', () => {
  const balances = (options: ComdirectOptions, offsetMs: number): Promise<unknown> => {
    const now = (): Date => new Date((bank as ComdirectSandbox).now().getTime() + offsetMs);
    return run({
      source: comdirect({ ...options, now }),
      destination: sqlite(shop.database.path),
      streams: ['account_balances'],
    });
  };

  test.each([
    ['a day behind the bank', -dayMs, 0],
    ['a day ahead of it', dayMs, 1],
    ['in 1970', -noon, 0],
    ['in 9999', Date.parse('9999-12-31T00:00:00Z') - noon, 1],
  ])(
    'this machine %s: at most one refresh a run, and the run succeeds',
    async (_what, offsetMs, refreshes) => {
      const options = await openBank({ now: () => new Date(noon) });
      await balances(options, 0);
      const before = bank?.login.refreshGrants ?? 0;
      expect(await balances(options, offsetMs)).toMatchObject({ status: 'succeeded' });
      expect((bank?.login.refreshGrants ?? 0) - before).toBe(refreshes);
      expect(bank?.login.passwordGrants).toBe(1);
    },
  );

  test.each([1e12, 1e300, 0.001])(
    'of %d s makes no storm of refreshes and no endless wait',
    async (accessTokenSeconds) => {
      const options = await openBank({
        now: () => new Date(noon),
        accessTokenSeconds: Math.max(accessTokenSeconds, 60),
        refreshTokenSeconds: 1e12,
      });
      // What the bank says, not how long it really lives.
      const said: typeof fetch = async (input, init) => {
        const response = await fetch(input, init);
        const text = (await response.text()).replace(
          /"expires_in":[\d.e+]+/,
          `"expires_in":${accessTokenSeconds}`,
        );
        return new Response(response.status === 204 ? null : text, {
          status: response.status,
          headers: response.headers,
        });
      };
      for (let i = 0; i < 3; i++)
        expect(await balances({ ...options, http: { fetch: said } }, 0)).toMatchObject({
          status: 'succeeded',
        });
      expect(bank?.login.refreshGrants).toBeLessThanOrEqual(3);
    },
  );
});

test('a rate limit survives a clock that is set back by a day: nobody waits for the difference', async () => {
  await using server = await startChaosServer(replyJson('1'));
  let nowMs = noon;
  const waits: number[] = [];
  const clock = {
    now: () => nowMs,
    sleep: async (delayMs: number): Promise<void> => {
      waits.push(delayMs);
      nowMs += delayMs;
    },
  };
  const http = createHttpClient({ baseUrl: server.url, clock, rateLimit: { requestsPerSecond: 10 } });
  for (const jumpMs of [0, -dayMs, dayMs, -dayMs]) {
    nowMs += jumpMs;
    await http.request({ path: '/' });
  }
  for (const waitMs of waits) expect(waitMs).toBeLessThanOrEqual(100);
});
