/** Commits that are sent again under their key, where the server keeps keys: carried out once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import { defineSource, defineStream, int64, run, unique } from '../../../src/index.ts';
import type { Check, RunReport } from '../../../src/index.ts';
import { startProxy } from '../../iceberg/s3-proxy.ts';
import type { Fate, Passing } from '../../iceberg/s3-proxy.ts';
import { startKeyFront } from './key-front.ts';
import type { KeyFrontOptions } from './key-front.ts';
import { startServer } from './server.ts';
import type { TestServer } from './server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, 540_000);
afterAll(() => server?.close());

const holds = unique('log', ['id']);
const advertise: KeyFrontOptions['advertise'] = (config) => {
  config['idempotency-key-lifetime'] = 'PT30M';
};
const isCommit = ({ method, url }: Passing): boolean =>
  method === 'POST' && url.endsWith('transactions/commit');

let serial = 0;
let options: NessieOptions;
beforeEach(() => {
  options = { ...server.options, namespace: `keys${serial++}` };
});

/** Appends rows, which would be there twice if the load was. */
async function load(
  ids: readonly number[],
  uri = server.uri,
  checks: readonly Check[] = [],
): Promise<RunReport> {
  const log = defineStream({
    name: 'log',
    schema: z.object({ id: int64() }),
    write: 'append',
    async *read() {
      yield ids.map((id) => ({ id }));
    },
  });
  const source = defineSource({ name: 'shop', streams: [log] });
  return run({ source, destination: nessie({ ...options, uri, timeoutMs: 3_000 }), checks });
}

async function ids(): Promise<unknown[]> {
  const session = await nessie(options).open({ readOnly: true });
  try {
    const found: unknown[] = [];
    for await (const { id } of session.reader.readRows('log', { orderBy: ['id'] })) found.push(id);
    return found;
  } finally {
    await session.close();
  }
}

describe.each([
  ['without checks', []],
  ['with checks', [holds]],
])('a load %s whose commits are', (_how, checks: readonly Check[]) => {
  test.each([
    ['not answered', 'lose', 1],
    ['lost on their way', 'drop', 1],
    ['not answered twice', 'lose', 2],
    ['answered 503 by a gateway', { status: 503 }, 2],
    ['answered too late', { answerAfterMs: 4_000 }, 1],
    ['late', { requestAfterMs: 3_100 }, 1],
  ] as readonly [string, Fate, number][])(
    '%s: sent again under the same key, carried out once',
    async (_what, fate, times) => {
      await load([1]);
      await using front = await startKeyFront(server.uri, { advertise });
      let left = times;
      const decide = (passing: Passing): Fate => (isCommit(passing) && left-- > 0 ? fate : 'pass');
      await using proxy = await startProxy(front.uri, decide);
      const report = await load([2, 3], proxy.endpoint, checks);
      await proxy.idle();
      expect(report).toMatchObject({ status: 'succeeded', streams: [{ inserted: 2 }] });
      expect(await ids()).toEqual([1, 2, 3]);
      const keys = new Map<string | undefined, Set<string>>();
      for (const { key, body } of front.arrived)
        keys.set(key, (keys.get(key) ?? new Set<string>()).add(body));
      expect(front.executed()).toBe(keys.size);
      for (const [key, bodies] of keys) {
        expect(key).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
        expect(bodies.size).toBe(1);
      }
      const sent = proxy.seen.filter((request) => request.endsWith('transactions/commit'));
      expect(sent.length - keys.size).toBe(times);
    },
  );
});

test('a server that does not keep the keys that it promised: each row once, nothing of the load removed', async () => {
  await load([1]);
  await using front = await startKeyFront(server.uri, { advertise, ignoresKeys: true });
  let left = 1;
  const decide = (passing: Passing): Fate => (isCommit(passing) && left-- > 0 ? 'lose' : 'pass');
  await using proxy = await startProxy(front.uri, decide);
  expect((await load([2, 3], proxy.endpoint)).status).toBe('succeeded');
  expect(front.executed()).toBeGreaterThan(1);
  expect(await ids()).toEqual([1, 2, 3]);
});

test.each([
  ['defaults', true],
  ['overrides', true],
  ['a lifetime that makes no sense', false],
  ['nothing', false],
] as const)('keys that are advertised in %s: %s', async (where, isSent) => {
  await using front = await startKeyFront(server.uri, {
    advertise: (config) => {
      if (where === 'a lifetime that makes no sense') config['idempotency-key-lifetime'] = 'soon';
      else if (where !== 'nothing')
        config[where] = { ...(config[where] as object), 'idempotency-key-lifetime': 'PT1H' };
    },
  });
  await load([1], front.uri);
  expect(front.arrived.length).toBeGreaterThan(0);
  expect(front.arrived.every(({ key }) => (key !== undefined) === isSent)).toBe(true);
});
