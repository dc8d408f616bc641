/** When a failed request is sent again, and after how long. */
import { HttpError, isPlumbingError } from '../errors/index.ts';
import type { RetryPolicy } from './types.ts';

/** Defaults of {@link RetryPolicy}. */
export const defaultRetry: RetryPolicy = { maxAttempts: 5, baseDelayMs: 1_000, maxDelayMs: 60_000 };

/** Statuses after which the same request may succeed. */
const retryableStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Whether a status says "later", not "no". */
export function isRetryableStatus(status: number): boolean {
  return retryableStatuses.has(status);
}

/**
 * The wait before the next attempt, in milliseconds, or `undefined` when the request should fail now: the error is
 * final, the attempts are used up, or the server asks for a longer wait than `maxDelayMs`.
 *
 * @param attempt number of the attempt that failed, from 1
 */
export function retryDelay(
  error: unknown,
  attempt: number,
  policy: RetryPolicy,
  random: () => number = Math.random,
): number | undefined {
  if (!isPlumbingError(error) || !error.retryable || attempt >= policy.maxAttempts) return undefined;
  const asked = error instanceof HttpError ? error.context['retryAfterMs'] : undefined;
  if (typeof asked === 'number') return asked <= policy.maxDelayMs ? Math.max(asked, 0) : undefined;
  // Full jitter: clients that failed together do not come back together.
  return random() * Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempt - 1));
}

/**
 * The wait that a `Retry-After` header asks for, in milliseconds: seconds or an HTTP date (RFC 9110, section 10.2.3).
 * `undefined` for an absent, negative, past or unreadable one: the usual backoff serves better than no wait at all.
 */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000 || undefined;
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text))
    return undefined;
  const waitMs = Date.parse(text) - nowMs;
  return waitMs > 0 ? waitMs : undefined;
}
