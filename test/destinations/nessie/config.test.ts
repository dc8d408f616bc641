/** Options and credentials, before any server is asked. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadNessieConfig, nessie } from '../../../src/destinations/nessie/index.ts';
import { HttpError } from '../../../src/errors/index.ts';
import { authorization, sendAuthorized } from '../../../src/iceberg/rest-credentials.ts';

const storage = { S3_ACCESS_KEY_ID: 'key', S3_SECRET_ACCESS_KEY: 'storage-secret-1' };

describe('loadNessieConfig', () => {
  test('reads address, branch, credentials and storage, and shows no secret', () => {
    const options = loadNessieConfig({
      ...storage,
      NESSIE_URI: 'https://nessie.example.com/api/v2',
      NESSIE_REF: 'dev',
      NESSIE_TOKEN: 'token-secret-1',
    });
    expect(options).toMatchObject({ uri: 'https://nessie.example.com/api/v2', ref: 'dev' });
    expect(inspect([options, nessie(options)], { depth: 9 })).not.toMatch(/token-secret|storage-secret/);
    expect(nessie(options)).toMatchObject({ name: 'nessie', location: 'nessie.example.com#dev' });
  });

  test('reads the time of which the tables are shown', () => {
    const uri = 'https://nessie.example.com';
    const options = loadNessieConfig({ ...storage, NESSIE_URI: uri, NESSIE_AT: '2026-11-01T00:00:00Z' });
    expect(options).toMatchObject({ at: '2026-11-01T00:00:00Z' });
    expect(nessie(options).location).toBe('nessie.example.com at 2026-11-01T00:00:00Z');
    const at = new Date('2026-11-01T00:00:00Z');
    expect(nessie({ ...options, ref: 'dev', at }).location).toBe(
      'nessie.example.com#dev at 2026-11-01T00:00:00.000000Z',
    );
  });

  test('names what is missing', () => {
    expect(() => loadNessieConfig({})).toThrow(/NESSIE_URI/);
    const NESSIE_URI = 'https://n.example';
    expect(() => loadNessieConfig({ NESSIE_URI, S3_ACCESS_KEY_ID: 'key' })).toThrow(/S3_SECRET_ACCESS_KEY/);
    expect(() => loadNessieConfig({ NESSIE_URI, S3_SECRET_ACCESS_KEY: 's' })).toThrow(/S3_ACCESS_KEY_ID/);
    expect(() => loadNessieConfig({ NESSIE_URI, S3_SESSION_TOKEN: 's' })).toThrow(/S3_ACCESS_KEY_ID/);
    expect(loadNessieConfig({ NESSIE_URI, S3_REGION: 'eu' }).s3).toEqual({ region: 'eu' });
    const oauth2 = {
      ...storage,
      NESSIE_URI: 'https://n.example',
      NESSIE_OAUTH2_TOKEN_URL: 'https://l.example',
    };
    expect(() => loadNessieConfig(oauth2)).toThrow(/NESSIE_OAUTH2_CLIENT_ID[^]*NESSIE_OAUTH2_CLIENT_SECRET/);
  });
});

describe('client credentials', () => {
  test('get a token, and keep it until shortly before its end', async () => {
    const asked: string[] = [];
    const { url, close } = await tokenServer(async (request) => {
      asked.push(await bodyOf(request));
      return [200, { access_token: `token-${asked.length}`, expires_in: asked.length === 1 ? 0.2 : 3_600 }];
    });
    try {
      const headers = authorization({
        tokenUrl: url,
        clientId: 'me',
        clientSecret: 'client-secret-1',
        scope: 'lake',
      });
      expect(await headers()).toEqual({ authorization: 'Bearer token-1' });
      await expect.poll(() => headers(), { timeout: 5_000 }).toEqual({ authorization: 'Bearer token-2' });
      await headers();
      expect(asked).toEqual(
        Array(2).fill('grant_type=client_credentials&client_id=me&client_secret=client-secret-1&scope=lake'),
      );
    } finally {
      await close();
    }
  });

  test.each([
    [401, {}, 'AUTH_REJECTED'],
    [400, { error: 'invalid_client' }, 'AUTH_REJECTED'],
    [200, { no: 'token' }, 'AUTH_REJECTED'],
    [503, {}, 'HTTP_STATUS'],
    [404, {}, 'HTTP_STATUS'],
  ] as const)('that are answered %i %j fail with a code, and no secret', async (status, body, code) => {
    const { url, close } = await tokenServer(async () => [status, body]);
    try {
      const headers = authorization({ tokenUrl: url, clientId: 'me', clientSecret: 'client-secret-2' });
      const error: unknown = await headers().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code });
      expect(inspect(error, { depth: 9 })).not.toContain('client-secret-2');
    } finally {
      await close();
    }
  });
});

test('a token is asked for again after a hiccup, and once for all who need it', async () => {
  let asked = 0;
  const { url, close } = await tokenServer(async () =>
    ++asked < 3
      ? [asked === 1 ? 503 : 429, {}]
      : [200, { access_token: `token-${asked}`, expires_in: 3_600 }],
  );
  try {
    const headers = authorization({ tokenUrl: url, clientId: 'me', clientSecret: 'client-secret-3' });
    const all = await Promise.all([headers(), headers(), headers()]);
    expect(all.map(({ authorization: sent }) => sent)).toEqual(Array(3).fill('Bearer token-3'));
    expect(asked).toBe(3);
  } finally {
    await close();
  }
});

test('a token that the server refuses before its end is replaced once, by whoever finds out first', async () => {
  let asked = 0;
  const { url, close } = await tokenServer(async () => [
    200,
    { access_token: `token-${++asked}`, expires_in: 3_600 },
  ]);
  try {
    const headers = authorization({ tokenUrl: url, clientId: 'me', clientSecret: 'client-secret-4' });
    const send = async (own: Readonly<Record<string, string>>): Promise<string> => {
      if (own['authorization'] === 'Bearer token-1') throw new HttpError('no', { status: 401 });
      return own['authorization'] as string;
    };
    expect(await Promise.all([1, 2, 3].map(() => sendAuthorized(headers, send)))).toEqual(
      Array(3).fill('Bearer token-2'),
    );
    expect(asked).toBe(2);
    const fixed = authorization({ token: 'token-1' });
    await expect(sendAuthorized(fixed, send)).rejects.toMatchObject({ status: 401 });
  } finally {
    await close();
  }
});

async function tokenServer(
  answer: (request: IncomingMessage) => Promise<readonly [number, object]>,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    void answer(request).then(([status, body]) => response.writeHead(status).end(JSON.stringify(body)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${port}/oauth/token`, close };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
