/** A front before Nessie that keeps keys of commits, as Iceberg's REST has it: what was done under a key is done once. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A commit that arrived. */
export interface KeyedCommit {
  readonly key: string | undefined;
  readonly body: string;
}

/** A running front. */
export interface KeyFront extends AsyncDisposable {
  readonly uri: string;
  readonly arrived: readonly KeyedCommit[];
  /** How many of them Nessie was asked to carry out. */
  readonly executed: () => number;
}

/** What the front says and does. */
export interface KeyFrontOptions {
  /** Goes into the answer to `v1/config`. */
  readonly advertise: (config: Record<string, Record<string, string> | string>) => void;
  /** Keys are advertised, but nothing is done with them. */
  readonly ignoresKeys?: boolean;
}

interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

/** Starts a front on the loopback address. */
export async function startKeyFront(
  nessie: string,
  { advertise, ignoresKeys = false }: KeyFrontOptions,
): Promise<KeyFront> {
  const arrived: KeyedCommit[] = [];
  const known = new Map<string, { readonly body: string; readonly reply: Promise<Reply> }>();
  let executed = 0;

  const pass = async ({ method = '', url = '', headers }: IncomingMessage, body: Buffer): Promise<Reply> => {
    const { host: _host, 'content-length': _length, connection: _connection, ...rest } = headers;
    const answer = await fetch(new URL(url, nessie), {
      method,
      headers: rest as Record<string, string>,
      ...(body.byteLength > 0 && { body: new Uint8Array(body) }),
    });
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
  };
  const commit = async (request: IncomingMessage, body: Buffer): Promise<Reply> => {
    const { 'idempotency-key': key } = request.headers as Record<string, string | undefined>;
    const text = body.toString();
    arrived.push({ key, body: text });
    const before = key === undefined || ignoresKeys ? undefined : known.get(key);
    if (before?.body === text) return before.reply;
    if (before) return { status: 422, body: Buffer.from('{}') };
    executed++;
    const reply = pass(request, body);
    if (key !== undefined) known.set(key, { body: text, reply });
    return reply;
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const { url = '', method } = request;
    const reply = await (method === 'POST' && url.endsWith('transactions/commit')
      ? commit(request, body)
      : pass(request, body));
    let content = reply.body;
    if (url.includes('/v1/config')) {
      const config = JSON.parse(content.toString()) as Record<string, Record<string, string>>;
      advertise(config);
      content = Buffer.from(JSON.stringify(config));
    }
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(content);
  };
  const server = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    executed: () => executed,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
