/** One load, one commit; checks on a branch; and what happens when others, or the network, come between. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import { openNessie } from '../../../src/destinations/nessie/open-nessie.ts';
import {
  decimal,
  defineSource,
  defineStream,
  int64,
  replayQuarantine,
  rowCount,
  run,
  unique,
} from '../../../src/index.ts';
import type { Check, RunReport } from '../../../src/index.ts';
import type { RowObject } from '../../../src/model/index.ts';
import { startProxy } from '../../iceberg/s3-proxy.ts';
import type { Fate, Passing } from '../../iceberg/s3-proxy.ts';
import { Readers } from '../../iceberg/readers/readers.ts';
import { startServer } from './server.ts';
import type { TestServer } from './server.ts';

let server: TestServer;
let readers: Readers;
beforeAll(async () => {
  server = await startServer();
  readers = await Readers.start();
}, 540_000);
afterAll(async () => {
  readers?.close();
  await server?.close();
});

interface Order {
  readonly id: number;
  readonly amount: string;
}

let serial = 0;
/** A namespace of its own, and a pipeline that loads two tables into it. */
class Place {
  readonly namespace = `t${serial++}`;
  readonly options: NessieOptions;

  constructor(more: Partial<NessieOptions> = {}) {
    this.options = { ...server.options, namespace: this.namespace, ...more };
  }

  load(
    rows: readonly Order[],
    { name = 'shop', checks = [], options = this.options }: LoadOptions = {},
  ): Promise<RunReport> {
    const orders = defineStream({
      name: 'orders',
      schema: z.object({ id: int64(), amount: decimal(18, 2) }),
      primaryKey: ['id'],
      write: 'upsert',
      async *read() {
        yield rows;
      },
    });
    const log = defineStream({
      name: `log_${name}`,
      schema: z.object({ id: int64() }),
      write: 'append',
      async *read() {
        yield rows.map(({ id }) => ({ id }));
      },
    });
    const source = defineSource({ name, streams: [orders, log] });
    return run({ source, destination: nessie(options), checks });
  }

  async rows(table = 'orders', ref = 'main'): Promise<RowObject[]> {
    const session = await nessie({ ...this.options, uri: server.uri, ref }).open({ readOnly: true });
    try {
      if (!(await session.reader.tables()).includes(table)) return [];
      const rows: RowObject[] = [];
      for await (const row of session.reader.readRows(table, { orderBy: ['id'] })) rows.push(row);
      return rows;
    } finally {
      await session.close();
    }
  }
}

interface LoadOptions {
  readonly name?: string;
  readonly checks?: readonly Check[];
  readonly options?: NessieOptions;
}

const order = (id: number, amount = '1.5'): Order => ({ id, amount });
const holds = unique('orders', ['id']);

async function api<T>(path: string): Promise<T> {
  return (await (await fetch(`${server.uri}/api/v2/${path}`)).json()) as T;
}

async function commits(): Promise<string[]> {
  const { logEntries } = await api<{ logEntries: { commitMeta: { message: string } }[] }>(
    'trees/main/history',
  );
  return logEntries.map(({ commitMeta }) => commitMeta.message);
}

async function branches(): Promise<string[]> {
  const { references } = await api<{ references: { name: string }[] }>('trees');
  return references.map(({ name }) => name);
}

