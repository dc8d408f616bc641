/** Requests and answers that come late: every row once, no load half seen, no branch left. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import { defineSource, defineStream, int64, run, unique } from '../../../src/index.ts';
import type { Check, RunReport } from '../../../src/index.ts';
import { startProxy } from '../../iceberg/s3-proxy.ts';
import type { Delay, Fate, Proxy } from '../../iceberg/s3-proxy.ts';
import { startServer } from './server.ts';
import type { TestServer } from './server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  // The first requests to a cold server are slower than the timeouts of these tests.
  for (const checks of [[], [holds]]) await new Place().load(1, { checks });
}, 540_000);
afterAll(() => server?.close());

const timeoutMs = 1_500;
const holds = unique('log', ['id']);
const checksOf: readonly (readonly [string, readonly Check[]])[] = [
  ['without checks', []],
  ['with checks', [holds]],
];

let serial = 0;
/** A namespace of its own, with one table that is merged by its key and one that is appended to by its cursor. */
class Place {
  readonly options: NessieOptions = { ...server.options, namespace: `late${serial++}` };

  /** Loads the rows 1 to `last`, as far as they are new. */
  load(last: number, { checks = [], proxy }: LoadOptions = {}): Promise<RunReport> {
    const ids = Array.from({ length: last }, (_, index) => index + 1);
    const schema = z.object({ id: int64() });
    const orders = defineStream({
      name: 'orders',
      schema,
      primaryKey: ['id'],
      write: 'upsert',
      async *read() {
        yield ids.map((id) => ({ id }));
      },
    });
    const log = defineStream({
      name: 'log',
      schema,
      write: 'append',
      cursor: { column: 'id' },
      async *read({ from }) {
        yield ids.filter((id) => from === undefined || id > Number(from)).map((id) => ({ id }));
      },
    });
    const options = proxy ? { ...this.options, uri: proxy.endpoint, timeoutMs } : this.options;
    return run({
      source: defineSource({ name: 'shop', streams: [orders, log] }),
      destination: nessie(options),
      checks,
    });
  }

  async ids(table: string, ref = 'main'): Promise<unknown[]> {
    const session = await nessie({ ...this.options, ref }).open({ readOnly: true });
    try {
      if (!(await session.reader.tables()).includes(table)) return [];
      const found: unknown[] = [];
      for await (const { id } of session.reader.readRows(table, { orderBy: ['id'] })) found.push(id);
      return found;
    } finally {
      await session.close();
    }
  }

  /** What readers of main could see since a commit, oldest first. */
  async history(since: string): Promise<(readonly [unknown[], unknown[]])[]> {
    const { logEntries } = await api<{ logEntries: { commitMeta: { hash: string } }[] }>(
      'trees/main/history',
    );
    const hashes = logEntries.map(({ commitMeta }) => commitMeta.hash);
    const seen: (readonly [unknown[], unknown[]])[] = [];
    for (const hash of hashes.slice(0, hashes.indexOf(since)).toReversed()) {
      const ref = `main@${hash}`;
      seen.push([await this.ids('orders', ref), await this.ids('log', ref)]);
    }
    return seen;
  }
}

interface LoadOptions {
  readonly checks?: readonly Check[];
  readonly proxy?: Proxy;
}

async function api<T>(path: string): Promise<T> {
  return (await (await fetch(`${server.uri}/api/v2/${path}`)).json()) as T;
}

async function mainHash(): Promise<string> {
  return (await api<{ reference: { hash: string } }>('trees/main')).reference.hash;
}

async function branches(): Promise<string[]> {
  const { references } = await api<{ references: { name: string }[] }>('trees');
  return references.map(({ name }) => name);
}

