/** A Nessie server that asks who comes: tokens that are good, wrong, expired or missing, and none of them in any output. */
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import { defineSource, defineStream, int64, rowCount, run } from '../../../src/index.ts';
import type { RunReport } from '../../../src/index.ts';
import { configureLogging } from '../../../src/logging/index.ts';
import { startServer } from './server.ts';
import type { TestServer } from './server.ts';
import { startTokenIssuer } from './token-issuer.ts';
import type { TokenIssuer } from './token-issuer.ts';

let issuer: TokenIssuer;
let server: TestServer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
  server = await startServer({
    'nessie.server.authentication.enabled': 'true',
    'quarkus.oidc.tenant-enabled': 'true',
    'quarkus.oidc.auth-server-url': issuer.url,
    'quarkus.oidc.client-id': 'nessie',
    'quarkus.oidc.token.lifespan-grace': '0',
  });
}, 540_000);
afterAll(async () => {
  await server?.close();
  await issuer?.close();
});

/** All that was said in a test: logs, errors, reports. */
let said: string[] = [];
/** What must not be in it. */
let secrets: string[] = [];
beforeEach(async () => {
  said = [];
  secrets = [issuer.client.secret];
  await configureLogging({
    level: 'debug',
    format: 'jsonl',
    stream: { write: (line: string) => said.push(line) },
  });
});
afterEach(async () => {
  await configureLogging({ level: 'fatal' });
  expect(said.join('').length).toBeGreaterThan(100);
  for (const secret of [...secrets, ...issuer.given]) {
    // The last part of a token is what makes it one.
    const canary = secret.split('.').at(-1) as string;
    for (const text of said) expect(text.includes(canary), 'a secret was told').toBe(false);
  }
});

const withToken = (token: string): Partial<NessieOptions> => {
  secrets.push(token);
  return { token };
};
const asClient = (secret = issuer.client.secret): Partial<NessieOptions> => ({
  oauth2: { tokenUrl: issuer.tokenUrl, clientId: issuer.client.id, clientSecret: secret },
});

let serial = 0;
function optionsOf(more: Partial<NessieOptions>): NessieOptions {
  return { ...server.options, namespace: `auth${serial++}`, ...more };
}

/** Loads three rows; `before` is waited for in the middle. */
async function load(
  options: NessieOptions,
  before: () => Promise<unknown> = async () => undefined,
): Promise<RunReport> {
  const orders = defineStream({
    name: 'orders',
    schema: z.object({ id: int64() }),
    primaryKey: ['id'],
    write: 'upsert',
    async *read() {
      yield [{ id: 1 }, { id: 2 }];
      await before();
      yield [{ id: 3 }];
    },
  });
  const report = await run({
    source: defineSource({ name: 'shop', streams: [orders] }),
    destination: nessie(options),
    checks: [rowCount('orders', { min: 3 })],
  });
  said.push(JSON.stringify(report), inspect(report, { depth: 20 }));
  return report;
}

async function ids(options: NessieOptions): Promise<unknown[]> {
  const session = await nessie(options).open({ readOnly: true });
  try {
    if (!(await session.reader.tables()).includes('orders')) return [];
    const found: unknown[] = [];
    for await (const { id } of session.reader.readRows('orders', { orderBy: ['id'] })) found.push(id);
    return found;
  } finally {
    await session.close();
  }
}

/** The error of an attempt to open, which has said all it can. */
async function refusal(options: NessieOptions): Promise<{ readonly code: string; readonly message: string }> {
  const error: unknown = await nessie(options)
    .open()
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  expect(error).toBeInstanceOf(Error);
  const { code, message, stack } = error as { code: string; message: string; stack: string };
  said.push(message, stack, JSON.stringify(error), inspect(error, { depth: 20, showHidden: true }));
  return { code, message };
}

describe('a load', () => {
  test('with a good token, and with client credentials, is there', async () => {
    const options = optionsOf(withToken(issuer.token()));
    expect((await load(options)).status).toBe('succeeded');
    expect(await ids({ ...server.options, namespace: options.namespace as string, ...asClient() })).toEqual([
      1, 2, 3,
    ]);
    expect((await load(optionsOf(asClient()))).status).toBe('succeeded');
  });

  test('goes on with a new token when the one of client credentials ends', async () => {
    const before = issuer.given.length;
    issuer.lifeSeconds = 2;
    try {
      const options = optionsOf(asClient());
      const report = await load(options, () => delay(3_000));
      expect(report.status).toBe('succeeded');
      expect(await ids(options)).toEqual([1, 2, 3]);
      expect(issuer.given.length - before).toBeGreaterThan(1);
    } finally {
      issuer.lifeSeconds = 300;
    }
  });

  test('whose token ends on the way fails as a whole, and says why', async () => {
    const options = optionsOf(withToken(issuer.token({ lifeSeconds: 3 })));
    const error: unknown = await load(options, () => delay(4_000)).catch((thrown: unknown) => thrown);
    said.push(inspect(error, { depth: 20, showHidden: true }));
    expect(error).toMatchObject({
      code: 'AUTH_REJECTED',
      message: expect.stringMatching(/401.*token/) as unknown,
    });
    const later = { ...options, ...withToken(issuer.token()) };
    expect(await ids(later)).toEqual([]);
    expect((await load(later)).status).toBe('succeeded');
    expect(await ids(later)).toEqual([1, 2, 3]);
  });
});

