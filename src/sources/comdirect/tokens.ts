/** A token that stays valid over requests, runs and processes. */
import { join } from 'node:path';
import { createFileTokenStore, createTokenKeeper } from '../../auth/index.ts';
import type { TokenKeeper, TokenStore } from '../../auth/index.ts';
import { stateFolder } from '../../config/index.ts';
import type { HttpClient } from '../../http/index.ts';
import { AccessToken } from './access-token.ts';
import type { AccessTokenJson } from './access-token.ts';
import { loginKey } from './config.ts';
import type { ComdirectConfig } from './config.ts';
import { authenticateUserCredentials } from './login.ts';
import type { LoginOptions } from './login-session.ts';
import { bankHttp, nowMs, refreshWith } from './oauth.ts';

/**
 * What happens when there is no valid token and none can be had by a refresh.
 *
 * - `never`: `AUTH_NEEDS_PERSON`. For unattended runs.
 * - `push`: a login whose push TAN the person approves on the phone.
 * - `interactive`: a login that asks the person through `onChallenge`.
 */
export type LoginPolicy = 'never' | 'push' | 'interactive';

/** Options of {@link createComdirectTokens}. */
export interface ComdirectTokensOptions extends Omit<LoginOptions, 'signal'> {
  readonly config: ComdirectConfig;
  /** Default: {@link comdirectTokenStore}. */
  readonly tokenStore?: TokenStore | undefined;
  /** Default `never`. */
  readonly login?: LoginPolicy;
  /** Sends the refreshes. Default: a client of its own. */
  readonly bank?: HttpClient;
}

/** The encrypted file in the state folder that holds the token of this bank, client and person. */
export function comdirectTokenStore(config: ComdirectConfig, folder: string = stateFolder()): TokenStore {
  const key = loginKey(config, 'client');
  return createFileTokenStore({ path: join(folder, `comdirect-${key}.token`), context: `comdirect ${key}` });
}

/**
 * Keeps the token of one login valid: refreshes it shortly before its end, once among all processes that share the
 * store, and logs in by the policy when that is no longer possible.
 *
 * @example
 * ```ts
 * const tokens = createComdirectTokens({ config });
 * const client = createComdirectClient({ config, tokens });
 * ```
 */
export function createComdirectTokens(options: ComdirectTokensOptions): TokenKeeper<AccessTokenJson> {
  const { config, tokenStore, login = 'never', bank, ...loginOptions } = options;
  const http = bank ?? bankHttp(config, options.http);
  return createTokenKeeper<AccessTokenJson>({
    store: tokenStore ?? comdirectTokenStore(config),
    needsRefresh: (token) => isStale(AccessToken.fromJSON(token), nowMs(options)),
    async refresh(token, signal) {
      const fresh = await refreshWith(http, config, AccessToken.fromJSON(token), { ...loginOptions, signal });
      return fresh.toJSON();
    },
    ...(login !== 'never' && {
      async login(signal) {
        const { onChallenge, tanMethod, ...rest } = loginOptions;
        const method = login === 'push' ? 'P_TAN_PUSH' : tanMethod;
        const token = await authenticateUserCredentials(config, {
          ...rest,
          signal,
          onChallenge,
          ...(method !== undefined && { tanMethod: method }),
        });
        return token.toJSON();
      },
    }),
    loginHint: 'run: plumbing auth comdirect login',
  });
}

/** Seconds before its end at which a token is refreshed; half its life for one that lives shorter than twice that. */
const refreshBufferSeconds = 60;

/** Whether a token should be refreshed before its next use. One whose life the bank did not say is used until it is refused. */
export function isStale(token: AccessToken, atMs: number): boolean {
  if (token.expiresIn === 0) return false;
  return token.needsRefresh(Math.min(refreshBufferSeconds, token.expiresIn / 2), atMs);
}
