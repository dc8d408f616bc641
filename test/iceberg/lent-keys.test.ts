/** Keys that REST catalogs lend with their tables: which ones are for which file, when they are renewed, and that nobody sees them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { KeyLender } from '../../src/iceberg/key-lender.ts';
import { readLentKeys } from '../../src/iceberg/lent-keys.ts';
import { lentIo } from '../../src/iceberg/lent-io.ts';
import { Secret, redact } from '../../src/logging/index.ts';

const config = (id: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  's3.access-key-id': id,
  's3.secret-access-key': `secret-of-${id}`,
  's3.session-token': `token-of-${id}`,
  ...more,
});

describe('an answer', () => {
  test('as Nessie gives it: keys in config, the store in the configuration of the server', () => {
    const server = {
      'client.region': 'eu-central-1',
      's3.endpoint': 'https://s3.example',
      's3.path-style-access': 'true',
    };
    expect(readLentKeys({ config: config('A') }, {}, server)).toMatchObject([
      {
        prefix: '',
        s3: { accessKeyId: 'A', region: 'eu-central-1', endpoint: 'https://s3.example', pathStyle: true },
        endMs: undefined,
      },
    ]);
  });

  test('as Polaris gives it: keys with an end, in both places', () => {
    const both = config('P', {
      's3.session-token-expires-at-ms': '1790000000000',
      'client.region': 'us-west-2',
    });
    const answer = {
      config: both,
      'storage-credentials': [{ prefix: 's3://lake/ns/t', config: both }],
    };
    const keys = readLentKeys(answer, {}, {});
    expect(keys.map(({ prefix, endMs }) => [prefix, endMs])).toEqual([
      ['s3://lake/ns/t', 1_790_000_000_000],
      ['', 1_790_000_000_000],
    ]);
    expect(keys[0]?.s3).toMatchObject({ region: 'us-west-2' });
    expect(keys[0]?.s3).not.toHaveProperty('endpoint');
  });

  test('as Lakekeeper gives it: the store in config, keys for a prefix of s3a', () => {
    const answer = {
      config: {
        's3.region': 'local-01',
        's3.endpoint': 'http://127.0.0.1:9000/',
        's3.path-style-access': true,
      },
      'storage-credentials': [{ prefix: 's3a://lake/id', config: config('L') }],
    };
    expect(readLentKeys(answer, {}, {})).toMatchObject([
      {
        prefix: 's3://lake/id',
        s3: { accessKeyId: 'L', region: 'local-01', endpoint: 'http://127.0.0.1:9000/', pathStyle: true },
      },
    ]);
  });

  test('without keys has none; what the user says of the store goes before it', () => {
    expect(readLentKeys({ config: { 's3.region': 'x' }, 'storage-credentials': null }, {}, {})).toEqual([]);
    const own = { endpoint: 'http://127.0.0.1:1', region: 'mine', pathStyle: false };
    const answer = {
      config: config('A', {
        's3.endpoint': 'https://theirs',
        'client.region': 'theirs',
        's3.path-style-access': 'true',
      }),
    };
    expect(readLentKeys(answer, own, {})).toMatchObject([{ s3: own }]);
  });

  test('shows no secret, and what it has is taken out of any text', () => {
    const keys = readLentKeys({ config: config('A') }, {}, {});
    expect(inspect(keys, { depth: 9 })).not.toMatch(/secret-of|token-of/);
    expect(keys[0]?.s3.secretAccessKey).toBeInstanceOf(Secret);
    expect(redact('told: secret-of-A and token-of-A')).not.toMatch(/-of-A/);
  });
});

/** A lender, and a catalog that lends keys A1, A2, ... for a table. */
function lending(answer: (n: number) => Record<string, unknown> = (n) => ({ config: config(`A${n}`) })): {
  readonly lender: KeyLender;
  readonly load: () => Promise<void>;
  readonly loads: () => number;
} {
  const lender = new KeyLender({}, {});
  let n = 0;
  const giver = {};
  const load = async (): Promise<void> => {
    n++;
    await nextTurn();
    lender.keep('s3://lake/ns/t1', answer(n), giver, load);
  };
  return { lender, load, loads: () => n };
}

