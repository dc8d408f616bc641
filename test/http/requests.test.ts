/** What the client sends, where it sends it, and what it says when that fails. */
import { describe, expect, test } from 'vitest';
import { createHttpClient } from '../../src/http/index.ts';
import type { HttpClientOptions, HttpResponse } from '../../src/http/index.ts';
import { redirectTo, reply, replyJson, startChaosServer } from '../../src/testing/index.ts';

/** A client whose requests go nowhere: they are noted, and answered or failed by `answer`. */
function recorded(
  options: Partial<HttpClientOptions> = {},
  answer: () => Response | Promise<Response> = () => new Response('{}'),
) {
  const urls: string[] = [];
  const http = createHttpClient({
    baseUrl: 'https://bank.example/api?key=1#top',
    retry: { maxAttempts: 2, baseDelayMs: 0 },
    fetch: async (url) => {
      urls.push(url instanceof URL ? url.href : 'no URL');
      return answer();
    },
    ...options,
  });
  return { http, urls };
}

describe('where', () => {
  test.each([
    ['items', 'https://bank.example/api/items'],
    ['/items', 'https://bank.example/items'],
    ['', 'https://bank.example/api/'],
    ['https://bank.example/x?y=1', 'https://bank.example/x?y=1'],
  ])('path %j of a base URL with query and fragment goes to %s', async (path, url) => {
    const { http, urls } = recorded();
    await http.request({ path });
    expect([http.origin, urls]).toEqual(['https://bank.example', [url]]);
  });

  test('the query is encoded, joins what the path has, and leaves out what is undefined or null', async () => {
    const { http, urls } = recorded();
    const query = {
      page: 2,
      all: true,
      text: 'a&b=ü',
      none: undefined,
      nothing: null,
      since: 9007199254740993n,
    };
    await http.request({ path: 'items?page=1&x=1', query });
    expect(urls).toEqual([
      'https://bank.example/api/items?page=2&x=1&all=true&text=a%26b%3D%C3%BC&since=9007199254740993',
    ]);
  });

  test.each([
    'http://localhost',
    'http://127.0.0.1:80',
    'http://127.1.2.3',
    'http://[::1]',
    'https://a.example',
  ])('the base URL %s is allowed', (baseUrl) => {
    expect(createHttpClient({ baseUrl }).origin).toBe(new URL(baseUrl).origin);
  });

  test.each<[string, RegExp]>([
    ['nonsense', /no URL/],
    ['https://user@example.com', /example\.com holds a user name or password/],
    ['https://:hunter2@example.com', /example\.com holds a user name or password/],
    ['http://example.com', /http:\/\/example\.com is not https/],
  ])('the base URL %s is refused, and why', (baseUrl, why) => {
    expect(() => createHttpClient({ baseUrl })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(why) as string }),
    );
  });

  test.each<[string, RegExp]>([
    ['https://user@bank.example/', /another origin/],
    ['https://:password@bank.example/', /another origin/],
    ['http://bank.example/', /another origin \(http:\/\/bank\.example\)/],
    ['https://bank.example:8443/', /another origin \(https:\/\/bank\.example:8443\)/],
    ['https://', /a link from bank\.example is no URL/],
  ])('the link %s is refused, and why', async (path, why) => {
    const { http, urls } = recorded();
    await expect(http.request({ path })).rejects.toMatchObject({
      code: 'LINK_ORIGIN',
      message: expect.stringMatching(why) as string,
    });
    expect(urls).toEqual([]);
  });
});

describe('what', () => {
  test('a body says that it is JSON, unless the caller calls it something else', async () => {
    await using server = await startChaosServer(replyJson('{}'));
    const http = createHttpClient({ baseUrl: server.url });
    const body = { json: { a: [1, 'ü'] } };
    await http.request({ path: '/', method: 'POST', body });
    await http.request({
      path: '/',
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/x+json' },
    });
    expect(server.seen.map((seen) => [seen.headers['content-type'], JSON.parse(seen.body)])).toEqual([
      ['application/json', body.json],
      ['application/x+json', body.json],
    ]);
  });

  test('headers of a request stand in for those of the client, whatever their case', async () => {
    await using server = await startChaosServer(replyJson('{}'));
    const http = createHttpClient({ baseUrl: server.url, headers: { 'X-A': '1', 'X-B': '1' } });
    await http.request({ path: '/', headers: { 'x-a': '2' } });
    expect(server.seen[0]?.headers).toMatchObject({ 'x-a': '2', 'x-b': '1', accept: 'application/json' });
  });
});

