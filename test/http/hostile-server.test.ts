/** Servers that send slowly, endlessly or too much. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpClient } from '../../src/http/index.ts';
import { startChaosServer } from '../../src/testing/index.ts';
import type { Answer, ChaosServer } from '../../src/testing/index.ts';

const servers: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A server that speaks no HTTP by itself: `talk` is given the bare connection. */
async function rawServer(talk: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  let requests = 0;
  let closed = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    // Only a connection that carries a request counts: Node 24 may open another one in advance.
    socket.once('data', () => {
      requests++;
      socket.on('close', () => closed++);
      talk(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push({
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests: () => requests, closed: () => closed };
}

/** Writes `text` byte by byte, over and over. */
function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ''), 10);
  socket.on('close', () => clearInterval(timer));
}

describe('a server that is slow', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['accepts and says nothing', () => undefined],
    ['sends its headers byte by byte', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx-a: b\r\n')],
    [
      'sends its body byte by byte',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n');
        drip(socket, 'x');
      },
    ],
  ])('that %s: timeout in time, connection closed', async (_how, talk) => {
    const server = await rawServer(talk);
    const http = createHttpClient({ baseUrl: server.url, timeoutMs: 300, retry: { maxAttempts: 1 } });
    const startedMs = performance.now();
    await expect(http.request({ path: '/' })).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
      retryable: true,
    });
    expect(performance.now() - startedMs).toBeGreaterThan(290);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    await expect.poll(server.closed).toBe(1);
  });

  test('is not sent a POST twice, though it may have acted on the first', async () => {
    const server = await rawServer(() => undefined);
    const http = createHttpClient({ baseUrl: server.url, timeoutMs: 100 });
    await expect(http.request({ path: '/tan', method: 'POST', body: { json: {} } })).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
    });
    expect(server.requests()).toBe(1);
  });

  test('can be left in the middle of its body, with the reason, and the connection is closed', async () => {
    const server = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nx');
    });
    const abort = new AbortController();
    const reason = new Error('enough');
    const request = createHttpClient({ baseUrl: server.url }).request({ path: '/', signal: abort.signal });
    await expect.poll(server.requests).toBe(1);
    abort.abort(reason);
    await expect(request).rejects.toBe(reason);
    await expect.poll(server.closed).toBe(1);
  });
});

describe('a server that breaks off', () => {
  test.each<[string, (socket: Socket) => void, string]>([
    ['resets the connection', (socket) => socket.resetAndDestroy(), 'HTTP_NETWORK'],
    ['hangs up without an answer', (socket) => socket.end(), 'HTTP_NETWORK'],
    ['speaks no HTTP', (socket) => socket.end('SSH-2.0-canary\r\n\r\n'), 'HTTP_NETWORK'],
    [
      'changes to another protocol',
      (socket) => socket.write('HTTP/1.1 101 S\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      'HTTP_NETWORK',
    ],
    [
      'resets in the middle of the body',
      (socket) =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx', () =>
          setTimeout(() => socket.resetAndDestroy(), 20),
        ),
      'HTTP_BAD_BODY',
    ],
  ])('that %s: retryable, and tried again', async (_how, talk, code) => {
    const server = await rawServer(talk);
    const retry = { maxAttempts: 3, baseDelayMs: 0 };
    await expect(
      createHttpClient({ baseUrl: server.url, retry }).request({ path: '/' }),
    ).rejects.toMatchObject({
      code,
      retryable: true,
      message: expect.not.stringContaining('canary') as string,
    });
    expect(server.requests()).toBe(3);
  });
});

test('what unzips to 1 GiB, what never ends and what is nested 200,000 deep is refused within 128 MiB of heap', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20));
  const answer: Answer = (response, { url }) => {
    if (url === '/bomb') {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      for (let i = 0; i < 16; i++) response.write(bomb);
      response.end();
      return;
    }
    const piece = Buffer.alloc(2 ** 20);
    const pump = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on('drain', pump).on('error', () => undefined);
    pump();
  };
  const server: ChaosServer = await startChaosServer(answer);
  servers.push(server);
  const child = fork(new URL('./hostile-server-worker.ts', import.meta.url), [server.url], {
    execArgv: ['--max-old-space-size=128'],
  });
  const exited = once(child, 'exit');
  const [report] = (await once(child, 'message')) as [{ codes: string[]; grownMiB: number }];
  expect(report.codes).toEqual(['LIMIT_EXCEEDED', 'LIMIT_EXCEEDED', 'LIMIT_EXCEEDED']);
  expect(report.grownMiB).toBeLessThan(150);
  expect(await exited).toEqual([0, null]);
});

test.each([
  [40, true],
  [100, false],
])('a header of %d KiB is taken: %s', async (kib, isTaken) => {
  const server = await rawServer((socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nx-picture: ${'x'.repeat(kib * 1024)}\r\ncontent-length: 2\r\n\r\n{}`),
  );
  const http = createHttpClient({ baseUrl: server.url, retry: { maxAttempts: 1 } });
  const asked = http.request({ path: '/' });

  if (isTaken) expect((await asked).headers.get('x-picture')).toHaveLength(kib * 1024);
  else await expect(asked).rejects.toMatchObject({ code: 'HTTP_NETWORK' });
});
