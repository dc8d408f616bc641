/** A local HTTP server that answers by script, one function a request. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a request looked like. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers one request. */
export type Answer = (response: ServerResponse, request: SeenRequest) => void;

/** A running server. */
export interface ChaosServer {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  close(): Promise<void>;
}

/** Starts a server whose n-th request gets the n-th answer; the last one serves all that follow. */
export async function startChaosServer(...answers: Answer[]): Promise<ChaosServer> {
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
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers with a status, a body and headers. */
export function reply(
  status: number,
  body: string | Buffer = '',
  headers: Record<string, string> = {},
): Answer {
  return (response) => response.writeHead(status, headers).end(body);
}

/** Answers with JSON text. */
export function replyJson(text: string): Answer {
  return reply(200, text, { 'content-type': 'application/json' });
}
