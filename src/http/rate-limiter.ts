/** Spaces requests out: a token bucket, served in the order of arrival. */
import type { Clock, RateLimit } from './types.ts';
import { untilAborted } from './until-aborted.ts';

/** Grants turns; one for each client. */
export class RateLimiter {
  readonly #intervalMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  /** When the bucket is full again, were nobody to come. */
  #fullAtMs = Number.NEGATIVE_INFINITY;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(limit: RateLimit, clock: Clock) {
    if (!(limit.requestsPerSecond > 0)) throw new TypeError('requestsPerSecond must be above 0');
    this.#intervalMs = 1000 / limit.requestsPerSecond;
    this.#burst = Math.max(1, limit.burst ?? 1);
    this.#clock = clock;
  }

  /** Resolves when it is the caller's turn; rejects with `signal.reason` when aborted, also while queued. */
  turn(signal?: AbortSignal): Promise<void> {
    const turn = this.#queue.then(() => this.#wait(signal));
    this.#queue = turn.catch(() => undefined);
    return untilAborted(turn, signal);
  }

  async #wait(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const nowMs = this.#clock.now();
    const slackMs = (this.#burst - 1) * this.#intervalMs;
    // A clock that was set back must not make the next request wait for the difference.
    const fullAtMs = Math.min(Math.max(this.#fullAtMs, nowMs), nowMs + this.#burst * this.#intervalMs);
    const waitMs = fullAtMs - slackMs - nowMs;
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
    this.#fullAtMs = fullAtMs + this.#intervalMs;
  }
}
