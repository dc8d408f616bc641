/** An HTTP client for sources: one origin, bounded in everything, careful with what is sent twice. */
import { HttpError, PlumbingError, isPlumbingError } from '../errors/index.ts';
import { Secret, getLogger } from '../logging/index.ts';
import { readBody } from './body.ts';
import { systemClock } from './clock.ts';
import { decodeText } from './decode.ts';
import { parseJson } from './json.ts';
import { RateLimiter } from './rate-limiter.ts';
import { defaultRetry, isRetryableStatus, parseRetryAfter, retryDelay } from './retry.ts';
import type {
  Clock,
  HttpClient,
  HttpClientOptions,
  HttpRequest,
  HttpResponse,
  RetryPolicy,
} from './types.ts';
import { checkBaseUrl, resolveUrl } from './url.ts';

const log = getLogger('http');
const maxRedirects = 5;
/** Error bodies are kept for the connector to read, up to this size. */
const maxErrorBytes = 64 * 1024;

/**
 * Makes a client for one origin.
 *
 * GETs are retried after network errors, timeouts, 408, 425, 429 and 5xx, with backoff, jitter and `Retry-After`. All
 * other methods are sent once. Redirects are followed for GETs within the origin only. JSON keeps every digit.
 *
 * @throws PlumbingError `CONFIG_INVALID` for a base URL that is not https (http is allowed for loopback addresses).
 *
 * @example
 * ```ts
 * const http = createHttpClient({ baseUrl: 'https://api.example.com', rateLimit: { requestsPerSecond: 2 } });
 * const response = await http.request({ path: 'items', query: { page: 1 } });
 * const items = response.json();
 * ```
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  return new Client(options);
}

class Client implements HttpClient {
  readonly #base: URL;
  readonly #options: HttpClientOptions;
  readonly #retry: RetryPolicy;
  readonly #clock: Clock;
  readonly #limiter: RateLimiter | undefined;

  constructor(options: HttpClientOptions) {
    this.#base = checkBaseUrl(options.baseUrl);
    this.#options = options;
    this.#retry = { ...defaultRetry, ...options.retry };
    this.#clock = options.clock ?? systemClock;
    this.#limiter = options.rateLimit && new RateLimiter(options.rateLimit, this.#clock);
  }

  get origin(): string {
    return this.#base.origin;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const method = request.method ?? 'GET';
    const url = resolveUrl(this.#base, request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const mayRetry = request.retry ?? method === 'GET';
    for (let attempt = 1; ; attempt++) {
      request.signal?.throwIfAborted();
      await this.#limiter?.turn(request.signal);
      try {
        return await this.#follow(url, method, request);
      } catch (error) {
        request.signal?.throwIfAborted();
        const delayMs = mayRetry ? retryDelay(error, attempt, this.#retry) : undefined;
        if (delayMs === undefined) throw error;
        log.info('{what}; attempt {attempt} follows in {delayMs} ms', {
          what: isPlumbingError(error) ? error.message : 'failed',
          attempt: attempt + 1,
          delayMs: Math.round(delayMs),
        });
        await this.#clock.sleep(delayMs, request.signal);
      }
    }
  }

  async #follow(start: URL, method: string, request: HttpRequest): Promise<HttpResponse> {
    let url = start;
    for (let hop = 0; ; hop++) {
      const response = await this.#send(url, method, request);
      if (response.status < 300 || response.status >= 400) return response;
      const location = response.headers.get('location');
      const what = nameOf(method, url);
      if (method !== 'GET' || location === null) {
        throw new PlumbingError(
          'HTTP_REDIRECT',
          `${what}: answered ${response.status}; a redirect of this request is never followed`,
        );
      }
      if (hop >= maxRedirects)
        throw new PlumbingError('HTTP_REDIRECT', `${what}: more than ${maxRedirects} redirects`);
      try {
        url = resolveUrl(this.#base, new URL(location, url).href);
      } catch (cause) {
        throw new PlumbingError(
          'HTTP_REDIRECT',
          `${what}: redirects to another origin; it was not followed`,
          { cause },
        );
      }
    }
  }

  /** One exchange, deadline and size cap included. */
  async #send(url: URL, method: string, request: HttpRequest): Promise<HttpResponse> {
    const { timeoutMs = 30_000, idleTimeoutMs = 10_000, maxBytes = 32 * 1024 * 1024 } = this.#options;
    const what = nameOf(method, url);
    const abort = new AbortController();
    const timeout = setTimeout(() => {
      abort.abort(
        new PlumbingError('HTTP_TIMEOUT', `${what}: no complete answer within ${timeoutMs} ms`, {
          retryable: true,
        }),
      );
    }, timeoutMs);
    const { signal } = request;
    const onAbort = (): void => abort.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const response = await (this.#options.fetch ?? fetch)(url, this.#init(method, request, abort.signal));
      const bytes = await readBody(response, { maxBytes, idleTimeoutMs, what }, (reason) =>
        abort.abort(reason),
      );
      const answer = new Answer(response, bytes);
      if (response.status >= 400) throw this.#statusError(what, answer);
      return answer;
    } catch (cause) {
      if (isPlumbingError(cause)) throw cause;
      if (abort.signal.aborted) throw abort.signal.reason;
      throw new PlumbingError('HTTP_NETWORK', `${what}: the connection failed (${reasonOf(cause)})`, {
        retryable: true,
      });
    } finally {
      clearTimeout(timeout);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #init(method: string, request: HttpRequest, signal: AbortSignal): RequestInit {
    const given = typeof request.headers === 'function' ? request.headers() : request.headers;
    const headers: Record<string, string> = {
      accept: 'application/json',
      ...lowerCase(this.#options.headers),
      ...lowerCase(given),
    };
    const init: RequestInit = { method, headers, redirect: 'manual', signal };
    const { body } = request;
    if (body && 'form' in body) {
      headers['content-type'] ??= 'application/x-www-form-urlencoded';
      const fields = Object.entries(body.form).map(([name, value]): [string, string] => [
        name,
        value instanceof Secret ? value.reveal() : value,
      ]);
      init.body = new URLSearchParams(fields).toString();
    } else if (body) {
      headers['content-type'] ??= 'application/json';
      init.body = JSON.stringify(body.json);
    }
    return init;
  }

  #statusError(what: string, answer: HttpResponse): HttpError {
    const { status } = answer;
    const retryAfterMs = parseRetryAfter(answer.headers.get('retry-after'), this.#clock.now());
    return new HttpError(`${what}: answered ${status}`, {
      status,
      retryable: isRetryableStatus(status),
      context: { status, ...(retryAfterMs !== undefined && { retryAfterMs }) },
      bodyText: answer.bytes.byteLength <= maxErrorBytes ? answer.text() : '',
    });
  }
}

class Answer implements HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;

  constructor(response: Response, bytes: Uint8Array) {
    this.status = response.status;
    this.headers = response.headers;
    this.bytes = bytes;
  }

  text(): string {
    return decodeText(this.bytes, this.headers.get('content-type'));
  }

  json(): unknown {
    return parseJson(this.text());
  }
}

/** A request in messages: ids in the path may be account numbers, query values anything. */
function nameOf(method: string, url: URL): string {
  const path = url.pathname
    .split('/')
    .map((part) => (/\d{5}|[\dA-Fa-f-]{16}/.test(part) ? '…' : part))
    .join('/');
  return `${method} ${url.host}${path}`;
}

/** The system's word for what went wrong, e.g. ECONNREFUSED; never the message, which may quote headers. */
function reasonOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return error instanceof Error ? error.name : 'unknown';
}

function lowerCase(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
