/** An issuer of tokens as OpenID Connect has them: discovery, keys, and client credentials. For tests only. */
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A running issuer. */
export interface TokenIssuer {
  /** The address of the issuer: what Nessie is told. */
  readonly url: string;
  readonly tokenUrl: string;
  readonly client: { readonly id: string; readonly secret: string };
  /** How long tokens for clients live. */
  lifeSeconds: number;
  /** How many tokens clients were given. */
  readonly given: readonly string[];
  /** A token; of a stranger's key when `key` is one. */
  token(options?: { readonly lifeSeconds?: number; readonly key?: KeyObject }): string;
  close(): Promise<void>;
}

const keyId = 'test';

/** Starts an issuer on the loopback address. */
export async function startTokenIssuer(): Promise<TokenIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const client = { id: 'loader', secret: `secret-${randomUUID()}` };
  const given: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const [status, answer] = answerTo(request.url ?? '', new URLSearchParams(body));
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realm`;
  const issuer: TokenIssuer = {
    url,
    tokenUrl: `${url}/token`,
    client,
    lifeSeconds: 300,
    given,
    token: ({ lifeSeconds = 300, key = privateKey } = {}) => sign(key, url, lifeSeconds),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return issuer;

  function answerTo(path: string, form: URLSearchParams): [number, object] {
    if (path.endsWith('/.well-known/openid-configuration')) {
      return [
        200,
        {
          issuer: url,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/keys`,
          authorization_endpoint: `${url}/authorize`,
          id_token_signing_alg_values_supported: ['RS256'],
        },
      ];
    }
    if (path.endsWith('/keys'))
      return [
        200,
        { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'RS256', use: 'sig' }] },
      ];
    if (!path.endsWith('/token')) return [404, {}];
    const isClient = form.get('client_id') === client.id && form.get('client_secret') === client.secret;
    if (form.get('grant_type') !== 'client_credentials' || !isClient)
      return [401, { error: 'invalid_client' }];
    const token = issuer.token({ lifeSeconds: issuer.lifeSeconds });
    given.push(token);
    return [200, { access_token: token, token_type: 'Bearer', expires_in: issuer.lifeSeconds }];
  }
}

function sign(key: KeyObject, issuer: string, lifeSeconds: number): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    iss: issuer,
    sub: 'loader',
    aud: 'nessie',
    preferred_username: 'loader',
    jti: randomUUID(),
    iat: now - 1_000,
    exp: now + lifeSeconds,
  };
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const content = `${encode({ alg: 'RS256', typ: 'JWT', kid: keyId })}.${encode(claims)}`;
  return `${content}.${createSign('RSA-SHA256').update(content).sign(key).toString('base64url')}`;
}
