/** Stands between a client and the sandbox bank: hears the secrets that only exist on the wire, and can spoil answers. */
import { once } from 'node:events';
import { Agent, createServer, request as send } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Canaries } from './canaries.ts';

/** A request on its way to the bank. */
export interface Passing {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer on its way back. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What an answer is turned into; `undefined` leaves it as it is. */
export type Spoil = (passing: Passing, answered: Answered) => Answered | undefined;

/** A running proxy. */
export interface ListeningProxy extends AsyncDisposable {
  readonly url: string;
  spoil: Spoil;
}

/** Starts a proxy before `target` that adds tokens, session ids and account numbers to `secrets` and `accounts`. */
export async function startListeningProxy(
  target: string,
  secrets: Canaries,
  accounts: Canaries,
): Promise<ListeningProxy> {
  const agent = new Agent({ keepAlive: true });
  const proxy = { spoil: (): undefined => undefined } as { spoil: Spoil };
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const { method = '', url = '', headers } = message;
      const passing = { method, url, headers, body: Buffer.concat(chunks).toString() };
      hear(String(headers['x-http-request-info']), secrets, accounts);
      pass(passing, response);
    });
  });
  const pass = (passing: Passing, response: ServerResponse): void => {
    const { host: _, ...headers } = passing.headers;
    const upstream = send(new URL(passing.url, target), { method: passing.method, headers, agent });
    upstream.on('error', () => response.destroy());
    upstream.on('response', (answer) => {
      const chunks: Buffer[] = [];
      const head = Object.fromEntries(
        Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
      );
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      // An answer that breaks off does so here as well.
      answer.on('error', () =>
        response
          .writeHead(answer.statusCode ?? 502, head)
          .write(Buffer.concat(chunks), () => response.destroy()),
      );
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        hear(body.toString(), secrets, accounts);
        const answered = { status: answer.statusCode ?? 502, headers: head, body: body.toString() };
        const spoilt = proxy.spoil(passing, answered);
        if (spoilt) response.writeHead(spoilt.status, spoilt.headers).end(spoilt.body);
        else response.writeHead(answered.status, head).end(body);
      });
    });
    response.on('close', () => upstream.destroy());
    upstream.end(passing.body);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

function hear(text: string, secrets: Canaries, accounts: Canaries): void {
  for (const [, name = '', value = ''] of text.matchAll(
    /"(access_token|refresh_token|sessionId|identifier)":"([^"]+)"/g,
  ))
    secrets.add({ [name]: value });
  for (const [, name = '', value = ''] of text.matchAll(/"(iban|accountDisplayId)":"([^"]+)"/g))
    accounts.add({ [name]: value });
}
