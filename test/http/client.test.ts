import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { inspect } from 'node:util';
import { HttpError } from '../../src/errors/index.ts';
import { createHttpClient } from '../../src/http/index.ts';
import type { Clock, HttpClientOptions } from '../../src/http/index.ts';
import { Secret } from '../../src/logging/index.ts';
import { reply, replyJson, startChaosServer } from '../../src/testing/index.ts';
import type { Answer, ChaosServer } from '../../src/testing/index.ts';

const servers: ChaosServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function server(...answers: Answer[]): Promise<ChaosServer> {
  const started = await startChaosServer(...answers);
  servers.push(started);
  return started;
}

/** A clock that never waits, and says how long it was asked to. */
function fakeClock(): Clock & { readonly waitsMs: number[] } {
  const waitsMs: number[] = [];
  let nowMs = Date.parse('2026-11-23T07:00:00Z');
  return {
    waitsMs,
    now: () => nowMs,
    async sleep(delayMs, signal) {
      signal?.throwIfAborted();
      waitsMs.push(delayMs);
      nowMs += delayMs;
    },
  };
}

const client = (target: ChaosServer, options: Partial<HttpClientOptions> = {}) =>
  createHttpClient({ baseUrl: target.url, clock: fakeClock(), ...options });

describe('base URL', () => {
  test.each([
    'http://example.com',
    'ftp://127.0.0.1',
    'https://user:pass@example.com',
    'nonsense',
    'http://127.0.0.1.evil.example',
  ])('%s is refused', (baseUrl) => {
    expect(() => createHttpClient({ baseUrl })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  test('the refusal never repeats what may be a password', () => {
    expect(() => createHttpClient({ baseUrl: 'https://user:hunter2@example.com' })).not.toThrow(/hunter2/);
  });
});

describe('links', () => {
  test.each([
    'http://127.0.0.1:1/x',
    'https://evil.example/x',
    '//evil.example/x',
    String.raw`\\evil.example\x`,
    'http://127.0.0.1@evil.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
  ])('%s is refused before any connection', async (path) => {
    const target = await server(reply(200));
    await expect(client(target).request({ path })).rejects.toMatchObject({
      code: 'LINK_ORIGIN',
      retryable: false,
    });
    expect(target.seen).toHaveLength(0);
  });

  test('of the same origin are followed as they are', async () => {
    const target = await server(replyJson('[]'));
    await client(target, { baseUrl: `${target.url}/api/` }).request({ path: `${target.url}/other?x=1` });
    await client(target, { baseUrl: `${target.url}/api` }).request({ path: 'items' });
    expect(target.seen.map(({ url }) => url)).toEqual(['/other?x=1', '/api/items']);
  });
});

describe('redirects', () => {
  const senders: HttpClientOptions['fetch'][] = [undefined, fetch];
  const cases = senders.flatMap((send) =>
    [301, 302, 303, 307, 308].map((status) => [status, send?.name ?? 'Node', send] as const),
  );
  test.each(cases)('%d to another origin, sent by %s: nothing reaches it', async (status, _name, send) => {
    const other = await server(reply(200));
    const target = await server(reply(status, '', { location: `${other.url}/steal` }));
    const headers = { authorization: 'Bearer x', 'x-api-key': 'y' };
    const http = client(target, { headers, ...(send && { fetch: send }) });
    await expect(http.request({ path: '/a' })).rejects.toMatchObject({ code: 'HTTP_REDIRECT' });
    await expect(
      http.request({ path: '/a', method: 'POST', body: { form: { secret: 's' } } }),
    ).rejects.toMatchObject({ code: 'HTTP_REDIRECT' });
    expect(other.seen).toHaveLength(0);
    expect(target.seen).toHaveLength(2);
  });

  test('of a GET within the origin are followed, at most five', async () => {
    const once = await server(reply(302, '', { location: '/b' }), replyJson('{"ok":true}'));
    expect((await client(once).request({ path: '/a' })).json()).toEqual({ ok: true });
    const loop = await server(reply(302, '', { location: '/a' }));
    await expect(client(loop).request({ path: '/a' })).rejects.toMatchObject({ code: 'HTTP_REDIRECT' });
    expect(loop.seen).toHaveLength(6);
  });

  test('of a POST are never followed, not even within the origin', async () => {
    const target = await server(reply(307, '', { location: '/b' }));
    await expect(client(target).request({ path: '/a', method: 'POST' })).rejects.toMatchObject({
      code: 'HTTP_REDIRECT',
    });
    expect(target.seen).toHaveLength(1);
  });
});

describe('retry', () => {
  test.each([408, 425, 429, 500, 502, 503, 504])('a GET is sent again after %d', async (status) => {
    const target = await server(reply(status), replyJson('1'));
    expect((await client(target).request({ path: '/' })).json()).toBe(1);
  });

  test.each([400, 401, 403, 404, 406, 422, 501])('a GET is not sent again after %d', async (status) => {
    const target = await server(reply(status, '{"why":"no"}'));
    const error = await client(target)
      .request({ path: '/' })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HttpError);
    expect(error).toMatchObject({ code: 'HTTP_STATUS', status, retryable: false });
    expect((error as HttpError).bodyText()).toBe('{"why":"no"}');
    expect(target.seen).toHaveLength(1);
  });

  test.each(['POST', 'PATCH', 'DELETE', 'PUT'] as const)(
    'a %s is sent once, whatever happens',
    async (method) => {
      const target = await server((response) => response.destroy());
      await expect(client(target).request({ path: '/', method })).rejects.toMatchObject({
        code: 'HTTP_NETWORK',
      });
      expect(target.seen).toHaveLength(1);
    },
  );

  test('gives up after the last attempt with the last error', async () => {
    const target = await server(reply(503));
    await expect(client(target, { retry: { maxAttempts: 3 } }).request({ path: '/' })).rejects.toMatchObject({
      status: 503,
      retryable: true,
    });
    expect(target.seen).toHaveLength(3);
  });

  test('waits longer each time, within the bounds, with jitter', async () => {
    const target = await server(reply(500));
    const clock = fakeClock();
    await expect(
      client(target, { clock, retry: { maxAttempts: 8, baseDelayMs: 100, maxDelayMs: 1000 } }).request({
        path: '/',
      }),
    ).rejects.toThrow();
    expect(clock.waitsMs).toHaveLength(7);
    for (const [i, waitMs] of clock.waitsMs.entries())
      expect(waitMs).toBeLessThanOrEqual(Math.min(1000, 100 * 2 ** i));
  });

  test.each<[string, number[] | 'backoff']>([
    ['2', [2000]],
    ['Mon, 23 Nov 2026 07:00:30 GMT', [30_000]],
    ['Mon, 23 Nov 2020 07:00:30 GMT', 'backoff'],
    ['-1', 'backoff'],
    ['0', 'backoff'],
    ['soon', 'backoff'],
    ['1e3', 'backoff'],
  ])('Retry-After: %s', async (header, expected) => {
    const target = await server(reply(429, '', { 'retry-after': header }), replyJson('1'));
    const clock = fakeClock();
    await client(target, { clock }).request({ path: '/' });
    if (expected === 'backoff') expect(clock.waitsMs[0]).toBeLessThanOrEqual(1000);
    else expect(clock.waitsMs).toEqual(expected);
  });

  test('a Retry-After beyond the longest wait fails at once, as retryable', async () => {
    const target = await server(reply(429, '', { 'retry-after': '1000000000' }));
    await expect(client(target).request({ path: '/' })).rejects.toMatchObject({
      status: 429,
      retryable: true,
    });
    expect(target.seen).toHaveLength(1);
  });

  test('each attempt may carry headers of its own', async () => {
    let n = 0;
    const target = await server(reply(500), replyJson('1'));
    await client(target).request({ path: '/', headers: () => ({ 'X-Request': String(++n) }) });
    expect(target.seen.map(({ headers }) => headers['x-request'])).toEqual(['1', '2']);
  });
});

describe('bad bodies', () => {
  test('an HTML page where only JSON was asked for is asked for again; where HTML is welcome it is an answer', async () => {
    const page = reply(200, '<!doctype html>', { 'content-type': 'text/html' });
    const mended = await server(page, replyJson('1'));
    expect((await client(mended).request({ path: '/' })).json()).toBe(1);
    const welcome = await server(page);
    const html = await client(welcome).request({ path: '/', headers: { accept: 'text/html' } });
    expect([html.text(), welcome.seen.length]).toEqual(['<!doctype html>', 1]);
  });

  const cutOff = (text: string): Answer => {
    return (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write(text);
      setImmediate(() => response.destroy());
    };
  };

  test.each<[string, Answer]>([
    ['cut off by a wrong length', cutOff('[1')],
    ['cut off with a clean end', replyJson('[1')],
    ['of HTML that calls itself JSON', replyJson('<html>')],
    ['that are empty', replyJson('')],
    ['that do not unzip', reply(200, 'no gzip', { 'content-encoding': 'gzip' })],
  ])('%s are tried again, and are HTTP_BAD_BODY in the end', async (_what, answer) => {
    const mended = await server(answer, replyJson('[1,2]'));
    expect((await client(mended).request({ path: '/' })).json()).toEqual([1, 2]);
    const broken = await server(answer);
    await expect(client(broken).request({ path: '/' })).rejects.toMatchObject({
      code: 'HTTP_BAD_BODY',
      retryable: true,
    });
    expect(broken.seen).toHaveLength(5);
  });

  test('of a POST that call themselves JSON and are none do not hide that it was accepted', async () => {
    const target = await server(replyJson(''));
    const response = await client(target).request({ path: '/', method: 'POST' });
    expect(response.status).toBe(200);
    expect(() => response.json()).toThrow(expect.objectContaining({ code: 'HTTP_BAD_BODY' }));
  });

  test('of a POST are not asked for again', async () => {
    const target = await server(cutOff('[1'));
    await expect(client(target).request({ path: '/', method: 'POST' })).rejects.toMatchObject({
      code: 'HTTP_BAD_BODY',
    });
    expect(target.seen).toHaveLength(1);
  });

  test.each(['[1,"canary', '<html>canary', 'canary'])(
    '%j is no JSON: said without a word of it',
    async (body) => {
      const target = await server(reply(200, body, { 'content-type': 'text/plain' }));
      const response = await client(target).request({ path: '/items' });
      try {
        response.json();
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: 'HTTP_BAD_BODY', retryable: true });
        expect((error as Error).message).toContain('/items');
        expect(inspect(error, { depth: 10 })).not.toContain('canary');
      }
    },
  );

  test('of an error may be of any size: the status counts, and the beginning is kept', async () => {
    const target = await server(reply(500, `why ${'x'.repeat(1_000_000)}`));
    const error = await client(target, { maxBytes: 1_000, retry: { maxAttempts: 1 } })
      .request({ path: '/' })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 500 });
    expect((error as HttpError).bodyText()).toMatch(/^why x+$/);
    expect((error as HttpError).bodyText()).toHaveLength(65_536);
  });

  test('of an error that break off do not hide the status', async () => {
    const target = await server((response) => {
      response.writeHead(401, { 'content-length': '100' }).write('no');
      setImmediate(() => response.destroy());
    });
    await expect(client(target).request({ path: '/' })).rejects.toMatchObject({ status: 401 });
  });

  test('larger than allowed are cut off while they stream, also when they are compressed', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const target = await server(reply(200, bomb, { 'content-encoding': 'gzip' }));
    // Only the status, or a failure of this test would print all of the bomb.
    const request = client(target, { maxBytes: 1024 * 1024 }).request({ path: '/' });
    await expect(request.then(({ status }) => status)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      retryable: false,
    });
    expect(target.seen).toHaveLength(1);
  });

  test('that stall end in a timeout', async () => {
    const target = await server((response) => void response.writeHead(200).write('['));
    await expect(
      client(target, { idleTimeoutMs: 50, retry: { maxAttempts: 1 } }).request({ path: '/' }),
    ).rejects.toMatchObject({ code: 'HTTP_TIMEOUT', retryable: true });
  });

  test('that drip end at the deadline', async () => {
    const target = await server((response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(drip));
    });
    await expect(
      client(target, { timeoutMs: 150, retry: { maxAttempts: 1 } }).request({ path: '/' }),
    ).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
  });

  test('headers that never come end at the deadline', async () => {
    const target = await server(() => undefined);
    await expect(
      client(target, { timeoutMs: 50, retry: { maxAttempts: 1 } }).request({ path: '/' }),
    ).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
  });

  test.each<[string, Buffer, string | undefined]>([
    ['UTF-8 with a byte order mark', Buffer.from('\uFEFFüber'), undefined],
    ['Latin-1 without a word of it', Buffer.from('über', 'latin1'), 'text/plain'],
    ['Latin-1 that claims to be UTF-8', Buffer.from('über', 'latin1'), 'text/plain; charset=utf-8'],
    ['windows-1252 as declared', Buffer.from('über', 'latin1'), 'text/plain; charset=windows-1252'],
    ['UTF-8 that claims an unknown charset', Buffer.from('über'), 'text/plain; charset=klingon'],
  ])('%s is read right', async (_what, body, type) => {
    const target = await server(reply(200, body, type === undefined ? {} : { 'content-type': type }));
    expect((await client(target).request({ path: '/' })).text()).toBe('über');
  });

  test.each(['windows-1252', '"windows-1252"'])('in the charset %s keep their euro sign', async (charset) => {
    const body = Buffer.from([0x80, 0xfc]);
    const target = await server(reply(200, body, { 'content-type': `text/plain; charset=${charset}` }));
    expect((await client(target).request({ path: '/' })).text()).toBe('€ü');
  });
});