describe('answers', () => {
  test.each([204, 205])('%d has no body, though it is called JSON', async (status) => {
    await using server = await startChaosServer(reply(status, '', { 'content-type': 'application/json' }));
    const response = await createHttpClient({ baseUrl: server.url }).request({ path: '/' });
    expect([response.status, response.bytes.length, response.text(), server.seen.length]).toEqual([
      status,
      0,
      '',
      1,
    ]);
  });

  test.each([
    ['application/json', 2],
    ['application/problem+json; charset=utf-8', 2],
    ['text/html; charset=utf-8', 2],
    ['text/plain; note="text/html"', 1],
    ['text/plain', 1],
    [undefined, 1],
  ])('no JSON under the type %s is asked for %d times', async (type, times) => {
    await using server = await startChaosServer(reply(200, 'no JSON', type ? { 'content-type': type } : {}));
    const http = createHttpClient({ baseUrl: server.url, retry: { maxAttempts: 2, baseDelayMs: 0 } });
    await http.request({ path: '/' }).catch(() => undefined);
    expect(server.seen).toHaveLength(times);
  });

  test('JSON is parsed once', async () => {
    const response = await recorded().http.request({ path: '/' });
    expect(response.json()).toBe(response.json());
  });
});

describe('errors say what to do', () => {
  test.each<[number, RegExp]>([
    [400, /refused, bodyText\(\) may say why/],
    [401, /log in again/],
    [403, /check what the account may do/],
    [404, /check path and base URL/],
    [408, /try again later/],
    [429, /lower the rate limit/],
    [500, /try again later/],
    [501, /try again later/],
    [599, /try again later/],
  ])('status %d', async (status, advice) => {
    const { http } = recorded({}, () => new Response('', { status }));
    await expect(http.request({ path: '/' })).rejects.toMatchObject({
      message: expect.stringMatching(advice) as string,
      context: { status },
    });
  });

  test('what the server asks for is in the context', async () => {
    const headers = { 'retry-after': '3600' };
    const { http } = recorded({}, () => new Response('', { status: 503, headers }));
    const context = { status: 503, retryAfterMs: 3_600_000 };
    await expect(http.request({ path: '/' })).rejects.toMatchObject({ context });
  });

  test('the path is shown, but no part of it that may be an id', async () => {
    const { http } = recorded({}, () => new Response('', { status: 400 }));
    const path = '/v1/1234/transactions-of-an-account/12345/c0ffee-c0ffee-c0ffee/DE12345x';
    await expect(http.request({ path, method: 'POST' })).rejects.toThrow(
      'POST bank.example/v1/1234/transactions-of-an-account/…/…/…: answered 400',
    );
  });

  test.each<[string, unknown, boolean]>([
    [
      'ECONNRESET',
      new TypeError('x', { cause: Object.assign(new Error('y'), { code: 'ECONNRESET' }) }),
      true,
    ],
    ['ENOTFOUND', Object.assign(new Error('x'), { code: 'ENOTFOUND' }), true],
    ['CERT_HAS_EXPIRED', Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' }), false],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      Object.assign(new Error(), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      false,
    ],
    ['TypeError', new TypeError('canary', { cause: Object.assign(new Error('z'), { code: 7 }) }), true],
    ['unknown', 'canary', true],
  ])('a connection that fails with %s', async (reason, thrown, retryable) => {
    const { http, urls } = recorded({}, () => Promise.reject(thrown));
    await expect(http.request({ path: '/' })).rejects.toMatchObject({
      code: 'HTTP_NETWORK',
      message: `GET bank.example/: the connection failed (${reason}); check the network and the base URL`,
      retryable,
      context: { reason },
    });
    expect(urls).toHaveLength(retryable ? 2 : 1);
  });

  test.each<[string, Response, RegExp]>([
    [
      'without a target',
      new Response('', { status: 302 }),
      /answered 302; a redirect of this request is never/,
    ],
    ['to another origin', Response.redirect('https://evil.example/', 302), /redirects to another origin/],
  ])('a redirect %s', async (_what, response, why) => {
    const { http, urls } = recorded({}, () => response);
    await expect(http.request({ path: '/' })).rejects.toMatchObject({
      code: 'HTTP_REDIRECT',
      message: expect.stringMatching(why) as string,
    });
    expect(urls).toHaveLength(1);
  });

  test('redirects that go on and on', async () => {
    await using server = await startChaosServer(redirectTo('/a'));
    await expect(createHttpClient({ baseUrl: server.url }).request({ path: '/a' })).rejects.toThrow(
      /more than 5 redirects/,
    );
  });
});

describe('onReceived', () => {
  test('is told when the answer is there, before it is parsed, and may ask for the next one', async () => {
    await using server = await startChaosServer(replyJson('{"cut'), replyJson('[2]'));
    const http = createHttpClient({ baseUrl: server.url });
    let next: Promise<HttpResponse> | undefined;
    const first = http.request({
      path: '/first',
      retry: false,
      onReceived: () => {
        next = http.request({ path: '/next' });
      },
    });
    expect((await first).text()).toBe('{"cut');
    expect((await next)?.json()).toEqual([2]);
  });

  test('hears nothing of an error', async () => {
    await using server = await startChaosServer(reply(422));
    const heard: string[] = [];
    const http = createHttpClient({ baseUrl: server.url });
    await expect(http.request({ path: '/', onReceived: () => heard.push('x') })).rejects.toThrow(/422/);
    expect(heard).toEqual([]);
  });
});
