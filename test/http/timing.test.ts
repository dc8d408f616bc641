/** Waiting: how long, and that nothing is left behind when it is over. */
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { HttpError } from '../../src/errors/index.ts';
import { createHttpClient, systemClock, untilAborted } from '../../src/http/index.ts';
import { parseRetryAfter, retryDelay } from '../../src/http/retry.ts';
import { drip, hang, reply, startChaosServer } from '../../src/testing/index.ts';

const policy = { maxAttempts: 9, baseDelayMs: 100, maxDelayMs: 1_000 };
const unavailable = (context: Record<string, number> = {}): HttpError =>
  new HttpError('x', { status: 503, retryable: true, context, bodyText: '' });

describe('the wait before the next attempt', () => {
  test('doubles up to the longest, and may be anything below', () => {
    const waits = (random: number): unknown[] =>
      [1, 2, 3, 4, 5, 8, 9].map((attempt) => retryDelay(unavailable(), attempt, policy, () => random));
    expect(waits(1)).toEqual([100, 200, 400, 800, 1_000, 1_000, undefined]);
    expect(waits(0.5)).toEqual([50, 100, 200, 400, 500, 500, undefined]);
  });

  test.each([
    [0, 0],
    [1_000, 1_000],
    [1_001, undefined],
  ])('of %d ms, as the server asks, is %s', (retryAfterMs, expected) => {
    expect(retryDelay(unavailable({ retryAfterMs }), 1, policy)).toBe(expected);
  });

  test.each([
    ['2', 2_000],
    [' 2 ', 2_000],
    ['Mon, 23 Nov 2026 07:00:30 GMT', 30_000],
    [' Mon, 23 Nov 2026 07:00:30 GMT ', 30_000],
    ['Mon, 23 Nov 2026 07:00:00 GMT', undefined],
    ['Mon, 23 Nov 2026 06:59:59 GMT', undefined],
    ['x Mon, 23 Nov 2026 07:00:30 GMT', undefined],
    ['Mon, 23 Nov 2026 07:00:30 GMT+1', undefined],
    ['2026-11-24', undefined],
    ['1234567890123', undefined],
  ])('for Retry-After %j is %s', (header, expected) => {
    expect(parseRetryAfter(header, Date.parse('2026-11-23T07:00:00Z'))).toBe(expected);
  });
});

describe('a body', () => {
  test('that goes on is given its time, as long as no single pause is too long', async () => {
    await using server = await startChaosServer(drip('[1,2,3,4]', 40));
    const http = createHttpClient({ baseUrl: server.url, idleTimeoutMs: 250, retry: { maxAttempts: 1 } });
    expect((await http.request({ path: '/' })).json()).toEqual([1, 2, 3, 4]);
  });

  test('may be as large as allowed, and not a byte larger', async () => {
    await using server = await startChaosServer(reply(200, 'x'.repeat(1_000)));
    const request = (maxBytes: number) =>
      createHttpClient({ baseUrl: server.url, maxBytes }).request({ path: '/' });
    expect((await request(1_000)).bytes).toHaveLength(1_000);
    await expect(request(999)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining('larger than 999 bytes') as string,
    });
  });

  test('of many pieces arrives whole', async () => {
    const text = Array.from({ length: 200_000 }, (_, i) => i).join();
    await using server = await startChaosServer(reply(200, text));
    const response = await createHttpClient({ baseUrl: server.url }).request({ path: '/' });
    expect(response.text() === text).toBe(true);
  });
});

describe('when it is over', () => {
  test('no timer that would keep the process alive stays behind, and no listener', async () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const { signal } = new AbortController();
    const before = timers();
    for (const status of [200, 404]) {
      const http = createHttpClient({
        baseUrl: 'https://bank.example',
        fetch: async () => new Response('{}', { status }),
      });
      await http.request({ path: '/', signal }).catch(() => undefined);
    }
    expect(timers()).toBe(before);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('a deadline that has passed says so, and that another attempt may succeed', async () => {
    await using server = await startChaosServer(hang());
    const http = createHttpClient({ baseUrl: server.url, timeoutMs: 30, retry: { maxAttempts: 1 } });
    await expect(http.request({ path: '/' })).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
      retryable: true,
      message: expect.stringContaining('no complete answer within 30 ms') as string,
    });
  });

  test('a stalled body says so', async () => {
    await using server = await startChaosServer(drip('[]', Infinity));
    const http = createHttpClient({ baseUrl: server.url, idleTimeoutMs: 30, retry: { maxAttempts: 1 } });
    await expect(http.request({ path: '/' })).rejects.toThrow(/the body stalled for 30 ms/);
  });
});

describe('waiting for work', () => {
  test('ends with the work, or with the reason, and stops listening', async () => {
    const abort = new AbortController();
    expect(await untilAborted(Promise.resolve(1), abort.signal)).toBe(1);
    expect(await untilAborted(Promise.resolve(1), undefined)).toBe(1);
    const never = new Promise<never>(() => undefined);
    const waiting = untilAborted(never, abort.signal);
    abort.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    await expect(untilAborted(never, abort.signal)).rejects.toBe('enough');
  });
});

describe('the system clock', () => {
  test('sleeps as long as it is told', async () => {
    const startedMs = performance.now();
    await systemClock.sleep(30);
    await systemClock.sleep(30, new AbortController().signal);
    expect(performance.now() - startedMs).toBeGreaterThan(50);
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
  });

  test('wakes up with the reason of the abort', async () => {
    const reason = { mine: true };
    await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('a rate limit', () => {
  test.each([0, -1, Number.NaN])('of %d requests a second is refused', (requestsPerSecond) => {
    const baseUrl = 'https://bank.example';
    expect(() => createHttpClient({ baseUrl, rateLimit: { requestsPerSecond } })).toThrow(/above 0/);
  });

  test('keeps its distance, gathers a burst in a pause, and forgives a clock that is set back', async () => {
    let nowMs = 10_000_000;
    const waitsMs: number[] = [];
    const http = createHttpClient({
      baseUrl: 'https://bank.example',
      rateLimit: { requestsPerSecond: 4, burst: 2 },
      fetch: async () => new Response('{}'),
      clock: {
        now: () => nowMs,
        async sleep(delayMs) {
          waitsMs.push(delayMs);
          nowMs += delayMs;
        },
      },
    });
    const send = async (times: number): Promise<number[]> => {
      for (let i = 0; i < times; i++) await http.request({ path: '/' });
      return waitsMs.splice(0);
    };
    expect(await send(5)).toEqual([250, 250, 250]);
    nowMs += 60_000;
    expect(await send(4)).toEqual([250, 250]);
    nowMs -= 3_600_000;
    expect(await send(2)).toEqual([250, 250]);
  });
});
