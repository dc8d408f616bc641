/** How a client shows a REST catalog who it is. */
import { HttpError, PlumbingError } from '../errors/index.ts';
import { createHttpClient } from '../http/index.ts';
import { Secret } from '../logging/index.ts';

/** Client credentials of OAuth 2 (RFC 6749, section 4.4). */
export interface ClientCredentials {
  /** The token endpoint, e.g. `https://login.example.com/realms/lake/protocol/openid-connect/token`. */
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string | Secret;
  readonly scope?: string;
}

/** A bearer token, client credentials that get one, or nothing for a server without authentication. */
export type RestCredentials = { readonly token: string | Secret } | ClientCredentials | undefined;

/** A new token is asked for so long before the old one ends. */
const spareMs = 30_000;
/** How long a token is used whose answer does not say it. */
const unknownLifeMs = 60_000;

type Headers = Readonly<Record<string, string>>;

/** Gives the headers of a request; with those that a server has refused, new ones if there are any. */
export type CatalogHeaders = (refused?: Headers) => Promise<Headers>;

/**
 * Makes what gives the headers of a request. Tokens of client credentials are kept until shortly before their end.
 *
 * @throws PlumbingError from the result: `AUTH_REJECTED` when the token endpoint refuses the client, `HTTP_*` when it can't be reached.
 */
export function authorization(credentials: RestCredentials): CatalogHeaders {
  if (credentials === undefined) return async () => ({});
  if ('token' in credentials) {
    const token = asSecret(credentials.token);
    return async () => bearer(token);
  }
  let known: { readonly headers: Headers; readonly endMs: number } | undefined;
  let fetching: Promise<typeof known> | undefined;
  return async (refused) => {
    if (
      refused?.['authorization'] !== undefined &&
      known?.headers['authorization'] === refused['authorization']
    )
      known = undefined;
    if (known && performance.now() <= known.endMs) return known.headers;
    fetching ??= fetchToken(credentials).finally(() => (fetching = undefined));
    known = await fetching;
    return known?.headers ?? {};
  };
}

/**
 * Sends a request with credentials, and once more with new ones when the server refuses them (401): tokens may end before their
 * time, and nothing has happened then.
 */
export async function sendAuthorized<T>(
  headers: CatalogHeaders,
  send: (headers: Headers) => Promise<T>,
): Promise<T> {
  const known = await headers();
  try {
    return await send(known);
  } catch (error) {
    if (!(error instanceof HttpError) || error.status !== 401) throw error;
    const fresh = await headers(known);
    if (fresh['authorization'] === known['authorization']) throw error;
    return send(fresh);
  }
}

function bearer(token: Secret): Headers {
  return { authorization: `Bearer ${token.reveal()}` };
}

async function fetchToken({
  tokenUrl,
  clientId,
  clientSecret,
  scope,
}: ClientCredentials): Promise<{ readonly headers: Headers; readonly endMs: number }> {
  const url = URL.canParse(tokenUrl) ? new URL(tokenUrl) : undefined;
  if (!url)
    throw new PlumbingError('CONFIG_INVALID', 'the token URL of the catalog is no URL; expected https://…');
  const http = createHttpClient({ baseUrl: url.origin });
  const startedMs = performance.now();
  let answer;
  try {
    answer = await http.request({
      method: 'POST',
      path: url.href,
      // A token too many does no harm.
      retry: true,
      body: {
        form: {
          grant_type: 'client_credentials',
          client_id: clientId,
          client_secret: asSecret(clientSecret),
          ...(scope !== undefined && { scope }),
        },
      },
    });
  } catch (cause) {
    if (!(cause instanceof HttpError) || ![400, 401, 403].includes(cause.status)) throw cause;
    const { status } = cause;
    throw new PlumbingError(
      'AUTH_REJECTED',
      `${url.host} gave no token for the catalog (${status}); check client id, client secret and scope`,
      { cause },
    );
  }
  const { access_token: token, expires_in: seconds } = answer.json() as Record<string, unknown>;
  if (typeof token !== 'string' || token === '')
    throw new PlumbingError('AUTH_REJECTED', `${url.host} gave an answer without a token for the catalog`);
  const lifeMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : unknownLifeMs;
  return { headers: bearer(new Secret(token)), endMs: startedMs + Math.max(lifeMs - spareMs, lifeMs / 2) };
}

function asSecret(value: string | Secret): Secret {
  return typeof value === 'string' ? new Secret(value) : value;
}
