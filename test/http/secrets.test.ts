/** Whatever goes wrong, no secret of the request shows in the error, however it is printed, nor in the logs. */
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createHttpClient } from '../../src/http/index.ts';
import { configureLogging, redactError, Secret } from '../../src/logging/index.ts';
import { reply, replyJson, startChaosServer } from '../../src/testing/index.ts';
import type { Answer, ChaosServer } from '../../src/testing/index.ts';

const secret = new Secret('canary+&ü ="secret');
const spellings = [
  secret.reveal(),
  encodeURIComponent(secret.reveal()),
  new URLSearchParams([['', secret.reveal()]]).toString().slice(1),
  Buffer.from(secret.reveal()).toString('base64').slice(0, 20),
  'canary',
];
const logged: string[] = [];
let server: ChaosServer | undefined;

beforeAll(() =>
  configureLogging({
    level: 'trace',
    format: 'jsonl',
    stream: { write: (line: string) => logged.push(line) },
  }),
);
afterEach(async () => {
  await server?.close();
  server = undefined;
});
afterAll(() => configureLogging({ level: 'fatal' }));

const echo = (status: number): Answer => {
  return (response, { headers, body, url }) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(`{"${url}${body}${headers.authorization}`);
};

test.each<[string, Answer]>([
  ['a 400 that echoes the request', echo(400)],
  ['a 401 that echoes the request', echo(401)],
  ['a 500 that echoes the request', echo(500)],
  ['cut-off JSON that echoes the request', echo(200)],
  ['HTML', replyJson('<html>canary')],
  [
    'a redirect that carries it away',
    reply(302, '', { location: 'https://elsewhere.example/canary?canary' }),
  ],
  ['a redirect to nowhere', reply(302, '', { location: 'http://canary:canary@[' })],
  [
    'a body that breaks off',
    (response) =>
      void response.writeHead(200, { 'content-length': '9' }).write('c', () => response.destroy()),
  ],
  ['a hang-up', (response) => void response.destroy()],
  ['silence', () => undefined],
  ['a body that is too large', reply(200, 'canary'.repeat(1_000))],
])('%s', async (_what, answer) => {
  server = await startChaosServer(answer);
  const http = createHttpClient({
    baseUrl: server.url,
    timeoutMs: 300,
    maxBytes: 2_000,
    retry: { maxAttempts: 2, baseDelayMs: 1 },
  });
  const basic = Buffer.from(`me:${secret.reveal()}`).toString('base64');
  const request = { path: '/a', query: { q: secret.reveal() }, headers: { authorization: `Basic ${basic}` } };
  const failures = await Promise.allSettled([
    http.request(request).then((response) => response.json()),
    http
      .request({ ...request, method: 'POST', body: { form: { secret } } })
      .then((response) => response.json()),
  ]);
  for (const failure of failures) {
    expect(failure.status).toBe('rejected');
    const error: unknown = failure.status === 'rejected' ? failure.reason : undefined;
    const shown = [
      String(error),
      (error as Error).stack,
      inspect(error, { depth: 10, showHidden: true }),
      JSON.stringify(error),
      JSON.stringify(redactError(error)),
      ...logged,
    ].join('\n');
    for (const spelling of [...spellings, basic]) expect(shown).not.toContain(spelling);
  }
});
