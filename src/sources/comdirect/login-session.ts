/** The steps of a login, and what the bank's answers to them mean. */
import { z } from 'zod';
import { PlumbingError } from '../../errors/index.ts';
import { systemClock, untilAborted } from '../../http/index.ts';
import type { Clock, HttpClient } from '../../http/index.ts';
import type { AccessToken } from './access-token.ts';
import { asHttpError, bankMessage, refusal } from './api-error.ts';
import { readChallenge } from './challenge.ts';
import type { Challenge, PendingChallenge, TanMethod } from './challenge.ts';
import type { ChallengeLedger } from './challenge-ledger.ts';
import type { ComdirectConfig } from './config.ts';
import { bankHttp, requestToken } from './oauth.ts';
import type { CallOptions } from './oauth.ts';
import { getSessionId, requestInfo } from './request-info.ts';

/** Asks the person. Gives the TAN for `tan`; for `confirm` it resolves when the person has approved; else nothing. */
export type OnChallenge = (challenge: Challenge) => Promise<string | void>;

/** Options of {@link authenticateUserCredentials}. */
export interface LoginOptions extends CallOptions {
  /** The TAN method. Default: the person's favourite at the bank; without `onChallenge` the push TAN, which needs only the phone. */
  readonly tanMethod?: TanMethod;
  /** Shows the challenge to the person. Without it only a push TAN works. When it rejects, the login ends with that error. */
  readonly onChallenge?: OnChallenge | undefined;
  /** How often the approval of a push TAN is looked up. Default 2,000. */
  readonly pollIntervalMs?: number;
  /** How long an approval may take. Default 180,000; the bank may give up earlier. */
  readonly approvalTimeoutMs?: number;
  /** Default: a new one. */
  readonly sessionId?: string;
  /** Counts challenges. Default: the one in the state folder. */
  readonly ledger?: ChallengeLedger;
}

const sessionsSchema = z.array(z.looseObject({ identifier: z.string().min(1) })).min(1);
const authenticationSchema = z.looseObject({ status: z.string() });
const sessions = 'api/session/clients/user/v1/sessions';
const info = 'x-once-authentication-info';

/** One login: each method is a step, sent once. Reference: comdirect REST API 4/2020, sections 2.1 to 2.5. */
export class LoginSession {
  readonly #config: ComdirectConfig;
  readonly #options: LoginOptions;
  readonly #http: HttpClient;
  readonly #clock: Clock;
  readonly #requestInfo: ReturnType<typeof requestInfo>;

  constructor(config: ComdirectConfig, options: LoginOptions) {
    this.#config = config;
    this.#options = options;
    this.#http = bankHttp(config, options.http);
    this.#clock = options.http?.clock ?? systemClock;
    this.#requestInfo = requestInfo(options.sessionId ?? getSessionId());
  }

