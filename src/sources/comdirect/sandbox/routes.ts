/** What the bank answers: header rules that all endpoints share, and which endpoint is which. */
import type { IncomingHttpHeaders } from 'node:http';
import { businessError, notFound, oauthError, tooManyRequests } from './answers.ts';
import type { Answer } from './answers.ts';
import type { Bank } from './bank.ts';

/** A request, its body read. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The answer of the bank to a call. */
export function answer(bank: Bank, call: Call): Answer {
  if (!/^\/(oauth|api)\//.test(call.path)) return notFound;
  if (!accepts(call.headers)) return notAcceptable;
  return call.path.startsWith('/oauth/') ? oauth(bank, call) : api(bank, call);
}

/** The bearer token of a call; empty without one. */
export function bearerOf(headers: IncomingHttpHeaders): string {
  return /^bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
}

const notAcceptable: Answer = { status: 406, body: '', headers: {} };

/** Reference: section 0.3 and quirk 20: an Accept header is needed, and must leave room for JSON. */
function accepts({ accept = '' }: IncomingHttpHeaders): boolean {
  return /application\/(json|\*)|\*\/\*/.test(accept);
}

function oauth(bank: Bank, { method, path, headers, body }: Call): Answer {
  if (method === 'DELETE' && path === '/oauth/revoke') return bank.login.revoke(bearerOf(headers));
  if (method !== 'POST' || path !== '/oauth/token') return notFound;
  const isForm = (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  return isForm
    ? bank.login.token(new URLSearchParams(body))
    : oauthError(415, 'invalid_request', 'Unsupported media type');
}

function api(bank: Bank, call: Call): Answer {
  const { method, path, query, headers } = call;
  if (bank.isOverLimit()) return tooManyRequests('1');
  if (!hasRequestInfo(headers, bank.strictHeaders)) {
    return businessError(400, 'request.header.invalid', {
      key: 'x-http-request-info.invalid',
      message: 'The header {0} is missing or malformed',
      args: { '0': 'x-http-request-info' },
    });
  }
  const session = bank.login.sessionOf(bearerOf(headers));
  if (!session) return oauthError(401, 'invalid_token', 'The access token is unknown or has expired');
  if (path.startsWith('/api/session/')) return sessionCall(bank, session, call);
  if (session.stage !== 'banking')
    return oauthError(403, 'insufficient_scope', 'Insufficient scope for this resource');
  if (method !== 'GET') return notFound;
  if (/^\/api\/banking\/clients\/[^/]+\/v[12]\/accounts\/balances$/.test(path))
    return bank.banking.balances(query);
  const [, accountId = '', what] =
    /^\/api\/banking\/v[12]\/accounts\/([^/]+)\/(balances|transactions)$/.exec(path) ?? [];
  if (what === 'balances') return bank.banking.balance(accountId, query);
  return what === 'transactions' ? bank.banking.transactions(accountId, query) : notFound;
}

/** Reference: section 0.3: present and roughly parseable; with `strict`, as documented. */
function hasRequestInfo(headers: IncomingHttpHeaders, strict: boolean): boolean {
  const info = headerOf(headers, 'x-http-request-info');
  if (info === undefined || !info.includes('clientRequestId')) return false;
  if (strict) return isDocumentedRequestInfo(info);
  return (
    /["']sessionId["']\s*:\s*["'][^"']+["']/.test(info) &&
    /["']requestId["']\s*:\s*["']?[^"',}\s]+/.test(info)
  );
}

function isDocumentedRequestInfo(info: string): boolean {
  try {
    const { clientRequestId } = JSON.parse(info) as { clientRequestId?: Record<string, unknown> };
    const { sessionId, requestId } = clientRequestId ?? {};
    return (
      /^[\da-f]{32}$/i.test(String(sessionId)) && typeof requestId === 'string' && /^\d{9}$/.test(requestId)
    );
  } catch {
    return false;
  }
}

type Session = NonNullable<ReturnType<Bank['login']['sessionOf']>>;

function sessionCall(
  { secondFactor }: Bank,
  session: Session,
  { method, path, headers, body }: Call,
): Answer {
  const authentication = /^\/api\/session\/v1\/authentications\/([^/]+)$/.exec(path)?.[1];
  if (authentication !== undefined && method === 'GET') return secondFactor.poll(session, authentication);
  const [matched, identifier, validate = ''] =
    /^\/api\/session\/clients\/[^/]+\/v1\/sessions(?:\/([^/]+)(\/validate)?)?$/.exec(path) ?? [];
  if (matched === undefined) return notFound;
  if (identifier === undefined) return method === 'GET' ? secondFactor.sessions(session) : notFound;
  const info = headerOf(headers, 'x-once-authentication-info');
  if (method === 'POST' && validate !== '') return secondFactor.validate(session, identifier, body, info);
  if (method !== 'PATCH' || validate !== '') return notFound;
  return secondFactor.activate(session, identifier, body, info, headerOf(headers, 'x-once-authentication'));
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
