/** How a client shows a REST catalog who it is. */
import { PlumbingError } from '../errors/index.ts';
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

/**
 * Makes what gives the headers of a request. Tokens of client credentials are kept until shortly before their end.
 *
 * @throws PlumbingError from the result: `AUTH_REJECTED` when the token endpoint refuses the client, `HTTP_*` when it can't be reached.
 */
export function authorization(credentials: RestCredentials): () => Promise<Readonly<Record<string, string>>> {
  if (credentials === undefined) return async () => ({});
  if ('token' in credentials) {
    const token = asSecret(credentials.token);
    return async () => bearer(token);
  }
  let known: { readonly token: Secret; readonly endMs: number } | undefined;
  return async () => {
    if (!known || Date.now() > known.endMs) known = await fetchToken(credentials);
    return bearer(known.token);
  };
}

function bearer(token: Secret): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token.reveal()}` };
}

async function fetchToken({
  tokenUrl,
  clientId,
  clientSecret,
  scope,
}: ClientCredentials): Promise<{ readonly token: Secret; readonly endMs: number }> {
  const url = URL.canParse(tokenUrl) ? new URL(tokenUrl) : undefined;
  if (!url)
    throw new PlumbingError('CONFIG_INVALID', 'the token URL of the catalog is no URL; expected https://…');
  const http = createHttpClient({ baseUrl: url.origin });
  const startedMs = Date.now();
  let answer;
  try {
    answer = await http.request({
      method: 'POST',
      path: `${url.pathname}${url.search}`,
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
    const { status } = cause as { status?: number };
    if (status === undefined || status >= 500) throw cause;
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
  return { token: new Secret(token), endMs: startedMs + Math.max(lifeMs - spareMs, lifeMs / 2) };
}

function asSecret(value: string | Secret): Secret {
  return typeof value === 'string' ? new Secret(value) : value;
}