describe('a load', () => {
  test.each([
    ['without checks', []],
    ['with checks', [holds]],
  ])('%s is one commit, and leaves no branch', async (_how, checks) => {
    const place = new Place();
    await place.load([order(1)], { checks });
    const before = await commits();
    const report = await place.load([order(1), order(2, '99999999999999.99')], { checks });
    expect(report).toMatchObject({
      status: 'succeeded',
      streams: [{ inserted: 1, unchanged: 1 }, { inserted: 2 }],
    });
    expect(await commits()).toHaveLength(before.length + 1);
    expect(await branches()).toEqual(['main']);
    expect(await place.rows()).toMatchObject([
      { id: 1, amount: '1.50' },
      { id: 2, amount: '99999999999999.99' },
    ]);
    expect(await place.rows('log_shop')).toHaveLength(3);
  });

  test('with a check that fails is never seen, and its branch can be looked at', async () => {
    const place = new Place();
    await place.load([order(1)]);
    const over = new AbortController();
    const seen = (async () => {
      const counts = new Set<number>();
      while (!over.signal.aborted) counts.add((await place.rows()).length);
      return counts;
    })();
    const report = await place.load([order(2), order(3)], {
      checks: [holds, rowCount('orders', { max: 2 })],
    });
    over.abort();
    expect(report.status).toBe('checks_failed');
    expect(await seen).toEqual(new Set([1]));
    const branch = String(report.staged[0]?.split('@')[1]);
    expect(await branches()).toContain(branch);
    expect(await place.rows('orders', branch)).toHaveLength(3);
    expect(await place.rows()).toHaveLength(1);
    const theirs = await readers.pyicebergRows(rest(branch), `${place.namespace}.orders`);
    expect(theirs.rows).toHaveLength(3);
  });

  test('PyIceberg reads the same rows through Nessie', async () => {
    const place = new Place({ rewriteBelowBytes: 0 });
    await place.load(Array.from({ length: 100 }, (_, id) => order(id, `${id}.25`)));
    await place.load([order(5, '-5'), order(100, '0.01')]);
    const { columns, rows } = await readers.pyicebergRows(rest('main'), `${place.namespace}.orders`);
    const [id, amount] = [columns.indexOf('id'), columns.indexOf('amount')];
    const theirs = rows
      .map((row) => [Number(row[id]), row[amount]])
      .toSorted((a, b) => Number(a[0]) - Number(b[0]));
    expect(theirs).toEqual((await place.rows()).map((row) => [row['id'], row['amount']]));
    expect(theirs).toHaveLength(101);
  });

  test('two pipelines that write the same table through branches: every row once, 50 rounds', async () => {
    const place = new Place();
    for (let round = 0; round < 50; round++) {
      const ids = [0, 1, 2].map((i) => round * 3 + i);
      const reports = await Promise.all(
        ['a', 'b'].map((name) =>
          place.load(
            ids.map((id) => order(name === 'a' ? id : 1_000 + id)),
            { name, checks: [holds] },
          ),
        ),
      );
      for (const report of reports)
        expect(report).toMatchObject({ status: 'succeeded', streams: [{ inserted: 3 }, { inserted: 3 }] });
    }
    expect(await place.rows()).toHaveLength(300);
    expect(await place.rows('log_a')).toHaveLength(150);
    expect((await branches()).filter((name) => name.startsWith('plumbing_'))).toHaveLength(
      (await branches()).length - 1,
    );
  }, 600_000);
});

/** The server gets the request when the client has given it up. */
const late = 'late';

const faults: readonly (readonly [string, Fate | typeof late])[] = [
  ['the answer is lost', 'lose'],
  ['the request is lost', 'drop'],
  ['the request comes late', late],
  ['429', { status: 429, headers: { 'retry-after': '0' } }],
  ['500', { status: 500 }],
  ['503', { status: 503 }],
  ['504', { status: 504, body: '<html>' }],
  ['409', { status: 409, body: '{}' }],
];

describe.each([
  ['a commit', /transactions\/commit/, []],
  ['a commit on a branch', /iceberg\/v1\/plumbing_.*transactions\/commit/, [holds]],
  ['a merge', /history\/merge/, [holds]],
] as const)('%s that meets', (_what, url, checks) => {
  test.each(faults)('%s: the rows are there exactly once', async (_fault, fate) => {
    const place = new Place();
    await place.load([order(1)]);
    let left = 1;
    const decide = async (passing: Passing): Promise<Fate> => {
      const isMet = passing.method === 'POST' && url.test(passing.url) && left-- > 0;
      if (isMet && fate === late) await delay(3_000);
      return isMet && fate !== late ? fate : 'pass';
    };
    await using proxy = await startProxy(server.uri, decide);
    const options = { ...place.options, uri: proxy.endpoint, ...(fate === late && { timeoutMs: 2_000 }) };
    let report = await place.load([order(1), order(2)], { checks, options });
    expect(left).toBeLessThan(1);
    if (report.status === 'succeeded')
      expect(report.streams).toMatchObject([{ inserted: 1, unchanged: 1 }, { inserted: 2 }]);
    else report = await place.load([order(1), order(2)], { checks });
    expect(report.status).toBe('succeeded');
    expect(await place.rows()).toHaveLength(2);
    expect(await place.rows('log_shop')).toHaveLength(3);
  });
});

test('killed at every step of load, checks and merge, a checked load is there as a whole or not at all', async () => {
  const worker = new URL('publish-worker.ts', import.meta.url);
  const start = async (place: Place, number: number): Promise<{ status: string } | undefined> => {
    const child = fork(worker, [JSON.stringify(place.options), String(number)]);
    let said: { status: string } | undefined;
    child.on('message', (message) => {
      said = message as { status: string };
    });
    await once(child, 'exit');
    return said;
  };
  let kills = 0;
  const lane = async (first: number): Promise<void> => {
    for (let number = first; ; number += 2) {
      const place = new Place();
      const finished = await start(place, number);
      const seen = [(await place.rows()).length, (await place.rows('log')).length];
      expect(
        [
          [0, 0],
          [3, 3],
        ],
        `killed at step ${number}`,
      ).toContainEqual(seen);
      expect(await start(place, 0)).toMatchObject({ status: 'succeeded' });
      expect([(await place.rows()).length, (await place.rows('log')).length]).toEqual([3, 3]);
      if (finished) return;
      kills++;
    }
  };
  await Promise.all([lane(1), lane(2)]);
  expect(kills).toBeGreaterThan(20);
}, 400_000);

