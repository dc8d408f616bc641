/** A REST catalog that lends keys, in the ways of Polaris and Lakekeeper, before a store that takes no others. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { createHttpClient } from '../../src/http/index.ts';
import { KeyLender } from '../../src/iceberg/key-lender.ts';
import { lentIo } from '../../src/iceberg/lent-io.ts';
import { restCatalog } from '../../src/iceberg/rest-catalog.ts';
import type { RestCatalog } from '../../src/iceberg/rest-catalog.ts';

const location = 's3://lake/ns/t';
const identifier = { namespace: ['ns'], name: 't' };
const lifeMs = 3_600_000;

/** How a server puts keys into its answer; `endpoint` is that of the store. */
type Style = (id: string, endpoint: string, endMs: number) => Record<string, unknown>;

const polaris: Style = (id, endpoint, endMs) => {
  const config = {
    's3.access-key-id': id,
    's3.secret-access-key': `secret-${id}`,
    's3.session-token': `token-${id}`,
    's3.session-token-expires-at-ms': String(endMs),
    's3.endpoint': endpoint,
    's3.path-style-access': 'true',
    'client.region': 'eu-west-1',
  };
  return { config, 'storage-credentials': [{ prefix: location, config }] };
};
const lakekeeper: Style = (id, endpoint) => ({
  config: { 's3.endpoint': endpoint, 's3.region': 'local-01', 's3.path-style-access': 'true' },
  'storage-credentials': [
    {
      prefix: `${location}/`,
      config: {
        's3.access-key-id': id,
        's3.secret-access-key': `secret-${id}`,
        's3.session-token': `token-${id}`,
      },
    },
  ],
});

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

/** Catalog and store on one port. The store takes the keys that were lent last. */
class Server {
  uri = '';
  exists = true;
  /** Whether staged creation says that the table is there. */
  isTaken = false;
  lifeMs = lifeMs;
  lent = 0;
  readonly asked: string[] = [];
  readonly #style: Style;

  constructor(style: Style) {
    this.#style = style;
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => void this.#serve(request, response)).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    this.uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
    return this;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { url = '', method = '', headers } = request;
    const answer = (status: number, json: object = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    };
    if (url.startsWith('/lake/')) {
      const isKnown = headers.authorization?.includes(`Credential=K${this.lent}/`);
      if (isKnown && headers['x-amz-security-token'] === `token-K${this.lent}`)
        return void response.writeHead(200).end('content');
      return void response.writeHead(403).end('<Error><Code>InvalidAccessKeyId</Code></Error>');
    }
    this.asked.push(`${method} ${url} ${String(headers['x-iceberg-access-delegation'] ?? '-')} ${body}`);
    if (method === 'GET' && url.endsWith('namespaces/ns')) return answer(200);
    if (method === 'POST' && this.isTaken) return answer(409);
    if (method === 'GET' && !this.exists) return answer(404);
    if (headers['x-iceberg-access-delegation'] !== 'vended-credentials') return answer(200, this.#table({}));
    this.lent++;
    return answer(200, this.#table(this.#style(`K${this.lent}`, this.uri, Date.now() + this.lifeMs)));
  }

  #table(more: Record<string, unknown>): object {
    return {
      'metadata-location': `${location}/metadata/1.json`,
      metadata: {
        'format-version': 2,
        'table-uuid': 'b5d5c4b8-0000-4000-8000-000000000000',
        location,
        'last-sequence-number': 0,
        'last-updated-ms': 0,
        'last-column-id': 0,
        schemas: [{ type: 'struct', 'schema-id': 0, fields: [] }],
        'current-schema-id': 0,
        'partition-specs': [{ 'spec-id': 0, fields: [] }],
        'default-spec-id': 0,
        'last-partition-id': 999,
        'sort-orders': [{ 'order-id': 0, fields: [] }],
        'default-sort-order-id': 0,
        properties: {},
        snapshots: [],
      },
      ...more,
    };
  }
}

function catalogOf(server: Server, lender?: KeyLender): RestCatalog {
  return restCatalog({
    http: createHttpClient({ baseUrl: `${server.uri}/` }),
    headers: async () => ({}),
    prefix: '',
    warehouse: 's3://lake',
    lender,
  });
}

test.each([
  ['Polaris', polaris],
  ['Lakekeeper', lakekeeper],
])('in the way of %s: read, write, and renewed when the store takes them no more', async (_who, style) => {
  const server = await new Server(style).start();
  const lender = new KeyLender({}, {});
  const catalog = catalogOf(server, lender);
  await catalog.loadTable(identifier);
  const io = lentIo(lender);
  expect(Buffer.from(await io.read(`${location}/data/1.parquet`)).toString()).toBe('content');
  await io.write(`${location}/data/2.parquet`, Buffer.from('x'));
  expect(server.lent).toBe(1);
  // Others got newer ones: the store takes only those.
  server.lent++;
  await io.remove(`${location}/data/2.parquet`);
  expect(server.lent).toBe(3);
  expect(server.asked.every((request) => request.includes('vended-credentials'))).toBe(true);
});

test('keys that tell their end are renewed before it', async () => {
  const server = await new Server(polaris).start();
  server.lifeMs = 400;
  const lender = new KeyLender({}, {});
  await catalogOf(server, lender).loadTable(identifier);
  await new Promise((resolve) => setTimeout(resolve, 250));
  await lentIo(lender).read(`${location}/data/1.parquet`);
  expect(server.lent).toBe(2);
});

test('a new table lies where the catalog says, with keys of a creation that is only staged', async () => {
  const server = await new Server(lakekeeper).start();
  server.exists = false;
  const lender = new KeyLender({}, {});
  const catalog = catalogOf(server, lender);
  expect(await catalog.newLocation?.(identifier)).toBe(location);
  expect(server.asked.at(-1)).toMatch(
    /^POST \/v1\/namespaces\/ns\/tables vended-credentials .*"stage-create":true/,
  );
  const io = lentIo(lender);
  await io.write(`${location}/data/1.parquet`, Buffer.from('x'));
  server.lent++;
  await io.write(`${location}/data/2.parquet`, Buffer.from('x'));
  expect(server.lent).toBe(3);
  server.isTaken = true;
  await expect(catalog.newLocation?.(identifier)).rejects.toMatchObject({
    code: 'COMMIT_CONFLICT',
    retryable: true,
  });
});

test('a client with keys of its own asks for none, and chooses the place itself', async () => {
  const server = await new Server(polaris).start();
  const catalog = catalogOf(server);
  await catalog.loadTable(identifier);
  expect(server.asked).toMatchObject([expect.stringMatching(/ - $/)]);
  expect(await catalog.newLocation?.(identifier)).toMatch(/^s3:\/\/lake\/ns\/t_[\da-f-]{36}$/);
  expect(server.lent).toBe(0);
});
