/** The HTTP client's contract. */
import type { Secret } from '../logging/index.ts';

/** When and how often a failed GET is tried again. */
export interface RetryPolicy {
  /** Tries in all, the first included. Default 5. */
  readonly maxAttempts: number;
  /** First wait in milliseconds; doubles each time, with full jitter. Default 1,000. */
  readonly baseDelayMs: number;
  /** Longest single wait in milliseconds; a longer `Retry-After` is an error instead. Default 60,000. */
  readonly maxDelayMs: number;
}

/** At most this many requests a second, sent one after another when the limit is reached. */
export interface RateLimit {
  readonly requestsPerSecond: number;
  /** Requests that may go at once after a pause. Default 1. */
  readonly burst?: number;
}

/** The clock that the client waits by; replaced in tests. */
export interface Clock {
  /** Wall-clock milliseconds since 1970. */
  now(): number;
  /** Resolves after `delayMs`, rejects with `signal.reason` when aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Options of {@link createHttpClient}. */
export interface HttpClientOptions {
  /** Origin, with an optional base path. `https:`, or `http:` for a loopback address only. */
  readonly baseUrl: string;
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Deadline of one attempt in milliseconds, body included. Default 30,000. */
  readonly timeoutMs?: number;
  /** Longest pause between two pieces of a body in milliseconds. Default 10,000. */
  readonly idleTimeoutMs?: number;
  /** Largest decoded body in bytes. Default 32 MiB. */
  readonly maxBytes?: number;
  /** Default: no limit. */
  readonly rateLimit?: RateLimit | undefined;
  readonly retry?: Partial<RetryPolicy>;
  readonly clock?: Clock;
  /** Sends the requests in place of `node:http` and `node:https`, e.g. the built-in `fetch`. */
  readonly fetch?: typeof fetch;
}

/** One request. */
export interface HttpRequest {
  /** Default `GET`. Only `GET` is retried, unless `retry` says otherwise. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Relative to the base URL, or an absolute URL of the same origin (`LINK_ORIGIN` otherwise, before any connection). */
  readonly path: string;
  /** Added to those of the path. What is `undefined` or `null` is left out. */
  readonly query?: Readonly<Record<string, string | number | bigint | boolean | null | undefined>>;
  /** A function is called once an attempt, so that each attempt can carry an id of its own. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
  /** JSON keeps every digit of a `bigint`. */
  readonly body?: { readonly form: Readonly<Record<string, string | Secret>> } | { readonly json: unknown };
  /** `false` sends this request exactly once. Default: `true` for GET, `false` for all others. */
  readonly retry?: boolean;
  /** Called when a successful answer is there in full, before it is parsed: a request that is made here travels meanwhile. */
  readonly onReceived?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A successful (2xx) answer, its body read completely. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The body's bytes after content decoding. */
  readonly bytes: Uint8Array;
  /** Strict UTF-8 first, then the declared charset, then ISO-8859-1; a byte order mark is dropped. */
  text(): string;
  /**
   * The body as JSON, without loss: integers beyond 2^53 become `bigint`, other numbers that a double cannot
   * hold become their source text. `HTTP_BAD_BODY` when it is no JSON. Parsed once.
   */
  json(): unknown;
}

/** A client bound to one origin. */
export interface HttpClient {
  readonly origin: string;
  /**
   * Sends one request.
   *
   * @throws HttpError (`HTTP_STATUS`) for any status other than 2xx; `HTTP_NETWORK`, `HTTP_TIMEOUT`,
   * `HTTP_BAD_BODY`, `HTTP_REDIRECT`, `LINK_ORIGIN`, `LIMIT_EXCEEDED`; `CONFIG_INVALID` before anything is sent, for a GET with
   * a body and for headers that HTTP can't carry or that say where a message ends (e.g. `content-length`); `signal.reason` when
   * aborted.
   */
  request(request: HttpRequest): Promise<HttpResponse>;
}
