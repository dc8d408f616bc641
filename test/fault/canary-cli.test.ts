/**
 * The command with debug logs on, over a bank that misbehaves: no secret in what it prints, nor in any file it leaves, and
 * no account number in print.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import type { Fault } from '../../src/sources/comdirect/sandbox/index.ts';
import { temporaryDatabase } from '../../src/testing/index.ts';
import { Canaries, planted, plantedKey } from './canaries.ts';
import { startListeningProxy } from './listening-proxy.ts';
import type { Spoil } from './listening-proxy.ts';

const dist = (path: string): string => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
const wrongPin = 'pin-canary-302265';
const run = ['run', 'comdirect', '--json'];

/** A person's afternoon: commands one after the other, and the exit codes that they should have. */
interface Session {
  readonly commands: readonly (readonly string[])[];
  readonly codes: readonly (number | null)[];
  readonly faults?: readonly Fault[];
  readonly spoil?: Spoil;
  readonly env?: Readonly<Record<string, string>>;
  /** Files to make before, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Interrupts the last command when the bank has been asked for this. */
  readonly interruptAt?: string;
}

async function expectSilence(session: Session): Promise<void> {
  const secrets = new Canaries().add({ ...planted, plantedKey, wrongPin });
  const accounts = new Canaries();
  await using place = await temporaryDatabase();
  for (const [name, content] of Object.entries(session.files ?? {}))
    writeFileSync(join(place.folder, name), content);
  const bank = await startComdirectSandbox({
    credentials: planted,
    approveAfterMs: 0,
    historyDays: 3,
    accounts: 2,
    faults: session.faults ?? [],
  });
  await using proxy = await startListeningProxy(bank.url, secrets, accounts);
  if (session.spoil) proxy.spoil = session.spoil;
  const printed: string[] = [];
  const codes: (number | null)[] = [];
  try {
    for (const command of session.commands) {
      const child = spawn(process.execPath, [dist('cli/main.js'), '--log-level', 'debug', ...command], {
        cwd: place.folder,
        env: {
          PATH: process.env['PATH'],
          PLUMBING_STATE_DIR: join(place.folder, 'state'),
          PLUMBING_TOKEN_KEY: plantedKey,
          PLUMBING_REQUESTS_PER_SECOND: '1000',
          PLUMBING_LOGIN: 'push',
          PLUMBING_TO: 'sqlite:test.db',
          ...bank.environment,
          COMDIRECT_BASE_URL: proxy.url,
          ...session.env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
      const closed = once(child, 'close') as Promise<[number | null]>;
      if (session.interruptAt !== undefined) {
        const part = session.interruptAt;
        await expect
          .poll(() => bank.requests.some(({ url }) => url.includes(part)), { timeout: 20_000 })
          .toBe(true);
        child.kill('SIGINT');
      }
      codes.push((await closed)[0]);
    }
  } finally {
    await bank.close();
  }
  const text = printed.join('');
  expect(secrets.shownIn(text)).toEqual([]);
  expect(accounts.shownIn(text)).toEqual([]);
  expect(codes, text).toEqual(session.codes);
  for (const [name, content] of filesIn(place.folder)) {
    if (name in (session.files ?? {})) continue;
    expect(secrets.shownIn(content), name).toEqual([]);
    if (!name.startsWith('test.db')) expect(accounts.shownIn(content), name).toEqual([]);
  }
}

/** Every file below `folder`, byte for byte; its name counts as well. */
function filesIn(folder: string): [name: string, content: string][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => [name, `${name}\n${readFileSync(join(parentPath, name), 'latin1')}`]);
}

const echo =
  (part: string, status: number): Spoil =>
  ({ url, headers, body }) => {
    if (!url.includes(part)) return undefined;
    const text = `${url} ${headers.authorization} ${body}`;
    const code = new URLSearchParams(body).get('client_id') ?? headers.authorization?.slice('Bearer '.length);
    const answer = { code, error: code, messages: [{ key: code, message: text }, { key: text }], text };
    return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(answer) };
  };

test('from login to logout', async () => {
  const auth = (name: string): string[] => ['auth', 'comdirect', name];
  const commands = [auth('login'), auth('status'), auth('refresh'), run, ['status', '--json']];
  await expectSilence({
    commands: [...commands, ['quarantine', 'list'], auth('logout'), auth('status')],
    codes: [0, 0, 0, 0, 0, 0, 0, 3],
  });
});

test('a passphrase as the key of the token file', async () => {
  const commands = [
    ['auth', 'comdirect', 'login'],
    ['auth', 'comdirect', 'status'],
  ];
  await expectSilence({ commands, codes: [0, 0], env: { PLUMBING_TOKEN_KEY: planted.clientSecret } });
});

describe('a run at a bank that', () => {
  const pages = '/transactions';
  test.each<[string, Omit<Session, 'commands' | 'codes'> & Partial<Pick<Session, 'codes'>>]>([
    ['refuses the PIN', { env: { COMDIRECT_PASSWORD: wrongPin }, codes: [3] }],
    ['resets the connection of the PIN', { faults: [{ kind: 'reset', path: '/oauth/token' }] }],
    ['answers the PIN with a page for people', { faults: [{ kind: 'html', path: '/oauth/token' }] }],
    [
      'answers the PIN with half of a token',
      { faults: [{ kind: 'truncated', shape: 'clean', path: '/oauth/token' }] },
    ],
    ['repeats the PIN in its refusal', { spoil: echo('/oauth/token', 401), codes: [3] }],
    ['repeats the token in its refusal', { spoil: echo('/validate', 422) }],
    [
      'sends the login elsewhere',
      { faults: [{ kind: 'redirect', location: 'https://elsewhere.example/', path: '/validate' }] },
    ],
    ['never accepts the token', { faults: [{ kind: 'status', status: 401, path: '/balances', times: 0 }] }],
    ['repeats the token when it is asked for rows', { spoil: echo(pages, 403) }],
    ['refuses in Latin-1', { faults: [{ kind: 'latin1', status: 422, path: pages, times: 0 }] }],
    [
      'sends the reader elsewhere',
      { faults: [{ kind: 'redirect', location: 'https://elsewhere.example/', path: pages, times: 0 }] },
    ],
    [
      'asks for an hour of patience',
      { faults: [{ kind: 'status', status: 429, retryAfter: '3600', path: pages, times: 0 }] },
    ],
  ])('%s', async (_what, session) => {
    await expectSilence({ codes: [1], ...session, commands: [run] });
  });

  test('recovers: breaks off, dies and adds fields', async () => {
    const faults: Fault[] = [
      { kind: 'truncated', shape: 'length', path: '/balances' },
      { kind: 'expired-token', path: pages },
      { kind: 'unknown-fields', path: pages, times: 0 },
    ];
    await expectSilence({ faults, commands: [run], codes: [0] });
  });

  test('never answers, until the person has enough', async () => {
    const faults: Fault[] = [{ kind: 'hang', path: pages, times: 0 }];
    await expectSilence({ faults, commands: [run], codes: [130], interruptAt: pages });
  });
});

test('a configuration that is wrong is named without its values', async () => {
  await expectSilence({
    commands: [run],
    codes: [2],
    env: { COMDIRECT_BASE_URL: `https://me:${planted.password}@bank.example` },
  });
});

test('a source of somebody else that quotes a secret in its errors: neither report nor run record nor quarantine repeats it', async () => {
  const mine = `
    import { z } from ${JSON.stringify(fileURLToPath(import.meta.resolve('zod')))};
    import { defineSource, defineStream, definePipeline } from ${JSON.stringify(dist('index.js'))};
    import { Secret } from ${JSON.stringify(dist('auth/index.js'))};
    import { sqlite } from ${JSON.stringify(dist('destinations/sqlite/index.js'))};
    const secret = new Secret(${JSON.stringify(planted.clientSecret)});
    const schema = z.object({ id: z.int().refine((id) => id < 2, 'not for ' + secret.reveal()) });
    const quoting = (name, where) => defineStream({ name, schema, primaryKey: ['id'], async *read() {
      yield [{ id: 1 }, { id: 2 }];
      throw Object.assign(new Error('refused: ' + secret.reveal()), where);
    } });
    export default definePipeline({ destination: sqlite('test.db'), source: defineSource({ name: 'mine', streams: [
      quoting('a', {}), quoting('b', { code: 'SOURCE_FAILED', retryable: false }) ] }) });`;
  await expectSilence({
    files: { 'mine.mjs': mine },
    commands: [
      ['run', 'mine.mjs', '--json'],
      ['run', 'mine.mjs'],
      ['status', '--json'],
      ['quarantine', 'list', '--json'],
    ],
    codes: [1, 1, 0, 0],
  });
});