  /** 2.1 */
  async sendPin(): Promise<AccessToken> {
    const { username, password } = this.#config;
    const grant = { grant_type: 'password', username, password };
    try {
      return await requestToken(this.#http, this.#config, grant, this.#options);
    } catch (error) {
      throw rejected(
        error,
        'the bank refuses client id, client secret, access number or PIN; check COMDIRECT_* before the next try, because the bank locks the account after several wrong PINs',
      );
    }
  }

  /** 2.2 */
  async readSession(token: AccessToken): Promise<string> {
    const body = await this.#get(token, sessions, `GET ${sessions}`);
    const parsed = sessionsSchema.safeParse(body);
    const session = parsed.data?.[0];
    if (session) return session.identifier;
    throw new PlumbingError('SOURCE_FAILED', `comdirect: GET ${sessions} answered without a session`);
  }

  /** 2.3 Counts at the bank, whatever it answers. */
  async requestChallenge(
    token: AccessToken,
    session: string,
    method: TanMethod | undefined,
  ): Promise<PendingChallenge> {
    try {
      const response = await this.#http.request({
        method: 'POST',
        path: `${sessions}/${encodeURIComponent(session)}/validate`,
        headers: {
          ...this.#headers(token),
          ...(method !== undefined && { [info]: JSON.stringify({ typ: method }) }),
        },
        body: { json: activeSession(session) },
        retry: false,
        signal: this.#options.signal,
      });
      return readChallenge(response.headers.get(info));
    } catch (error) {
      throw challengeFailed(error, 'the bank gives no TAN challenge');
    }
  }

  /** Resolves when the person has done what was asked; gives the TAN, if it takes one. */
  async waitForPerson(
    token: AccessToken,
    pending: PendingChallenge,
    ledger: ChallengeLedger,
  ): Promise<string | undefined> {
    const { challenge, link, isNeeded } = pending;
    const { onChallenge, signal } = this.#options;
    if (!isNeeded) return undefined;
    if (link !== undefined) {
      await this.#waitForApproval(token, challenge, link);
      return undefined;
    }
    if (!onChallenge) throw needsPerson(challenge.type);
    const answer = await untilAborted(onChallenge(challenge), signal);
    const tan = typeof answer === 'string' ? answer.trim() : '';
    if (challenge.action === 'tan' && tan === '') {
      throw new PlumbingError(
        'AUTH_CHALLENGE_FAILED',
        'comdirect: no TAN was given; the challenge stays open at the bank and counts',
      );
    }
    // A confirmation that comes too early may count as a wrong TAN, just like one.
    await ledger.takeTan(signal);
    return tan === '' ? undefined : tan;
  }

  /** 2.4 Only the id goes back; more is refused by the bank. */
  async activate(
    token: AccessToken,
    session: string,
    { id }: PendingChallenge,
    tan: string | undefined,
  ): Promise<void> {
    try {
      await this.#http.request({
        method: 'PATCH',
        path: `${sessions}/${encodeURIComponent(session)}`,
        headers: {
          ...this.#headers(token),
          [info]: JSON.stringify({ id }),
          ...(tan !== undefined && { 'x-once-authentication': tan }),
        },
        body: { json: activeSession(session) },
        retry: false,
        signal: this.#options.signal,
      });
    } catch (error) {
      throw challengeFailed(error, 'the bank refuses the TAN; nothing is sent again by itself');
    }
  }

  /** 2.5 */
  async secondToken(token: AccessToken): Promise<AccessToken> {
    const grant = { grant_type: 'cd_secondary', token: token.secrets.accessToken };
    try {
      return await requestToken(this.#http, this.#config, grant, this.#options);
    } catch (error) {
      throw rejected(error, 'the bank gives no token although the TAN was accepted; log in again');
    }
  }

  async #waitForApproval(token: AccessToken, challenge: Challenge, link: string): Promise<void> {
    const { onChallenge, pollIntervalMs = 2_000, approvalTimeoutMs = 180_000 } = this.#options;
    const cancel = new AbortController();
    const signals = [cancel.signal, ...(this.#options.signal ? [this.#options.signal] : [])];
    const signal = AbortSignal.any(signals);
    // Told, not asked: the approval is seen at the bank, so nobody waits for this.
    void Promise.resolve(onChallenge?.(challenge)).catch((error: unknown) => cancel.abort(error));
    const startedMs = this.#clock.now();
    for (;;) {
      const status = await this.#approvalStatus(token, link, signal);
      if (status === 'AUTHENTICATED') return;
      if (status !== 'PENDING' && status !== 'ACTIVE') {
        const shown = /^[A-Z_]{1,30}$/.test(status) ? status : 'unknown';
        throw new PlumbingError(
          'AUTH_CHALLENGE_FAILED',
          `comdirect: the push TAN was not approved (${shown}); log in again to get a new one`,
          { context: { status: shown } },
        );
      }
      if (this.#clock.now() - startedMs >= approvalTimeoutMs) {
        throw new PlumbingError(
          'AUTH_CHALLENGE_FAILED',
          `comdirect: the push TAN was not approved within ${Math.round(approvalTimeoutMs / 1000)} s; log in again to get a new one`,
        );
      }
      await this.#clock.sleep(pollIntervalMs, signal);
    }
  }

  async #approvalStatus(token: AccessToken, link: string, signal: AbortSignal): Promise<string> {
    try {
      // The link is relative to the origin and holds `/api` already.
      if (!URL.canParse(link, this.#http.origin)) throw unreadableLink();
      const path = new URL(link, this.#http.origin).href;
      const body = await this.#get(token, path, 'GET of the approval', signal);
      return authenticationSchema.safeParse(body).data?.status ?? '';
    } catch (error) {
      if (asHttpError(error)?.status === 404) {
        throw new PlumbingError(
          'AUTH_CHALLENGE_FAILED',
          'comdirect: the push TAN has expired at the bank; log in again to get a new one',
        );
      }
      throw error;
    }
  }

  async #get(
    token: AccessToken,
    path: string,
    action: string,
    signal = this.#options.signal,
  ): Promise<unknown> {
    try {
      const headers = (): Record<string, string> => this.#headers(token);
      return (await this.#http.request({ path, headers, signal })).json();
    } catch (error) {
      const refused = asHttpError(error);
      throw refused ? refusal(action, refused) : error;
    }
  }

  #headers(token: AccessToken): Record<string, string> {
    return { authorization: token.bearerAccessToken, ...this.#requestInfo() };
  }
}

/** Both flags are always `true`; the ones that the bank sent before must not be echoed. */
function activeSession(identifier: string): Readonly<Record<string, unknown>> {
  return { identifier, sessionTanActive: true, activated2FA: true };
}

function unreadableLink(): PlumbingError {
  return new PlumbingError(
    'AUTH_CHALLENGE_FAILED',
    'comdirect: the bank gives a link to the approval that is none; the challenge stays open and counts, so confirm one on the bank’s own pages before the next try',
  );
}

/** The error for a method that cannot do without a person. */
export function needsPerson(method: TanMethod | undefined): PlumbingError {
  return new PlumbingError(
    'AUTH_NEEDS_PERSON',
    `comdirect: the TAN method ${method ?? 'of the account'} needs a person; pass onChallenge, or run: plumbing auth comdirect login`,
  );
}

/** A 4xx of the token endpoint, said in words; anything else as it is. */
function rejected(error: unknown, meaning: string): unknown {
  const refused = asHttpError(error);
  if (!refused || refused.retryable || refused.status >= 500) return error;
  const { status, code } = bankMessage(refused);
  return new PlumbingError(
    'AUTH_REJECTED',
    `comdirect: ${meaning} (HTTP ${status}${code ? `, ${code}` : ''})`,
    { context: { status, code } },
  );
}

/** A refused challenge or TAN. Never retryable, whatever the status: each try counts towards the lock. */
function challengeFailed(error: unknown, meaning: string): unknown {
  const refused = asHttpError(error);
  if (!refused) return error;
  const { status, code, keys } = bankMessage(refused);
  const words = [`HTTP ${status}`, code, ...keys].filter((word) => word !== undefined).join(', ');
  return new PlumbingError('AUTH_CHALLENGE_FAILED', `comdirect: ${meaning} (${words})`, {
    context: { status, code, key: keys[0] },
  });
}
