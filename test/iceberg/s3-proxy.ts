/** A proxy in front of a server: lets requests pass, now or late, answers them itself, or loses answers after the server has acted. */
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What the proxy knows when it decides. `n` counts the requests, from 1. */
export interface Passing {
  readonly n: number;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** Passes late: on its way there, on its way back, or both; also when the client has gone meanwhile. */
export interface Delay {
  readonly requestAfterMs?: number;
  readonly answerAfterMs?: number;
}

/** `pass`; `lose` the answer of the store; `drop` the request unseen; a delay; or an answer of the proxy's own. */
export type Fate =
  | 'pass'
  | 'lose'
  | 'drop'
  | Delay
  | { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> };

/** A running proxy. */
export interface Proxy extends AsyncDisposable {
  readonly endpoint: string;
  /** `METHOD url` of each request, in order. */
  readonly seen: readonly string[];
  /** Fulfilled when nothing is under way any more, late requests included. */
  idle(): Promise<void>;
}

/** Starts a proxy before `endpoint`; `hide` names headers of answers that it takes away. */
export async function startProxy(
  endpoint: string,
  decide: (passing: Passing) => Fate | Promise<Fate>,
  hide: readonly string[] = [],
): Promise<Proxy> {
  const seen: string[] = [];
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = incoming;
    seen.push(`${method} ${url}`);
    const fate = await decide({ n: seen.length, method, url, headers });
    if (fate === 'drop') return void outgoing.socket?.resetAndDestroy();
    if (typeof fate === 'object' && 'status' in fate)
      return void outgoing.writeHead(fate.status, fate.headers).end(fate.body);
    const { requestAfterMs = 0, answerAfterMs = 0 } = typeof fate === 'object' ? fate : {};
    if (requestAfterMs > 0) await delay(requestAfterMs);
    const upstream = forward(new URL(url, endpoint), { method, headers }).end(Buffer.concat(chunks));
    const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
    const body: Buffer[] = [];
    for await (const chunk of answer) body.push(chunk as Buffer);
    if (fate === 'lose') return void outgoing.socket?.resetAndDestroy();
    if (answerAfterMs > 0) await delay(answerAfterMs);
    for (const name of hide) delete answer.headers[name];
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(body));
  };
  const underWay = new Set<Promise<void>>();
  const server = createServer((incoming, outgoing) => {
    const serving = serve(incoming, outgoing);
    underWay.add(serving);
    void serving.finally(() => underWay.delete(serving));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
