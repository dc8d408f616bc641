/**
 * Sends one request over `node:http` or `node:https`. Where the server sets the pace, a body costs a third of the processor
 * time that it takes through the web streams of the built-in fetch; and a compressed one that was cut off is an error, not an end.
 */
import type { IncomingMessage } from 'node:http';
import { decoded } from './content-encoding.ts';
import type { SentRequest } from './request-init.ts';

/** An answer whose body is still to be read; a `Response` is one. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** As fetch names itself. Deflate is not asked for: servers disagree on what it is. */
const usualHeaders = { 'user-agent': 'node', 'accept-encoding': 'gzip, br' };
/** Of an answer. Some carry a picture, as that of a photoTAN; Node by itself takes 16 KiB. */
const maxHeaderSize = 64 * 1024;

/**
 * Resolves when the head of the answer is there. Redirects are answers like any other. Connections are kept by the
 * process-wide agents of Node, so its settings for proxies and certificates hold.
 *
 * @throws what `node:http` throws, e.g. an error with the code `ECONNREFUSED`; after an abort any error.
 */
export async function sendRequest(url: URL, request: SentRequest): Promise<OpenAnswer> {
  const { request: open } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { body } = request;
  const outgoing = open(url, {
    method: request.method,
    headers: {
      ...usualHeaders,
      ...Object.fromEntries(request.headers),
      // Node itself would not tell the length of a DELETE's.
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
    },
    signal: request.signal,
    maxHeaderSize,
  });
  // Stays for good: what happens to the connection after the answer must not end the process.
  outgoing.on('error', reject);
  outgoing.on('response', resolve);
  // Nobody has asked for another protocol.
  outgoing.on('upgrade', (_incoming, socket) => socket.destroy());
  // However it ends, it ends.
  outgoing.on('close', () => reject(noAnswer()));
  outgoing.end(body);
  return answerOf(await promise);
}

function noAnswer(): Error {
  return Object.assign(new Error('the connection ended without an answer'), { code: 'ECONNRESET' });
}

function answerOf(incoming: IncomingMessage): OpenAnswer {
  // Whoever reads the body is told.
  incoming.on('error', () => undefined);
  const { statusCode: status = 0, rawHeaders } = incoming;
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i] as string, rawHeaders[i + 1] as string);
  }
  return { status, headers, body: decoded(incoming, headers.get('content-encoding')) };
}
