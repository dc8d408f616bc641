/** A bank on a loopback port that logs everybody in, and of which a test replaces single answers. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadComdirectConfig } from '../../../src/sources/comdirect/config.ts';
import type { ComdirectConfig } from '../../../src/sources/comdirect/config.ts';
import { ChallengeLedger } from '../../../src/sources/comdirect/challenge-ledger.ts';
import type { Clock } from '../../../src/http/index.ts';

/** A request as it arrived. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** An answer; a bare object is JSON with status 200. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly json?: unknown;
}

/** Gives the answer to a request, or `undefined` for the usual one. `n`: how often this route was asked before. */
export type Script = (request: Received, n: number) => Reply | undefined;

/** A running bank. */
export interface ScriptedBank {
  readonly config: ComdirectConfig;
  readonly url: string;
  readonly requests: readonly Received[];
  /** `METHOD path` of all requests, ids left out. */
  readonly calls: () => string[];
  script: Script;
}

export const sessionId = '901CDD426AF14D8685C8F3DA456C3C65';
export const approvalPath = `/api/session/v1/authentications/${'A1'.repeat(16)}`;
/** The smallest thing that begins like a PNG. */
export const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
export const credentials = {
  COMDIRECT_CLIENT_ID: 'User_27A4A8AACANARY',
  COMDIRECT_CLIENT_SECRET: 'c#lient+secret&CANARY',
  COMDIRECT_USERNAME: '87654321',
  COMDIRECT_PASSWORD: '135790',
};

/** The value of `x-once-authentication-info` for a challenge. */
export function challengeHeader(challenge: Readonly<Record<string, unknown>>): Reply {
  const full = { id: '605497991', availableTypes: ['P_TAN_PUSH', 'P_TAN', 'M_TAN'], ...challenge };
  return {
    status: 201,
    headers: { 'x-once-authentication-info': JSON.stringify(full) },
    json: { identifier: sessionId, sessionTanActive: true, activated2FA: true },
  };
}

export const push = (href: string | undefined = approvalPath): Reply =>
  challengeHeader({ typ: 'P_TAN_PUSH', link: { href, rel: 'related', method: 'GET' } });

/** A token answer; `serial` makes its values unique. */
export function tokenAnswer(serial: number | string, more: Readonly<Record<string, unknown>> = {}): Reply {
  return {
    json: {
      access_token: `access-CANARY-${serial}`,
      token_type: 'bearer',
      refresh_token: `refresh-CANARY-${serial}`,
      expires_in: 599,
      scope: 'TWO_FACTOR',
      kdnr: '1234567890',
      bpid: 12345678,
      kontaktId: 1234567890,
      ...more,
    },
  };
}

const usual = (request: Received, n: number): Reply => {
  const { method, path } = request;
  if (path === '/oauth/token') {
    const grant = new URLSearchParams(request.body).get('grant_type');
    return tokenAnswer(`${grant}-${n}`);
  }
  if (path === '/oauth/revoke') return { status: 204 };
  if (path.endsWith('/sessions') && method === 'GET')
    return { json: [{ identifier: sessionId, sessionTanActive: false, activated2FA: false }] };
  if (path.endsWith('/validate')) return push();
  if (path === approvalPath) return { json: { authenticationId: 'A1', status: 'AUTHENTICATED' } };
  if (method === 'PATCH')
    return { json: { identifier: sessionId, sessionTanActive: true, activated2FA: true } };
  return { status: 404 };
};

/** Starts a bank for the running test; it stops when the test ends. */
export async function startScriptedBank(script: Script = () => undefined): Promise<ScriptedBank> {
  const requests: Received[] = [];
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://bank');
      const received: Received = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      requests.push(received);
      const route = `${received.method} ${received.path}`;
      const n = asked.get(route) ?? 0;
      asked.set(route, n + 1);
      const reply = bank.script(received, n) ?? usual(received, n);
      const body = reply.json === undefined ? reply.body : JSON.stringify(reply.json);
      response.writeHead(reply.status ?? 200, {
        ...(reply.json !== undefined && { 'content-type': 'application/json' }),
        ...reply.headers,
      });
      response.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const bank: ScriptedBank = {
    config: loadComdirectConfig({ ...credentials, COMDIRECT_BASE_URL: url }),
    url,
    requests,
    calls: () => requests.map(({ method, path }) => `${method} ${path.replaceAll(/[\dA-F]{32}/g, '{id}')}`),
    script,
  };
  return bank;
}

/** A folder of the running test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbing-comdirect-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A ledger of the running test. */
export async function temporaryLedger(config: ComdirectConfig): Promise<ChallengeLedger> {
  return ChallengeLedger.of(config, await temporaryFolder());
}

/** A clock that never makes anybody wait, and remembers how long they would have. */
export function instantClock(startMs = Date.UTC(2026, 10, 23, 7)): Clock & {
  readonly sleeps: number[];
  advance(ms: number): void;
} {
  let nowMs = startMs;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => nowMs,
    advance: (ms) => void (nowMs += ms),
    async sleep(delayMs, signal) {
      signal?.throwIfAborted();
      sleeps.push(delayMs);
      nowMs += delayMs;
    },
  };
}

/** The error that `work` ends with. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => new Error('expected a failure'),
    (error: unknown) => error,
  );
}