test('references, tags, differences, and a merge that is only tried', async () => {
  const place = new Place();
  await place.load([order(1)]);
  const { api: client } = await openNessie(place.options);
  const main = await client.reference('main');
  if (!main) throw new Error('there is no main branch');
  const branch = await client.create('BRANCH', 'dev/one', main);
  const tag = await client.create('TAG', 'v1', main);
  await expect(client.create('TAG', 'v1', main)).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
  await place.load([order(2)], { options: { ...place.options, ref: 'dev/one' } });
  expect(await place.rows()).toHaveLength(1);
  expect(await place.rows('orders', 'dev/one')).toHaveLength(2);
  const table = (name: string): string[] => [place.namespace, name];
  expect(await client.diff('main', 'dev/one')).toContainEqual({
    elements: table('orders'),
    change: 'changed',
  });
  expect(await client.entries('v1')).toContainEqual({ type: 'ICEBERG_TABLE', elements: table('orders') });
  const moved = await client.reference('dev/one');
  if (!moved) throw new Error('the branch is gone');
  expect(await client.merge(moved, main, { dryRun: true })).toMatchObject({ outcome: 'committed' });
  expect(await client.reference('main')).toEqual(main);
  await place.load([order(3)]);
  expect(await client.merge(moved, main)).toMatchObject({
    outcome: 'conflict',
    conflicts: expect.arrayContaining([expect.objectContaining({ elements: table('orders') })]) as unknown,
  });
  expect((await client.history('dev/one'))[0]?.parentHashes).toEqual([branch.hash]);
  await client.assign(tag, moved);
  await expect(client.remove(tag)).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
  await client.remove({ ...tag, hash: moved.hash });
  await client.remove(moved);
  expect(await client.reference('v1')).toBeUndefined();
  expect(await place.rows('orders', `main@${main.hash}`)).toHaveLength(1);
});

test('a reference that does not exist, and a server that is not there, are told apart', async () => {
  const absent = nessie({ ...server.options, ref: 'nowhere' });
  await expect(absent.open()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  const dead = nessie({ ...server.options, uri: 'http://127.0.0.1:9', timeoutMs: 2_000 });
  await expect(dead.open()).rejects.toMatchObject({ code: 'HTTP_NETWORK' });
  expect(() => nessie({ ...server.options, uri: 'nessie' })).toThrow(/no URL/);
  const { s3: _s3, ...keyless } = new Place().options;
  const error: unknown = await new Place()
    .load([order(1)], { options: keyless })
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/lends no keys.*S3_ACCESS_KEY_ID/) as unknown,
  });
});

function rest(branch: string): { name: string; uri: string; [property: string]: string } {
  return {
    name: 'nessie',
    type: 'rest',
    uri: `${server.uri}/iceberg/${branch}`,
    's3.endpoint': server.s3Endpoint,
    's3.access-key-id': 'test',
    's3.secret-access-key': 'test',
    's3.region': 'us-east-1',
  };
}

test('a load that finds a row unchanged keeps a replay from putting an older one over it, with and without checks', async () => {
  const { options } = new Place();
  const pipelineOf = (note: z.ZodType, rows: readonly unknown[], checks: readonly Check[] = []) => ({
    source: defineSource({
      name: 'shop',
      streams: [
        defineStream({
          name: 't',
          schema: z.object({ id: int64(), note }),
          primaryKey: ['id'],
          async *read() {
            yield rows;
          },
        }),
      ],
    }),
    destination: nessie(options),
    checks,
  });
  const short = z.string().max(3);
  const good = { id: 1, note: 'a' };
  for (const checks of [[], [unique('t', ['id'])]]) {
    await run(pipelineOf(short, [good]));
    await run(pipelineOf(short, [{ id: 1, note: 'long' }], checks));
    expect((await run(pipelineOf(short, [good], checks))).streams).toMatchObject([{ unchanged: 1 }]);
    expect(await replayQuarantine(pipelineOf(z.string(), []))).toMatchObject([
      { replayed: 0, superseded: 1, remaining: 0 },
    ]);
  }
});