const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
test.each([
  ['no token', () => ({})],
  ['a token that is none', () => withToken('no-token-at-all-5e3f')],
  ['a token that a stranger has signed', () => withToken(issuer.token({ key: stranger }))],
  ['a token that has ended', () => withToken(issuer.token({ lifeSeconds: -60 }))],
  ['a wrong client secret', () => asClient('not-the-secret-77b1')],
])('%s is refused in clear words', async (_what, credentials) => {
  secrets.push('not-the-secret-77b1');
  const { code, message } = await refusal(optionsOf(credentials()));
  expect(code).toBe('AUTH_REJECTED');
  expect(message).toMatch(/401/);
  expect(message).toMatch(/check.*(token|secret)/i);
});

describe('the command', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'plumbing-nessie-auth-'));
    const dist = (path: string): string => new URL(`../../../dist/${path}`, import.meta.url).href;
    writeFileSync(
      join(folder, 'pipeline.mjs'),
      `import { definePipeline, defineSource, defineStream } from '${dist('index.js')}';
import { loadNessieConfig, nessie } from '${dist('destinations/nessie/index.js')}';
import { z } from '${import.meta.resolve('zod')}';
const things = defineStream({ name: 'things', schema: z.object({ id: z.string() }), primaryKey: ['id'], write: 'upsert',
  async *read() { yield [{ id: 'a' }]; } });
export default definePipeline({ source: defineSource({ name: 'cli', streams: [things] }), destination: nessie(loadNessieConfig()) });
`,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function plumbing(
    args: readonly string[],
    environment: Record<string, string>,
  ): Promise<number | null> {
    const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
    const child = spawn(process.execPath, [main, '--log-level', 'debug', ...args], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        PLUMBING_STATE_DIR: join(folder, 'state'),
        NESSIE_URI: server.uri,
        NESSIE_NAMESPACE: 'cli',
        S3_ACCESS_KEY_ID: 'test',
        S3_SECRET_ACCESS_KEY: 'test',
        ...environment,
      },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (output += String(chunk)));
    const [code] = (await once(child, 'close')) as [number | null];
    said.push(output);
    return code;
  }

  test('takes the token from the environment, and says what is wrong with it', async () => {
    const { token: good } = withToken(issuer.token()) as { token: string };
    expect(await plumbing(['run', 'pipeline.mjs'], { NESSIE_TOKEN: good }), said.at(-1)).toBe(0);
    expect(await plumbing(['status', '--to', 'nessie:'], { NESSIE_TOKEN: good }), said.at(-1)).toBe(0);
    expect(said.at(-1)).toMatch(/things +1/);
    const { token: old } = withToken(issuer.token({ lifeSeconds: -60 })) as { token: string };
    for (const environment of [{ NESSIE_TOKEN: old }, {}] as Record<string, string>[]) {
      expect(await plumbing(['run', 'pipeline.mjs'], environment)).toBe(3);
      expect(said.at(-1)).toMatch(/AUTH_REJECTED.*401.*token/s);
    }
  });

  test('gets a token by client credentials from the environment', async () => {
    const environment = {
      NESSIE_OAUTH2_TOKEN_URL: issuer.tokenUrl,
      NESSIE_OAUTH2_CLIENT_ID: issuer.client.id,
      NESSIE_OAUTH2_CLIENT_SECRET: issuer.client.secret,
    };
    expect(await plumbing(['run', 'pipeline.mjs'], environment), said.at(-1)).toBe(0);
    secrets.push('not-the-secret-77b1');
    const wrong = { ...environment, NESSIE_OAUTH2_CLIENT_SECRET: 'not-the-secret-77b1' };
    expect(await plumbing(['status', '--to', 'nessie:'], wrong)).toBe(3);
    expect(said.at(-1)).toMatch(/AUTH_REJECTED.*client secret/s);
  });
});
