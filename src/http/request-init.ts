import { PlumbingError } from '../errors/index.ts';
import { Secret } from '../logging/index.ts';
import type { HttpRequest } from './types.ts';

/** What is sent in one attempt. It also serves as the second argument of `fetch`. */
export interface SentRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: 'manual';
  readonly signal: AbortSignal;
  readonly body?: string;
}

/**
 * Makes what is sent in one attempt.
 *
 * @throws PlumbingError `CONFIG_INVALID` for a header that HTTP can't carry or that says where a message ends, and for a GET with a
 * body.
 */
export function requestInit(
  request: HttpRequest,
  defaults: Readonly<Record<string, string>> | undefined,
  signal: AbortSignal,
): SentRequest {
  const given = typeof request.headers === 'function' ? request.headers() : request.headers;
  const headers = checkedHeaders({
    accept: 'application/json',
    ...lowerCase(defaults),
    ...lowerCase(given),
  });
  const method = request.method ?? 'GET';
  const body = bodyOf(request, headers);
  if (method === 'GET' && body !== undefined) {
    throw new PlumbingError('CONFIG_INVALID', 'a GET carries no body; put what it asks for into the query');
  }
  return {
    method,
    headers,
    redirect: 'manual',
    signal,
    ...(body !== undefined && { body }),
  };
}

/** The body's text. Says in `headers` what it is, unless they say so already. */
function bodyOf({ body }: HttpRequest, headers: Headers): string | undefined {
  if (!body) return undefined;
  if ('json' in body) {
    setDefault(headers, 'content-type', 'application/json');
    return JSON.stringify(body.json, exactly);
  }
  setDefault(headers, 'content-type', 'application/x-www-form-urlencoded');
  const fields = Object.entries(body.form).map(([name, value]): [string, string] => [
    name,
    value instanceof Secret ? value.reveal() : value,
  ]);
  return new URLSearchParams(fields).toString();
}

const { rawJSON: rawJson } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** Integers of any size, with all their digits. */
function exactly(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJson(value.toString()) : value;
}

/** With these a caller could say where the message ends, and the rest would pass for another request. */
const framing: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
// oxlint-disable-next-line no-control-regex
const unsendable = /[^\t\x20-\x7e\x80-\xff]/;

/** The built-in error for a bad header quotes its value, which may be a token. */
function checkedHeaders(values: Readonly<Record<string, string>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(values)) {
    if (framing.has(name)) {
      throw new PlumbingError(
        'CONFIG_INVALID',
        `header ${JSON.stringify(name)} belongs to the connection, which is not the caller's; leave it out`,
      );
    }
    try {
      if (unsendable.test(value)) throw new TypeError('a control character');
      headers.set(name, value);
    } catch {
      throw new PlumbingError(
        'CONFIG_INVALID',
        `header ${JSON.stringify(name)}: name or value has a character that HTTP does not allow, e.g. a line break`,
      );
    }
  }
  return headers;
}

function setDefault(headers: Headers, name: string, value: string): void {
  if (!headers.has(name)) headers.set(name, value);
}

function lowerCase(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
