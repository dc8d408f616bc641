/** Keys that Nessie lends: a store that takes only those, keys that end on the way, and none of them in any output. */
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { startNessie } from '../../../scripts/services/nessie.ts';
import type { NessieService } from '../../../scripts/services/nessie.ts';
import { startS3 } from '../../../scripts/services/s3.ts';
import type { S3Service } from '../../../scripts/services/s3.ts';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import { decimal, defineSource, defineStream, int64, run, unique } from '../../../src/index.ts';
import type { Check, RunReport } from '../../../src/index.ts';
import { configureLogging } from '../../../src/logging/index.ts';
import { admin } from '../../iceberg/s3-fixture.ts';
import { startProxy } from '../../iceberg/s3-proxy.ts';
import type { Fate, Passing, Proxy } from '../../iceberg/s3-proxy.ts';

let s3: S3Service;
/** The store as clients see it: it takes temporary keys only, until they are said to have expired. */
let guard: Proxy;
let server: NessieService;
/** By id, how many requests came with it. */
let used = new Map<string, number>();
/** Keys with which so many requests were made have expired. */
let usesPerKey = Number.POSITIVE_INFINITY;
const tokens = new Set<string>();

function decide({ headers }: Passing): Fate {
  const id = /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1] ?? 'nobody';
  const token = String(headers['x-amz-security-token'] ?? '');
  tokens.add(token);
  if (!id.startsWith('ASIA') || token === '')
    return { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
  const uses = (used.get(id) ?? 0) + 1;
  used.set(id, uses);
  return uses > usesPerKey ? { status: 400, body: '<Error><Code>ExpiredToken</Code></Error>' } : 'pass';
}

beforeAll(async () => {
  s3 = await startS3();
  await admin(s3.endpoint, 'PUT', 'lake');
  guard = await startProxy(s3.endpoint, decide);
  const store = 'nessie.catalog.service.s3';
  server = await startNessie({
    s3Endpoint: s3.endpoint,
    bucket: 'lake',
    settings: {
      [`${store}.default-options.external-endpoint`]: guard.endpoint,
      [`${store}.default-options.client-iam.enabled`]: 'true',
      [`${store}.default-options.client-iam.assume-role`]: 'arn:aws:iam::123456789012:role/loader',
      [`${store}.default-options.sts-endpoint`]: s3.endpoint,
      // Keys of their own for each answer.
      [`${store}.sts.session-grace-period`]: 'PT12H',
    },
  });
}, 540_000);
afterAll(async () => {
  await server?.close();
  await guard?.[Symbol.asyncDispose]();
  await s3?.close();
});

/** All that was said in a test. */
let said: string[] = [];
let options: NessieOptions;
let serial = 0;
beforeEach(async () => {
  said = [];
  used = new Map();
  usesPerKey = Number.POSITIVE_INFINITY;
  options = { uri: server.uri, namespace: `lent${serial++}` };
  await configureLogging({
    level: 'debug',
    format: 'jsonl',
    stream: { write: (line: string) => said.push(line) },
  });
});
afterEach(async () => {
  await configureLogging({ level: 'fatal' });
  expect(tokens.size).toBeGreaterThan(0);
  for (const text of said) {
    expect(text).not.toMatch(/ASIA\w{10}/);
    for (const token of tokens) expect(token !== '' && text.includes(token), 'a token was told').toBe(false);
  }
});

async function load(ids: readonly number[], checks: readonly Check[] = []): Promise<RunReport> {
  const orders = defineStream({
    name: 'orders',
    schema: z.object({ id: int64(), amount: decimal(18, 2) }),
    primaryKey: ['id'],
    write: 'upsert',
    async *read() {
      yield ids.map((id) => ({ id, amount: `${id}.25` }));
    },
  });
  const log = defineStream({
    name: 'log',
    schema: z.object({ id: int64() }),
    write: 'append',
    async *read() {
      yield ids.map((id) => ({ id }));
    },
  });
  const report = await run({
    source: defineSource({ name: 'shop', streams: [orders, log] }),
    destination: nessie(options),
    checks,
  });
  said.push(JSON.stringify(report), inspect(report, { depth: 20, showHidden: true }));
  return report;
}

async function ids(table: string): Promise<unknown[]> {
  const session = await nessie(options).open({ readOnly: true });
  try {
    said.push(inspect(session, { depth: 20, showHidden: true }));
    const found: unknown[] = [];
    for await (const { id } of session.reader.readRows(table, { orderBy: ['id'] })) found.push(id);
    return found;
  } finally {
    await session.close();
  }
}

const holds = unique('orders', ['id']);

test.each([
  ['without checks', []],
  ['with checks', [holds]],
])('a load %s needs no keys of its own', async (_how, checks) => {
  expect((await load([1, 2], checks)).status).toBe('succeeded');
  expect(await load([2, 3], checks)).toMatchObject({
    streams: [{ inserted: 1, unchanged: 1 }, { inserted: 2 }],
  });
  expect(await ids('orders')).toEqual([1, 2, 3]);
  expect(await ids('log')).toEqual([1, 2, 2, 3]);
  expect(used.size).toBeGreaterThan(1);
});

test.each([
  ['without checks', []],
  ['with checks', [holds]],
])('keys that end after a few requests are renewed in the middle of a load %s', async (_how, checks) => {
  usesPerKey = 2;
  expect((await load([1, 2], checks)).status).toBe('succeeded');
  expect((await load([2, 3], checks)).status).toBe('succeeded');
  expect(await ids('orders')).toEqual([1, 2, 3]);
  expect(await ids('log')).toEqual([1, 2, 2, 3]);
  expect([...used.values()].some((uses) => uses > 2)).toBe(true);
});

test('keys that are never taken end the load with a clear error, and nothing of it is there', async () => {
  await load([1]);
  usesPerKey = 0;
  const error: unknown = await load([2]).catch((reason: unknown) => reason);
  said.push(inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error));
  expect(error).toMatchObject({ code: 'DEST_FAILED', message: expect.stringMatching(/expired/) as unknown });
  usesPerKey = Number.POSITIVE_INFINITY;
  expect(await ids('orders')).toEqual([1]);
});

test('with keys of its own none are asked for', async () => {
  options = { ...options, s3: { accessKeyId: 'test', secretAccessKey: 'test', endpoint: s3.endpoint } };
  expect((await load([1])).status).toBe('succeeded');
  expect(used.size).toBe(0);
});
