/** An HTTP client for sources: one origin, bounded in everything, careful with what is sent twice. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HttpError, PlumbingError, isPlumbingError } from '../errors/index.ts';
import { getLogger } from '../logging/index.ts';
import { Answer, mustBeJson } from './answer.ts';
import { readBody } from './body.ts';
import { systemClock } from './clock.ts';
import { RateLimiter } from './rate-limiter.ts';
import { requestInit } from './request-init.ts';
import { defaultRetry, isRetryableStatus, parseRetryAfter, retryDelay } from './retry.ts';
import { sendRequest } from './transport.ts';
import type { OpenAnswer } from './transport.ts';
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
 * GETs are retried after network errors, timeouts, broken bodies, 408, 425, 429, 500, 502, 503 and 504, with backoff,
 * jitter and `Retry-After`. A body that must be JSON is parsed within the attempt, so one that was cut off counts as
 * broken too, and so does an HTML page in answer to a request for JSON. All other methods are sent once; `retryable` on their errors speaks of a later run, for they may have had
 * their effect. Redirects are followed for GETs within the origin only. JSON keeps every digit.
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
      if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
    }
    const mayRetry = request.retry ?? method === 'GET';
    for (let attempt = 1; ; attempt++) {
      request.signal?.throwIfAborted();
      await this.#limiter?.turn(request.signal);
      try {
        return await this.#follow(url, method, request, mayRetry);
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

  async #follow(start: URL, method: string, request: HttpRequest, mayRetry: boolean): Promise<HttpResponse> {
    let url = start;
    for (let hop = 0; ; hop++) {
      const response = await this.#send(url, method, request, mayRetry);
      if (response.status < 300) return response;
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
        url = resolveUrl(url, location);
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
  async #send(url: URL, method: string, request: HttpRequest, mayRetry: boolean): Promise<HttpResponse> {
    const { timeoutMs = 30_000, idleTimeoutMs = 10_000, maxBytes = 32 * 1024 * 1024 } = this.#options;
    const what = nameOf(method, url);
    const abort = new AbortController();
    const { signal } = request;
    signal?.throwIfAborted();
    const init = requestInit(request, this.#options.headers, abort.signal);
    const timeout = setTimeout(() => {
      abort.abort(
        new PlumbingError(
          'HTTP_TIMEOUT',
          `${what}: no complete answer within ${timeoutMs} ms; try again later`,
          { retryable: true },
        ),
      );
    }, timeoutMs);
    const onAbort = (): void => abort.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const { fetch: send = sendRequest } = this.#options;
      const response: OpenAnswer = await send(url, init);
      const limits = { idleTimeoutMs, what };
      if (response.status >= 400) {
        // The status is the news; its body may be huge or break.
        const body = { ...limits, maxBytes: maxErrorBytes, beyond: 'cut' } as const;
        const bytes = await readBody(response, body, abort).catch(() => new Uint8Array());
        signal?.throwIfAborted();
        throw this.#statusError(what, new Answer(response, bytes, what));
      }
      const bytes = await readBody(response, { ...limits, maxBytes, beyond: 'fail' }, abort);
      const answer = new Answer(response, bytes, what);
      if (request.onReceived && response.status < 300) {
        request.onReceived();
        // What was asked for just now has to reach the wire before the parser takes the processor.
        await nextTurn();
      }
      // Parsed within the attempt, so that a body which was cut off is asked for again.
      if (mayRetry && response.status < 300 && mustBeJson(answer, init.headers.get('accept'))) answer.json();
      return answer;
    } catch (cause) {
      if (isPlumbingError(cause)) throw cause;
      if (abort.signal.aborted) throw abort.signal.reason;
      const reason = reasonOf(cause);
      throw new PlumbingError(
        'HTTP_NETWORK',
        `${what}: the connection failed (${reason}); check the network and the base URL`,
        { retryable: !untrusted.test(reason), context: { reason } },
      );
    } finally {
      clearTimeout(timeout);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #statusError(what: string, answer: HttpResponse): HttpError {
    const { status } = answer;
    const retryAfterMs = parseRetryAfter(answer.headers.get('retry-after'), this.#clock.now());
    return new HttpError(`${what}: answered ${status}; ${adviceFor(status)}`, {
      status,
      retryable: isRetryableStatus(status),
      context: { status, ...(retryAfterMs !== undefined && { retryAfterMs }) },
      bodyText: answer.text(),
    });
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

/** Failures of TLS, which stay until a person does something. */
const untrusted = /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

function adviceFor(status: number): string {
  if (status === 401) return 'the credentials were not accepted, log in again';
  if (status === 403) return 'access is not allowed, check what the account may do';
  if (status === 404) return 'there is nothing, check path and base URL';
  if (status === 429) return 'too many requests, wait or lower the rate limit';
  if (isRetryableStatus(status) || status >= 500) return 'the server has a problem, try again later';
  return 'the request was refused, bodyText() may say why';
}