/** The lookup of a commit comes a second after the timeout, the last one of a merge after 2.5 seconds. */
const delays: readonly (readonly [string, Delay, number])[] = [
  ['comes before it is looked up', { requestAfterMs: timeoutMs + 400 }, 1],
  ['comes just when it is looked up', { requestAfterMs: timeoutMs + 1_020 }, 1],
  ['comes when another is under way', { requestAfterMs: timeoutMs + 2_600 }, 1],
  ['comes when the load is over', { requestAfterMs: 9_000 }, 1],
  ['comes late, and the next as well', { requestAfterMs: timeoutMs + 2_000 }, 2],
  ['is answered too late', { answerAfterMs: timeoutMs + 2_000 }, 1],
  ['comes and is answered too late', { requestAfterMs: timeoutMs + 1_100, answerAfterMs: 2_000 }, 1],
];

describe.each([
  ['a commit', /^POST .*transactions\/commit/, []],
  ['a commit on a branch', /^POST .*\/v1\/plumbing_.*transactions\/commit/, [holds]],
  ['a merge', /^POST .*history\/merge/, [holds]],
  ['the making of a branch', /^POST .*trees\?/, [holds]],
  ['the removal of a branch', /^DELETE .*trees/, [holds]],
] as const)('%s that', (what, request, checks) => {
  test.each(delays)('%s', async (_how, fate, times) => {
    const place = new Place();
    await place.load(1);
    const [before, known] = [await mainHash(), await branches()];
    let left = times;
    await using proxy = await startProxy(server.uri, ({ method, url }): Fate => {
      return request.test(`${method} ${url}`) && left-- > 0 ? fate : 'pass';
    });
    const report = await place.load(3, { checks, proxy }).catch((error: unknown) => error);
    await proxy.idle();
    expect(left).toBeLessThan(times);
    expect(report).toMatchObject({
      status: 'succeeded',
      streams: [{ inserted: 2, unchanged: 1 }, { inserted: 2 }],
    });
    // Made after the load was over, it is empty, and goes after a week.
    if (what !== 'the making of a branch') expect(await branches()).toEqual(known);
    const all = [1, 2, 3];
    expect(await place.history(before)).toEqual([[all, all]]);
    await place.load(4);
    expect(await place.ids('log')).toEqual([...all, 4]);
  });
});

test.each(checksOf)(
  'answers that are slow throughout, %s: one commit, no branch',
  async (_how, checks) => {
    const place = new Place();
    await place.load(1);
    const [before, known] = [await mainHash(), await branches()];
    await using proxy = await startProxy(server.uri, (): Fate => ({
      requestAfterMs: 300,
      answerAfterMs: 300,
    }));
    expect(await place.load(3, { checks, proxy })).toMatchObject({ status: 'succeeded' });
    expect(await branches()).toEqual(known);
    const all = [1, 2, 3];
    expect(await place.history(before)).toEqual([[all, all]]);
  },
  60_000,
);

test.each(checksOf)(
  'a bad line for six loads, %s: whole loads only, every row once at the end',
  async (_how, checks) => {
    const place = new Place();
    await place.load(1);
    const before = await mainHash();
    await using proxy = await startProxy(server.uri, (): Fate => {
      const chance = Math.random();
      if (chance < 0.06) return { requestAfterMs: timeoutMs + Math.random() * 4_000 };
      if (chance < 0.12) return { answerAfterMs: timeoutMs + Math.random() * 1_000 };
      return { answerAfterMs: Math.random() * 200 };
    });
    let failed = 0;
    for (let last = 2; last <= 7; last++) await place.load(last, { checks, proxy }).catch(() => failed++);
    await proxy.idle();
    expect(failed).toBeLessThan(6);
    expect((await place.load(8, { checks })).status).toBe('succeeded');
    const all = Array.from({ length: 8 }, (_, index) => index + 1);
    expect(await place.ids('log')).toEqual(all);
    for (const [orders, log] of await place.history(before)) {
      expect(log).toEqual(orders);
      expect(orders).toEqual(all.slice(0, orders.length));
    }
  },
  240_000,
);
