/** Authenticated reads from the bank. It sends GETs, and nothing else but a refresh of its token. */
import { createMemoryTokenStore } from '../../auth/index.ts';
import type { TokenKeeper } from '../../auth/index.ts';
import { PlumbingError } from '../../errors/index.ts';
import type { HttpClient, RateLimit } from '../../http/index.ts';
import { AccessToken } from './access-token.ts';
import type { AccessTokenJson } from './access-token.ts';
import { asHttpError, refusal } from './api-error.ts';
import type { ComdirectConfig } from './config.ts';
import { bankHttp, nowMs } from './oauth.ts';
import type { CallOptions } from './oauth.ts';
import { getSessionId, requestInfo } from './request-info.ts';
import { createComdirectTokens, isStale } from './tokens.ts';

/** Options of {@link createComdirectClient}: a token, or a keeper of tokens. */
export type ComdirectClientOptions = Omit<CallOptions, 'signal'> & {
  readonly config: ComdirectConfig;
  /** Default 2.5 requests a second; the bank answers 429 to faster clients. */
  readonly rateLimit?: RateLimit;
  /** Default: a new one. */
  readonly sessionId?: string;
} & (
    | { readonly accessToken: AccessToken; readonly tokens?: undefined }
    | { readonly tokens: TokenKeeper<AccessTokenJson>; readonly accessToken?: undefined }
  );

/** One read. */
export interface BankRequest {
  /** Values for the `{name}` parts of the route. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Called when the answer is there in full, before it is parsed. */
  readonly onReceived?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads from the bank with a valid token. */
export interface ComdirectClient {
  /**
   * The JSON answer to `GET route`, e.g. `api/banking/v2/accounts/{accountId}/balances`. An answer that is cut off is
   * asked for again; a token that is refused is refreshed once.
   *
   * @throws PlumbingError `AUTH_EXPIRED` when the bank refuses the refreshed token too; `HTTP_STATUS` with the bank's
   * code in the message, and other errors of the HTTP client; the errors of the token keeper.
   */
  get(route: string, request?: BankRequest): Promise<unknown>;
  /** The token in use; after a refresh the new one. */
  currentToken(): AccessToken | undefined;
}

const defaultRateLimit: RateLimit = { requestsPerSecond: 2.5 };

/**
 * Makes a client. With `accessToken` refreshed tokens live in this client only (see `currentToken`); with `tokens` they
 * are stored and shared.
 *
 * @example
 * ```ts
 * const client = createComdirectClient({ config, tokens: createComdirectTokens({ config }) });
 * const balances = await getAccountsBalances(client);
 * ```
 */
export function createComdirectClient(options: ComdirectClientOptions): ComdirectClient {
  return new Client(options);
}

/** A client, or what it takes to make one. */
export function clientOf(given: ComdirectClient | ComdirectClientOptions): ComdirectClient {
  return 'get' in given ? given : createComdirectClient(given);
}

class Client implements ComdirectClient {
  readonly #http: HttpClient;
  readonly #tokens: TokenKeeper<AccessTokenJson>;
  readonly #requestInfo: ReturnType<typeof requestInfo>;
  readonly #now: () => number;
  #token: AccessToken | undefined;

  constructor(options: ComdirectClientOptions) {
    const { config, http, rateLimit = defaultRateLimit, accessToken } = options;
    this.#http = bankHttp(config, { ...http, rateLimit });
    this.#requestInfo = requestInfo(options.sessionId ?? getSessionId());
    this.#now = () => nowMs(options);
    this.#tokens =
      options.tokens ??
      createComdirectTokens({
        config,
        bank: this.#http,
        tokenStore: createMemoryTokenStore(accessToken?.toJSON()),
        http,
        now: options.now,
      });
  }

  async get(route: string, request: BankRequest = {}): Promise<unknown> {
    let token = await this.#validToken(request.signal);
    for (let isSecond = false; ; isSecond = true) {
      try {
        return await this.#read(route, request, token);
      } catch (error) {
        const refused = asHttpError(error);
        if (!refused) throw error;
        if (refused.status !== 401) throw refusal(`GET ${route}`, refused);
        if (isSecond) {
          throw new PlumbingError(
            'AUTH_EXPIRED',
            `comdirect: GET ${route} answered 401 to a token that was just refreshed; log in again`,
          );
        }
        token = this.#take(await this.#tokens.replace(token.toJSON(), request.signal));
      }
    }
  }

  currentToken(): AccessToken | undefined {
    return this.#token;
  }

  async #read(route: string, request: BankRequest, token: AccessToken): Promise<unknown> {
    const path = route.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(request.params?.[name] ?? ''),
    );
    const response = await this.#http.request({
      path,
      ...(request.query && { query: request.query }),
      headers: () => ({ authorization: token.bearerAccessToken, ...this.#requestInfo() }),
      onReceived: request.onReceived,
      signal: request.signal,
    });
    return response.json();
  }

  async #validToken(signal: AbortSignal | undefined): Promise<AccessToken> {
    if (this.#token && !isStale(this.#token, this.#now())) return this.#token;
    return this.#take(await this.#tokens.get(signal));
  }

  #take(json: AccessTokenJson): AccessToken {
    this.#token = AccessToken.fromJSON(json);
    return this.#token;
  }
}
