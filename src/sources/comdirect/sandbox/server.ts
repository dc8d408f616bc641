/** Serves the bank over HTTP. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PlumbingError } from '../../../errors/index.ts';
import { ok } from './answers.ts';
import type { Bank } from './bank.ts';
import { control } from './control.ts';
import { answer, bearerOf } from './routes.ts';
import type { Call } from './routes.ts';
import { send, sendStruck } from './send.ts';
import { afterFaults, beforeFaults } from './struck-answer.ts';

const maxBodyBytes = 64 * 1024;

/** A running server. */
export interface RunningServer {
  /** Its origin. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves `bank` on a loopback address.
 *
 * @throws PlumbingError `CONFIG_INVALID` when it cannot listen there, e.g. for a port in use.
 */
export async function serve(bank: Bank, host: string, port: number): Promise<RunningServer> {
  const server = createServer((request, response) => {
    handle(bank, request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 30_000;
  try {
    // Throws for a number that is no port.
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      `a sandbox bank cannot listen on port ${port} of ${host}; choose another port, or 0 for any that is free`,
      { cause },
    );
  }
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function handle(bank: Bank, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { headers, url = '/' } = request;
  const method = methodOf(request);
  const body = await readText(request);
  if (body === undefined) return send(response, ok('', 413));
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  if (path.startsWith('/sandbox/')) return send(response, control(bank, method, path, body));
  const query = new URLSearchParams(end < 0 ? '' : url.slice(end + 1));
  const call: Call = { method, path, query, headers, body };
  const faults = bank.faults.strike(method, url);
  const given = beforeFaults(bank, faults, bearerOf(headers)) ?? afterFaults(faults, answer(bank, call));
  bank.log.add(method, url, headers, given.status);
  await sendStruck(response, given, faults);
}

/** Reference: section 0.2, method override. */
function methodOf(request: IncomingMessage): string {
  const override = request.headers['x-http-method-override'];
  return typeof override === 'string' && /^(PUT|PATCH|DELETE)$/.test(override)
    ? override
    : (request.method ?? 'GET');
}

async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