describe('keys for a file', () => {
  test('are those of its table with the longest fitting prefix', async () => {
    const { lender, load } = lending(() => ({
      config: config('rest'),
      'storage-credentials': [
        { prefix: 's3://lake/', config: config('lake') },
        { prefix: 's3://lake/ns/t1/data', config: config('data') },
        { prefix: 's3://other/', config: config('other') },
      ],
    }));
    await load();
    const idOf = async (location: string): Promise<string> => (await lender.keysFor(location)).s3.accessKeyId;
    expect(await idOf('s3://lake/ns/t1/data/1.parquet')).toBe('data');
    expect(await idOf('s3a://lake/ns/t1/metadata/1.avro')).toBe('lake');
    expect(await idOf('s3://other/elsewhere/2.parquet')).toBe('other');
    await expect(lender.keysFor('s3://nowhere/ns/t10/x')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('of a table whose name only begins alike are not taken', async () => {
    const { lender, load } = lending();
    await load();
    await expect(lender.keysFor('s3://lake/ns/t10/data/x')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/S3_ACCESS_KEY_ID/) as unknown,
    });
  });

  test('are asked for once while they are good, and anew before their end, once for all who wait', async () => {
    let endMs = Date.now() + 3_600_000;
    const { lender, load, loads } = lending((n) => ({
      config: config(`A${n}`, { 's3.session-token-expires-at-ms': String(endMs) }),
    }));
    await load();
    await lender.keysFor('s3://lake/ns/t1/a');
    await lender.keysFor('s3://lake/ns/t1/b');
    expect(loads()).toBe(1);
    endMs = Date.now() + 100;
    await load();
    await new Promise((resolve) => setTimeout(resolve, 60));
    endMs = Date.now() + 3_600_000;
    const keys = await Promise.all(['a', 'b', 'c'].map((name) => lender.keysFor(`s3://lake/ns/t1/${name}`)));
    expect(keys.map(({ s3 }) => s3.accessKeyId)).toEqual(['A3', 'A3', 'A3']);
    expect(loads()).toBe(3);
  });

  test('are asked for with another branch when that which gave them is gone', async () => {
    const { lender, load } = lending();
    await load();
    let asked = 0;
    const gone = async (): Promise<void> => {
      asked++;
      throw new Error('no such branch');
    };
    lender.keep('s3://lake/ns/t1', { config: config('B') }, {}, gone);
    const old = await lender.keysFor('s3://lake/ns/t1/a');
    expect(old.s3.accessKeyId).toBe('B');
    expect((await lender.keysFor('s3://lake/ns/t1/a', old)).s3.accessKeyId).toBe('A2');
    expect(asked).toBe(1);
  });

  test('of a catalog that stops lending, or has none, are an error that says what to do', async () => {
    const { lender, load } = lending(() => ({ config: {} }));
    await load();
    await expect(lender.keysFor('s3://lake/ns/t1/a')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/vend/) as unknown,
    });
  });
});

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

describe('files', () => {
  test('are read with keys that are renewed when the store says that they have expired', async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      const id = /Credential=(\w+)\//.exec(request.headers.authorization ?? '')?.[1];
      asked.push(id);
      if (id !== 'A2') return response.writeHead(400).end('<Error><Code>ExpiredToken</Code></Error>');
      return response.end(request.headers['x-amz-security-token']);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    close = async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { lender, load, loads } = lending((n) => ({
      config: config(`A${n}`, { 's3.endpoint': endpoint }),
    }));
    await load();
    const io = lentIo(lender);
    expect(Buffer.from(await io.read('s3://lake/ns/t1/a')).toString()).toBe('token-of-A2');
    await io.read('s3://lake/ns/t1/b');
    expect(asked).toEqual(['A1', 'A2', 'A2']);
    expect(loads()).toBe(2);
    // What stays refused is said, once.
    lender.keep('s3://lake/ns/t1', { config: config('A9', { 's3.endpoint': endpoint }) }, {}, load);
    const error: unknown = await io.read('s3://lake/ns/t1/c').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'DEST_FAILED',
      message: expect.stringMatching(/expired/) as unknown,
    });
    expect(inspect(error, { depth: 9 })).not.toMatch(/secret-of|token-of/);
  });
});
