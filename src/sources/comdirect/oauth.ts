/** The bank's token endpoint. Reference: comdirect REST API 4/2020, sections 2.1, 2.5, 3.1. */
import { PlumbingError } from '../../errors/index.ts';
import { createHttpClient } from '../../http/index.ts';
import type { HttpClient, HttpClientOptions } from '../../http/index.ts';
import type { Secret } from '../../logging/index.ts';
import { AccessToken } from './access-token.ts';
import { asHttpError, bankMessage, refusal } from './api-error.ts';
import { bankUrl } from './config.ts';
import type { ComdirectConfig } from './config.ts';

/** How the bank is talked to. For tests and unusual networks. */
export type HttpOverrides = Pick<
  HttpClientOptions,
  'timeoutMs' | 'idleTimeoutMs' | 'maxBytes' | 'retry' | 'clock' | 'fetch'
>;

/** What every call may be given. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly http?: HttpOverrides | undefined;
  /** The clock by which tokens age, in wall-clock milliseconds. Default: that of `http`, or the real one. */
  readonly now?: (() => number) | undefined;
}

/** The time by the clock of the options. */
export function nowMs({ now, http }: CallOptions): number {
  return now?.() ?? http?.clock?.now() ?? Date.now();
}

/** The HTTP client for the bank of `config`. Without an `Accept` header the bank answers 406. */
export function bankHttp(
  config: ComdirectConfig,
  options: HttpOverrides & Pick<HttpClientOptions, 'rateLimit'> = {},
): HttpClient {
  return createHttpClient({ ...options, headers: { accept: 'application/json' }, baseUrl: bankUrl(config) });
}

type Grant = Readonly<Record<string, string | Secret>> & { readonly grant_type: string };

/**
 * Asks for a token pair, once. A refusal is an error of the HTTP client; callers say what it means.
 */
export async function requestToken(
  http: HttpClient,
  config: ComdirectConfig,
  grant: Grant,
  options: CallOptions,
): Promise<AccessToken> {
  const askedAtMs = nowMs(options);
  const response = await http.request({
    method: 'POST',
    path: 'oauth/token',
    body: { form: { client_id: config.clientId, client_secret: config.clientSecret, ...grant } },
    retry: false,
    signal: options.signal,
  });
  return AccessToken.fromResponse(response.json(), askedAtMs);
}

/**
 * Renews a token pair. The bank gives a new access token and a new refresh token; the old ones are spent, so store the
 * new pair before anything else. Sent once: after a network error nobody knows whether the old pair still works, so the
 * caller may try once more with it, and has to log in again if that is refused.
 *
 * @throws PlumbingError `AUTH_EXPIRED` when the bank refuses (any 4xx but 408 and 429): log in again. `HTTP_STATUS`,
 * `HTTP_NETWORK`, `HTTP_TIMEOUT` (retryable) when it could not answer.
 *
 * @example
 * ```ts
 * const renewed = await refreshToken(config, token);
 * await store.write(renewed.toJSON());
 * ```
 */
export async function refreshToken(
  config: ComdirectConfig,
  token: AccessToken,
  options: CallOptions = {},
): Promise<AccessToken> {
  return refreshWith(bankHttp(config, options.http), config, token, options);
}

/** {@link refreshToken}, over a client that exists. */
export async function refreshWith(
  http: HttpClient,
  config: ComdirectConfig,
  token: AccessToken,
  options: CallOptions,
): Promise<AccessToken> {
  const grant: Grant = { grant_type: 'refresh_token', refresh_token: token.secrets.refreshToken };
  try {
    return (await requestToken(http, config, grant, options)).issuedAfter(token);
  } catch (error) {
    const refused = asHttpError(error);
    if (!refused) throw error;
    if (refused.status >= 500 || refused.retryable) throw refusal('POST oauth/token (refresh)', refused);
    const { status, code } = bankMessage(refused);
    throw new PlumbingError(
      'AUTH_EXPIRED',
      `comdirect: the login has ended, its refresh token is no longer accepted (HTTP ${status}${code ? `, ${code}` : ''}); log in again`,
      { context: { status, code } },
    );
  }
}

/**
 * Ends the session: access token, refresh token and session TAN become void. `false` when the access token was void already:
 * then the refresh token may still be good, until it is refreshed and its successor revoked.
 *
 * Reference: comdirect REST API 4/2020, section 3.1.2.
 */
export async function revokeToken(
  config: ComdirectConfig,
  token: AccessToken,
  options: CallOptions = {},
): Promise<boolean> {
  try {
    await bankHttp(config, options.http).request({
      method: 'DELETE',
      path: 'oauth/revoke',
      headers: {
        authorization: token.bearerAccessToken,
        'content-type': 'application/x-www-form-urlencoded',
      },
      signal: options.signal,
    });
    return true;
  } catch (error) {
    const refused = asHttpError(error);
    if (!refused) throw error;
    if (refused.status !== 401) throw refusal('DELETE oauth/revoke', refused);
    return false;
  }
}
