/** Bodies that come compressed, whole, cut short, in layers, and in ways nobody knows. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpClient } from '../../src/http/index.ts';
import type { HttpClientOptions } from '../../src/http/index.ts';

const servers: { close(): void; closeAllConnections(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

const value = { name: 'Grüße', items: Array.from({ length: 2_000 }, (_, i) => ({ i })) };
const json = Buffer.from(JSON.stringify(value));

/** Answers every request with these bytes, and ends the connection: no length says where the body ends. */
async function server(bytes: Buffer, coding: string, status = 200) {
  const asked: IncomingHttpHeaders[] = [];
  const http = createServer((request, response) => {
    asked.push(request.headers);
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-encoding': coding,
      connection: 'close',
      'transfer-encoding': 'identity',
    });
    response.end(bytes);
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  servers.push(http);
  const baseUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const client = (options: Partial<HttpClientOptions> = {}) =>
    createHttpClient({ baseUrl, retry: { maxAttempts: 1 }, ...options });
  return { asked, client };
}

describe('a body', () => {
  test.each<[string, Buffer]>([
    ['gzip', gzipSync(json)],
    ['x-gzip', gzipSync(json)],
    ['GZIP', gzipSync(json)],
    ['br', brotliCompressSync(json)],
    ['deflate', deflateSync(json)],
    ['identity', json],
    ['gzip, br', brotliCompressSync(gzipSync(json))],
  ])('in the coding %s is read', async (coding, bytes) => {
    const { client, asked } = await server(bytes, coding);
    const answer = await client().request({ path: '' });
    expect(answer.json()).toEqual(value);
    expect(asked[0]?.['accept-encoding']).toBe('gzip, br');
  });

  test.each<[string, Buffer]>([
    ['gzip', gzipSync(json)],
    ['br', brotliCompressSync(json)],
    ['deflate', deflateSync(json)],
  ])(
    'in the coding %s that ends too early is an error, also where its text would do',
    async (coding, bytes) => {
      const { client } = await server(bytes.subarray(0, -5), coding);
      // As a POST the body is not parsed within the attempt: it has to fail by itself.
      await expect(client().request({ path: '', method: 'POST' })).rejects.toMatchObject({
        code: 'HTTP_BAD_BODY',
        retryable: true,
      });
    },
  );

  test('in a coding that nobody knows stays as it is', async () => {
    const bytes = gzipSync(json);
    const { client } = await server(bytes, 'gzip, secret');
    const answer = await client().request({ path: '', method: 'POST' });
    expect(Buffer.from(answer.bytes).equals(bytes)).toBe(true);
  });

  test.each([
    ['gzip', 200],
    ['br', 200],
    ['gzip, br', 200],
    ['gzip', 204],
    ['deflate', 205],
  ])('without a byte that calls itself %s with status %d is empty', async (coding, status) => {
    const { client } = await server(Buffer.alloc(0), coding, status);
    const answer = await client().request({ path: '', method: 'DELETE' });
    expect([answer.status, answer.bytes.byteLength]).toEqual([status, 0]);
  });

  test('of an error in layer upon layer does not hide the status', async () => {
    const { client } = await server(gzipSync(json), 'gzip, gzip, gzip, gzip', 403);
    await expect(client().request({ path: '' })).rejects.toMatchObject({ code: 'HTTP_STATUS', status: 403 });
  });

  test('in layer upon layer is refused', async () => {
    const bytes = gzipSync(gzipSync(gzipSync(gzipSync(json))));
    const { client } = await server(bytes, 'gzip, gzip, gzip, gzip');
    await expect(client().request({ path: '' })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  test('of two layers is held to its size after the last', async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(8 * 2 ** 20)));
    const { client } = await server(bomb, 'gzip, gzip');
    await expect(client({ maxBytes: 2 ** 20 }).request({ path: '' })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });
});

describe('a request', () => {
  test('may go through fetch, and its headers are its own to choose', async () => {
    const { client, asked } = await server(json, 'identity');
    let calls = 0;
    const counted: typeof fetch = (...given) => {
      calls++;
      return fetch(...given);
    };
    await client({ fetch: counted }).request({ path: '', headers: { 'user-agent': 'mine' } });
    await client().request({ path: '', headers: { 'user-agent': 'mine', 'Accept-Encoding': 'identity' } });
    expect(calls).toBe(1);
    expect(asked.map((headers) => headers['user-agent'])).toEqual(['mine', 'mine']);
    expect(asked[1]?.['accept-encoding']).toBe('identity');
  });
});

test('requests one after the other share a connection', async () => {
  let connections = 0;
  const http = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
  http.on('connection', () => connections++);
  await once(http, 'listening');
  servers.push(http);
  const client = createHttpClient({ baseUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });
  for (let i = 0; i < 5; i++) await client.request({ path: '' });
  expect(connections).toBe(1);
});
