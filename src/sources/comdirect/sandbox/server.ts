/** Serves the bank over HTTP: routes, common header rules, faults, control. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { businessError, notFound, oauthError, ok, tooManyRequests } from './answers.ts';
import type { Answer } from './answers.ts';
import type { Bank } from './bank.ts';
import { addUnknownFields } from './faults.ts';
import type { Fault } from './faults.ts';

const maxBodyBytes = 64 * 1024;
const maxLogged = 10_000;

/** A request that reached the bank; no header values, no body. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly status: number;
}

/** A running server. */
export interface RunningServer {
  readonly url: string;
  readonly requests: SeenRequest[];
  close(): Promise<void>;
}

/** Serves `bank` on a loopback address. */
export async function serve(bank: Bank, host: string, port: number): Promise<RunningServer> {
  const requests: SeenRequest[] = [];
  const server: Server = createServer((request, response) => {
    handle(bank, request, response, requests).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 30_000;
  server.listen(port, host);
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    requests,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function handle(
  bank: Bank,
  request: IncomingMessage,
  response: ServerResponse,
  requests: SeenRequest[],
): Promise<void> {
  const method = methodOf(request);
  const url = request.url ?? '/';
  const body = await readText(request);
  if (body === undefined) return send(response, ok('', 413));
  if (url.startsWith('/sandbox/'))
    return send(response, bank.control(method, new URL(url, 'http://sandbox'), body));
  const faults = bank.faults.strike(method, url);
  const answer = answerOf(bank, method, url, request, body, faults);
  requests.push({ method, url, status: answer.status });
  if (requests.length > maxLogged) requests.shift();
  await sendWithFaults(response, answer, faults);
}

/** Reference: section 0.2, method override. */
function methodOf(request: IncomingMessage): string {
  const override = request.headers['x-http-method-override'];
  return typeof override === 'string' && /^(PUT|PATCH|DELETE)$/.test(override)
    ? override
    : (request.method ?? 'GET');
}

async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function answerOf(
  bank: Bank,
  method: string,
  rawUrl: string,
  request: IncomingMessage,
  body: string,
  faults: readonly Fault[],
): Answer {
  const access = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  for (const fault of faults) {
    if (fault.kind === 'status') return faultStatus(fault.status, fault.retryAfter);
    if (fault.kind === 'html')
      return {
        status: 200,
        body: '<!doctype html><title>Wartung</title>',
        headers: { 'content-type': 'text/html' },
      };
    if (fault.kind === 'redirect') return { status: 307, body: '', headers: { location: fault.location } };
    if (fault.kind === 'arrival') bank.banking.arrive();
    if (fault.kind === 'expired-token') bank.login.expire(access);
  }
  const url = new URL(rawUrl, 'http://sandbox');
  const answer = url.pathname.startsWith('/oauth/')
    ? oauth(bank, method, url.pathname, request, body, access)
    : api(bank, method, url, request, body, access);
  const isJson = typeof answer.body === 'string' && answer.body !== '' && answer.status < 300;
  return isJson && faults.some(({ kind }) => kind === 'unknown-fields')
    ? { ...answer, body: addUnknownFields(answer.body) }
    : answer;
}

function faultStatus(status: number, retryAfter: string | undefined): Answer {
  if (status === 429) return tooManyRequests(retryAfter);
  if (status === 404) return notFound;
  const answer = businessError(status, 'internal.error', {
    key: 'internal.error',
    message: 'Fault on demand',
  });
  return retryAfter === undefined
    ? answer
    : { ...answer, headers: { ...answer.headers, 'retry-after': retryAfter } };
}

function oauth(
  bank: Bank,
  method: string,
  path: string,
  request: IncomingMessage,
  body: string,
  access: string,
): Answer {
  if (!accepts(request)) return notAcceptable;
  if (method === 'POST' && path === '/oauth/token') {
    const isForm = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
    return isForm
      ? bank.login.token(new URLSearchParams(body))
      : oauthError(415, 'invalid_request', 'Unsupported media type');
  }
  if (method === 'DELETE' && path === '/oauth/revoke') return bank.login.revoke(access);
  return notFound;
}

const notAcceptable: Answer = { status: 406, body: '', headers: {} };

/** Reference: section 0.3 and quirk 20: an Accept header is needed, and must leave room for JSON. */
function accepts(request: IncomingMessage): boolean {
  return /application\/(json|\*)|\*\/\*/.test(request.headers.accept ?? '');
}

/** Reference: section 0.3: present and roughly parseable, unless strict. */
function hasRequestInfo(request: IncomingMessage, strict: boolean): boolean {
  const info = request.headers['x-http-request-info'];
  if (typeof info !== 'string' || !info.includes('clientRequestId')) return false;
  const sessionId = /["']sessionId["']\s*:\s*["']([^"']+)["']/.exec(info)?.[1];
  const requestId = /["']requestId["']\s*:\s*["']?([^"',}\s]+)/.exec(info)?.[1];
  if (sessionId === undefined || requestId === undefined) return false;
  return !strict || (/^[\da-fA-F]{32}$/.test(sessionId) && /^\d{9}$/.test(requestId));
}

function api(
  bank: Bank,
  method: string,
  url: URL,
  request: IncomingMessage,
  body: string,
  access: string,
): Answer {
  const path = url.pathname;
  if (!path.startsWith('/api/')) return notFound;
  if (!accepts(request)) return notAcceptable;
  if (bank.isOverLimit()) return tooManyRequests('1');
  if (!hasRequestInfo(request, bank.strictHeaders)) {
    return businessError(400, 'request.header.invalid', {
      key: 'x-http-request-info.invalid',
      message: 'The header {0} is missing or malformed',
      args: { '0': 'x-http-request-info' },
    });
  }
  const right = bank.login.authorise(access);
  if (right === 'none') return oauthError(401, 'invalid_token', 'The access token is unknown or has expired');
  if (path.startsWith('/api/session/')) return session(bank, method, path, request, body, access);
  if (right !== 'banking')
    return oauthError(403, 'insufficient_scope', 'Insufficient scope for this resource');
  if (method !== 'GET') return notFound;
  if (/^\/api\/banking\/clients\/[^/]+\/v[12]\/accounts\/balances$/.test(path))
    return bank.banking.balances(url.searchParams);
  const [, accountId = '', what] =
    /^\/api\/banking\/v[12]\/accounts\/([^/]+)\/(balances|transactions)$/.exec(path) ?? [];
  if (what === 'balances') return bank.banking.balance(accountId, url.searchParams);
  return what === 'transactions' ? bank.banking.transactions(accountId, url.searchParams) : notFound;
}

function session(
  bank: Bank,
  method: string,
  path: string,
  request: IncomingMessage,
  body: string,
  access: string,
): Answer {
  const authentication = /^\/api\/session\/v1\/authentications\/([^/]+)$/.exec(path)?.[1];
  if (authentication !== undefined && method === 'GET') return bank.login.poll(authentication);
  const [matched, identifier = '', validate] =
    /^\/api\/session\/clients\/[^/]+\/v1\/sessions(?:\/([^/]+)(\/validate)?)?$/.exec(path) ?? [];
  if (matched === undefined) return notFound;
  const info = headerOf(request, 'x-once-authentication-info');
  if (identifier === '') return method === 'GET' ? bank.login.sessions(access) : notFound;
  if (validate !== undefined)
    return method === 'POST' ? bank.login.validate(access, identifier, body, info) : notFound;
  return method === 'PATCH'
    ? bank.login.activate(access, identifier, body, info, headerOf(request, 'x-once-authentication'))
    : notFound;
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function send(response: ServerResponse, answer: Answer): void {
  const length = Buffer.byteLength(answer.body);
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(answer.status !== 204 && { 'content-length': length }),
  });
  response.end(answer.body);
}

async function sendWithFaults(
  response: ServerResponse,
  answer: Answer,
  faults: readonly Fault[],
): Promise<void> {
  for (const fault of faults) {
    if (fault.kind === 'reset') return void response.destroy();
    if (fault.kind === 'hang') return;
    if (fault.kind === 'slow' && fault.part === 'headers')
      await delay(fault.delayMs, undefined, { ref: false });
    const half = Buffer.from(answer.body).subarray(0, Math.floor(Buffer.byteLength(answer.body) / 2));
    if (fault.kind === 'truncated' && fault.shape === 'clean')
      return void response.writeHead(answer.status, answer.headers).end(half);
    if (fault.kind === 'truncated') {
      response.writeHead(answer.status, {
        ...answer.headers,
        'content-length': Buffer.byteLength(answer.body),
      });
      return void response.write(half, () => response.destroy());
    }
    if (fault.kind === 'slow' && fault.part === 'body') {
      response.writeHead(answer.status, answer.headers).write(half);
      await delay(fault.delayMs, undefined, { ref: false });
      return void response.end(Buffer.from(answer.body).subarray(half.length));
    }
  }
  send(response, answer);
}