describe('abort', () => {
  test.each(['while it waits for the answer', 'while it waits for a retry', 'while it waits for its turn'])(
    '%s: the reason comes back untouched',
    async (when) => {
      const abort = new AbortController();
      const reason = { mine: true };
      const target = await server(when.includes('retry') ? reply(503) : () => undefined);
      const http = createHttpClient({
        baseUrl: target.url,
        retry: { baseDelayMs: 60_000, maxDelayMs: 600_000 },
        rateLimit: when.includes('turn') ? { requestsPerSecond: 0.001 } : undefined,
      });
      if (when.includes('turn')) void http.request({ path: '/first' }).catch(() => undefined);
      setTimeout(() => abort.abort(reason), 50);
      await expect(http.request({ path: '/', signal: abort.signal })).rejects.toBe(reason);
    },
  );

  test('before the start sends nothing', async () => {
    const target = await server(reply(200));
    await expect(client(target).request({ path: '/', signal: AbortSignal.abort('no') })).rejects.toBe('no');
    expect(target.seen).toHaveLength(0);
  });
});

describe('what is sent', () => {
  test('forms are encoded, secrets revealed only there', async () => {
    const target = await server(replyJson('{}'));
    await client(target).request({
      path: '/',
      method: 'POST',
      body: { form: { pin: new Secret('a+b&c=ü %') } },
    });
    expect(new URLSearchParams(target.seen[0]?.body).get('pin')).toBe('a+b&c=ü %');
    expect(target.seen[0]?.headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    });
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('the body of a %s arrives whole', async (method) => {
    const target = await server(replyJson('{}'));
    const http = client(target);
    await http.request({ path: '/a', method, body: { json: { text: 'ü😀' } } });
    await http.request({ path: '/b', method });
    expect(target.seen.map(({ body }) => body)).toEqual(['{"text":"ü😀"}', '']);
    expect(target.seen[0]?.headers['content-length']).toBe('17');
  });

  test('a GET has no body', async () => {
    const target = await server(replyJson('{}'));
    await expect(client(target).request({ path: '/', body: { json: {} } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    expect(target.seen).toHaveLength(0);
  });

  test('errors show neither query values nor ids nor headers nor body', async () => {
    const target = await server(reply(400, 'body-canary'));
    const http = client(target, { headers: { authorization: 'Bearer header-canary' } });
    const error = await http
      .request({ path: '/accounts/0123456789ABCDEF0123456789ABCDEF/x', query: { iban: 'query-canary' } })
      .catch((reason: unknown) => reason);
    const shown = `${inspect(error, { depth: 10, showHidden: false })}${JSON.stringify(error)}${String(error)}`;
    expect(shown).toContain('/accounts/…/x');
    expect(shown).not.toMatch(/canary|0123456789ABCDEF/);
  });
});

describe('headers that HTTP cannot carry', () => {
  test.each([
    ['content-length', '3'],
    ['Transfer-Encoding', 'chunked'],
    ['expect', '100-continue'],
    ['upgrade', 'canary'],
    ['x-control', 'a\u0001b'],
    ['x-emoji', '😀'],
  ])('or the client sets by itself are not sent: %s', async (name, value) => {
    const target = await server(reply(200));
    const sent = client(target).request({ path: '/', method: 'POST', headers: { [name]: value } });
    await expect(sent).rejects.toMatchObject({ code: 'CONFIG_INVALID', retryable: false });
    await expect(sent).rejects.toThrow(name.toLowerCase());
    expect(target.seen).toHaveLength(0);
  });

  test('are an error of configuration that names them and never shows them', async () => {
    const target = await server(reply(200));
    const error = await client(target)
      .request({ path: '/', headers: { authorization: 'Bearer can\nary' } })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', retryable: false });
    expect((error as Error).message).toContain('authorization');
    expect(inspect(error, { depth: 10 })).not.toMatch(/can\W+n?ary/);
    expect(target.seen).toHaveLength(0);
  });
});

describe('rate limit', () => {
  test('spaces requests out, in the order in which they came', async () => {
    const target = await server(replyJson('1'));
    const clock = fakeClock();
    const http = client(target, { clock, rateLimit: { requestsPerSecond: 2 } });
    await Promise.all([1, 2, 3].map((n) => http.request({ path: `/${n}` })));
    expect(target.seen.map(({ url }) => url)).toEqual(['/1', '/2', '/3']);
    expect(clock.waitsMs.reduce((sum, waitMs) => sum + waitMs, 0)).toBeGreaterThanOrEqual(1000);
  });

  test('a burst goes at once', async () => {
    const target = await server(replyJson('1'));
    const clock = fakeClock();
    const http = client(target, { clock, rateLimit: { requestsPerSecond: 1, burst: 3 } });
    for (let i = 0; i < 3; i++) await http.request({ path: '/' });
    expect(clock.waitsMs).toEqual([]);
  });
});
