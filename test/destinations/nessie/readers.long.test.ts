/** PyIceberg and DuckDB's extension read main and a branch through Nessie's REST, and agree with this library, value by value. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import { openNessie } from '../../../src/destinations/nessie/open-nessie.ts';
import type { Row, TableDefinition } from '../../../src/model/index.ts';
import { createLoadId } from '../../../src/model/load-id.ts';
import { expectSameRows } from '../../iceberg/readers/agree.ts';
import { Readers } from '../../iceberg/readers/readers.ts';
import { everyType, everyValue } from '../../iceberg/readers/type-matrix.ts';
import { tableOf } from '../iceberg/harness.ts';
import { startServer } from './server.ts';
import type { TestServer } from './server.ts';

let server: TestServer;
let readers: Readers;
beforeAll(async () => {
  server = await startServer();
  readers = await Readers.start();
}, 540_000);
afterAll(async () => {
  readers?.close();
  await server?.close();
});

async function load(options: NessieOptions, table: TableDefinition, rows: readonly Row[]): Promise<void> {
  const session = await nessie(options).open();
  try {
    const load = await session.begin({
      loadId: createLoadId(new Date()),
      pipeline: 'test',
      startedAt: '2026-11-23T07:00:00.000000Z',
      day: '2026-11-23',
      staged: false,
      signal: new AbortController().signal,
      tables: [table],
    });
    await load.write(table.name, rows);
    await load.finishTable(table.name, []);
    await load.publish();
  } finally {
    await session.close();
  }
}

/** All three read the same of a branch; gives the number of rows. */
async function agreement(options: NessieOptions, branch: string): Promise<number> {
  const { namespace = '' } = options;
  const theirs = await readers.pyicebergRows(
    {
      name: 'nessie',
      type: 'rest',
      uri: `${server.uri}/iceberg/${branch}`,
      's3.endpoint': server.s3Endpoint,
      's3.access-key-id': 'test',
      's3.secret-access-key': 'test',
      's3.region': 'us-east-1',
    },
    `${namespace}.t`,
  );
  await using front = branch === 'main' ? undefined : await startFront(branch);
  const duckdbs = await readers.duckdbRestRows(
    { endpoint: front?.endpoint ?? `${server.uri}/iceberg`, warehouse: 'warehouse', s3: server.s3Endpoint },
    `${namespace}.t`,
  );
  const session = await nessie({ ...options, ref: branch }).open({ readOnly: true });
  try {
    return (await expectSameRows(session.reader, 't', [theirs, duckdbs])).length;
  } finally {
    await session.close();
  }
}

/**
 * Nessie's configuration of a branch sends clients to the address without the branch (`overrides.uri`). DuckDB 1.5 goes on
 * with the address that it was given: this front does the step for it.
 */
async function startFront(branch: string): Promise<AsyncDisposable & { readonly endpoint: string }> {
  const pass = async (method: string, url: string, response: ServerResponse): Promise<void> => {
    const own = url.startsWith('/v1/config') ? `/${branch}${url}` : url;
    const answer = await fetch(`${server.uri}/iceberg${own}`, { method });
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  };
  const front = createServer(({ method = 'GET', url = '' }, response) => {
    void pass(method, url, response);
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      front.closeAllConnections();
      front.close();
      await once(front, 'close');
    },
  };
}

test('every type at its limits, appended and upserted by delete files, on main and on a branch', async () => {
  const options: NessieOptions = { ...server.options, namespace: 'agree', rewriteBelowBytes: 0 };
  const table = tableOf(everyType);
  const rows = everyValue();
  await load(options, table, rows);
  expect(await agreement(options, 'main')).toBe(rows.length);

  const { api } = await openNessie(options);
  const main = await api.reference('main');
  if (!main) throw new Error('there is no main branch');
  await api.create('BRANCH', 'side', main);
  // Each row takes the values of the next one; some are new.
  const turned = rows.map(([id], index): Row => [
    id as number,
    ...(rows[(index + 1) % rows.length] ?? []).slice(1),
  ]);
  const added = rows.slice(0, 5).map(([id, ...cells]): Row => [1_000 + (id as number), ...cells]);
  await load({ ...options, ref: 'side' }, table, [...turned, ...added]);
  expect(await agreement(options, 'side')).toBe(rows.length + 5);
  expect(await agreement(options, 'main')).toBe(rows.length);
  await load(options, table, turned);
  expect(await agreement(options, 'main')).toBe(rows.length);
}, 240_000);
