/** How often a commit is sent, under which key, and what its answers are taken for. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpClient } from '../../src/http/index.ts';
import { PlumbingError } from '../../src/errors/index.ts';
import { durationMs, sendCommit } from '../../src/iceberg/commit-request.ts';
import type { IdempotencyKeys } from '../../src/iceberg/commit-request.ts';
import { restCatalog } from '../../src/iceberg/rest-catalog.ts';
import type { RestCatalog } from '../../src/iceberg/rest-catalog.ts';
import type { TableMetadata } from '../../src/iceberg/metadata.ts';

/** A status, or a connection that breaks. */
type Reply = number | 'break';

interface Sent {
  readonly key: string | undefined;
  readonly body: string;
}

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

/** A catalog that answers commits in this way, the last one again and again, each after a while. */
async function start(
  replies: readonly Reply[],
  keys?: IdempotencyKeys,
  answerMs = 0,
): Promise<{ readonly catalog: RestCatalog; readonly sent: Sent[] }> {
  const sent: Sent[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      if (request.method !== 'POST') return response.writeHead(404).end('{}');
      const reply = replies[Math.min(sent.length, replies.length - 1)] ?? 200;
      const { 'idempotency-key': key } = request.headers;
      sent.push({ key: key as string | undefined, body });
      await delay(answerMs);
      if (reply === 'break') return response.destroy();
      return response.writeHead(reply, reply === 307 ? { location: '/elsewhere' } : {}).end('{}');
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const http = createHttpClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
  const catalog = restCatalog({
    http,
    headers: async () => ({ authorization: 'Bearer token' }),
    prefix: 'main',
    warehouse: 's3://lake',
    keys,
  });
  return { catalog, sent };
}

let made = 0;
const keys = (lifetimeMs = 60_000): IdempotencyKeys => ({ lifetimeMs, next: () => `key-${++made}` });

const identifier = { namespace: ['default'], name: 't' };
const change = {
  identifier,
  base: { identifier, metadata: {} as TableMetadata, metadataLocation: 's3://lake/m.json' },
  requirements: [],
  updates: [{ action: 'set-properties', updates: { big: String(2n ** 63n) } }],
} as const;

describe('a commit', () => {
  test.each([
    [[200], 'committed'],
    [[503], 'unknown'],
    [['break'], 'unknown'],
    [[409], 'conflict'],
    [[429], 'conflict'],
  ] as const)(
    'without keys that is answered %j is sent once, without a key: %s',
    async (replies, outcome) => {
      const { catalog, sent } = await start(replies);
      expect(await catalog.commit([change])).toMatchObject({ outcome });
      expect(sent).toMatchObject([{ key: undefined }]);
    },
  );

  test.each([
    [[200], 'committed', 1],
    [[503, 200], 'committed', 2],
    [['break', 500, 200], 'committed', 3],
    [['break'], 'unknown', 3],
    [[504, 429, 200], 'committed', 3],
    // The answer to an earlier one that was carried out, from a server that has forgotten the key.
    [['break', 409], 'unknown', 2],
    [[503, 403], 'unknown', 2],
    [[409], 'conflict', 1],
    [[429], 'conflict', 1],
  ] as const)(
    'with keys that is answered %j ends as %s, after %i requests under one key',
    async (replies, outcome, times) => {
      const { catalog, sent } = await start(replies, keys());
      expect(await catalog.commit([change])).toMatchObject({ outcome });
      expect(sent).toHaveLength(times);
      expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
      expect(new Set(sent.map(({ body }) => body)).size).toBe(1);
      expect(sent[0]?.key).toMatch(/^key-/);
    },
  );

  test.each([
    [401, 'AUTH_REJECTED'],
    [400, 'DEST_FAILED'],
  ])('that is answered %i is refused, keys or not', async (status, code) => {
    const { catalog, sent } = await start([status], keys());
    await expect(catalog.commit([change])).rejects.toMatchObject({ code });
    expect(sent).toHaveLength(1);
  });

  test('that is redirected has not happened, and is not sent again', async () => {
    for (const some of [undefined, keys()]) {
      const { catalog, sent } = await start([307], some);
      await expect(catalog.commit([change])).rejects.toMatchObject({ code: 'HTTP_REDIRECT' });
      expect(sent).toHaveLength(1);
      await close();
    }
    close = async () => undefined;
  });

  test('gets a key of its own', async () => {
    const { catalog, sent } = await start([200], keys());
    await catalog.commit([change]);
    await catalog.commit([change]);
    expect(sent[0]?.key).not.toBe(sent[1]?.key);
  });

  test.each([
    [100, 1],
    [900, 2],
  ])('is not sent again when its key, of %i ms, has ended', async (lifetimeMs, times) => {
    const { catalog, sent } = await start([503], keys(lifetimeMs), 300);
    expect(await catalog.commit([change])).toMatchObject({ outcome: 'unknown' });
    expect(sent).toHaveLength(times);
  });
});

test.each([
  ['PT30M', 1_800_000],
  ['PT24H', 86_400_000],
  ['P1DT1H1M1.5S', 90_061_500],
  ['PT0S', undefined],
  ['P', undefined],
  ['30', undefined],
  ['P1Y', undefined],
  [1_800, undefined],
  [undefined, undefined],
])('the duration %j is %j ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test('of which nobody knows what became stays unknown when no token can be had for another try', async () => {
  const unanswered = new PlumbingError('HTTP_TIMEOUT', 'no answer', { retryable: true });
  const refused = new PlumbingError('AUTH_REJECTED', 'the client is not known any more');
  const answers = [unanswered, refused];
  const outcome = await sendCommit(async () => {
    throw answers.shift() as PlumbingError;
  }, keys());
  expect(outcome).toEqual({ outcome: 'unknown', cause: refused });
  await expect(sendCommit(async () => Promise.reject(refused), keys())).rejects.toBe(refused);
});
