/** A local HTTP server that answers by script, one answer a request, so that a source can be tried against every fault. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** What a request looked like. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers one request, or leaves it without an answer. */
export type Answer = (response: ServerResponse, request: SeenRequest) => void;

/** A running server. Made by {@link startChaosServer}. */
export interface ChaosServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** All requests, in order of arrival. */
  readonly seen: readonly SeenRequest[];
  /** Ends all connections, and the server. */
  close(): Promise<void>;
}

/**
 * Starts a server on the loopback address whose n-th request gets the n-th answer; the last one serves all that follow.
 *
 * @example
 * ```ts
 * await using server = await startChaosServer(reply(503), cutShort('{"rows":[1,2'), replyJson('{"rows":[1,2]}'));
 * const client = createHttpClient({ baseUrl: server.url });
 * ```
 */
export async function startChaosServer(...answers: readonly Answer[]): Promise<ChaosServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const request = {
        method: message.method ?? '',
        url: message.url ?? '',
        headers: message.headers,
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(request);
      answers[Math.min(seen.length, answers.length) - 1]?.(response, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Answers with a status, a body and headers. */
export function reply(
  status: number,
  body: string | Buffer = '',
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return (response) => response.writeHead(status, headers).end(body);
}

/** Answers with JSON text, status 200. */
export function replyJson(text: string): Answer {
  return reply(200, text, { 'content-type': 'application/json' });
}

/** Redirects to `location`, by default with a status that keeps method and body. */
export function redirectTo(location: string, status = 307): Answer {
  return reply(status, '', { location });
}

/** Announces more bytes than it sends, and ends the connection: a truncated answer. */
export function cutShort(text: string): Answer {
  return (response) => {
    const bytes = Buffer.from(text);
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': String(bytes.length + 100),
    });
    response.write(bytes, () => response.destroy());
  };
}

/** Sends the text one byte at a time, `everyMs` apart; `everyMs` of Infinity stops after the first byte. */
export function drip(text: string, everyMs: number): Answer {
  return (response) => {
    const bytes = Buffer.from(text);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(bytes.length) });
    let sent = 0;
    const next = (): void => {
      if (response.destroyed) return;
      response.write(bytes.subarray(sent, ++sent));
      if (sent === bytes.length) response.end();
      else if (Number.isFinite(everyMs)) setTimeout(next, everyMs);
    };
    next();
  };
}

/** Takes the request and never answers. */
export function hang(): Answer {
  return () => undefined;
}

/** Takes the request and resets the connection. */
export function dropConnection(): Answer {
  return (response) => response.socket?.resetAndDestroy();
}

/** Compressed zeros, `bytes` of them when decoded: a bomb for a client that trusts the compressed size. */
export function gzipBomb(bytes: number): Answer {
  return reply(200, gzipSync(Buffer.alloc(bytes)), {
    'content-type': 'application/json',
    'content-encoding': 'gzip',
  });
}
