/** Tokens as the bank gives them. Reference: section 1. */
import { randomUUID } from 'node:crypto';
import { oauthError, ok } from './answers.ts';
import type { Answer } from './answers.ts';
import type { SandboxCredentials, SandboxOptions } from './options.ts';
import type { SecondFactor, SecondFactorState } from './second-factor.ts';
import type { Session } from './session.ts';

/** Counts and flags, for tests and the state endpoint. */
export interface LoginState extends SecondFactorState {
  /** Password grants asked for, whatever came of them. */
  readonly passwordGrants: number;
  /** Refresh grants asked for, whatever came of them. */
  readonly refreshGrants: number;
}

const bankingScope = 'BANKING_RW BROKERAGE_RW MESSAGES_RO REPORTS_RO SESSION_RW';

/** Who is logged in. */
export class Login {
  readonly #credentials: SandboxCredentials;
  readonly #secondFactor: SecondFactor;
  readonly #nowMs: () => number;
  readonly #accessTokenSeconds: number;
  readonly #refreshTokenSeconds: number;
  readonly #revokeOnReuse: boolean;
  readonly #byAccess = new Map<string, Session>();
  readonly #byRefresh = new Map<string, Session>();
  readonly #spent = new Map<string, Session>();
  #passwordGrants = 0;
  #refreshGrants = 0;

  constructor(
    options: SandboxOptions,
    parts: { credentials: SandboxCredentials; secondFactor: SecondFactor; nowMs: () => number },
  ) {
    this.#credentials = parts.credentials;
    this.#secondFactor = parts.secondFactor;
    this.#nowMs = parts.nowMs;
    this.#accessTokenSeconds = options.accessTokenSeconds ?? 599;
    this.#refreshTokenSeconds = options.refreshTokenSeconds ?? 1200;
    this.#revokeOnReuse = options.revokeOnReuse ?? false;
  }

  get state(): LoginState {
    return {
      ...this.#secondFactor.state,
      passwordGrants: this.#passwordGrants,
      refreshGrants: this.#refreshGrants,
    };
  }

  /** `POST /oauth/token`. Reference: sections 1, 1.1, 1.4. */
  token(form: URLSearchParams): Answer {
    const { clientId, clientSecret } = this.#credentials;
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret) {
      return oauthError(401, 'invalid_client', 'Bad client credentials');
    }
    switch (form.get('grant_type')) {
      case 'password':
        return this.#password(form);
      case 'cd_secondary':
        return this.#secondary(form.get('token') ?? '');
      case 'refresh_token':
        return this.#refresh(form.get('refresh_token') ?? '');
      default:
        return oauthError(400, 'unsupported_grant_type', 'Unsupported grant type');
    }
  }

  #password(form: URLSearchParams): Answer {
    this.#passwordGrants++;
    const { username, password } = this.#credentials;
    if (this.#secondFactor.state.locked) return oauthError(400, 'invalid_grant', 'User is locked');
    if (form.get('username') !== username || form.get('password') !== password) {
      return oauthError(400, 'invalid_grant', 'Bad credentials');
    }
    return this.#issue({
      identifier: randomUUID().replaceAll('-', '').toUpperCase(),
      stage: 'primary',
      access: '',
      accessExpiresMs: 0,
      refresh: '',
      refreshExpiresMs: 0,
    });
  }

  #secondary(access: string): Answer {
    const session = this.sessionOf(access);
    if (!session) return oauthError(401, 'invalid_token', 'Invalid access token');
    if (this.#secondFactor.state.locked || session.stage !== 'tan-active') {
      return oauthError(400, 'invalid_grant', 'Session TAN is not active');
    }
    session.stage = 'banking';
    return this.#issue(session);
  }

  #refresh(refresh: string): Answer {
    this.#refreshGrants++;
    const session = this.#byRefresh.get(refresh);
    if (!session) {
      const robbed = this.#spent.get(refresh);
      if (robbed && this.#revokeOnReuse) this.#end(robbed);
      return oauthError(400, 'invalid_grant', 'Invalid refresh token');
    }
    if (session.refreshExpiresMs <= this.#nowMs()) {
      this.#end(session);
      return oauthError(400, 'invalid_grant', 'Invalid refresh token (expired)');
    }
    return this.#issue(session);
  }

  /** A new pair; the old one is spent. */
  #issue(session: Session): Answer {
    this.#byAccess.delete(session.access);
    if (session.refresh !== '') {
      this.#byRefresh.delete(session.refresh);
      this.#spent.set(session.refresh, session);
    }
    const nowMs = this.#nowMs();
    session.access = randomUUID();
    session.refresh = randomUUID();
    session.accessExpiresMs = nowMs + this.#accessTokenSeconds * 1000;
    session.refreshExpiresMs = nowMs + this.#refreshTokenSeconds * 1000;
    this.#byAccess.set(session.access, session);
    this.#byRefresh.set(session.refresh, session);
    return ok(
      JSON.stringify({
        access_token: session.access,
        token_type: 'bearer',
        refresh_token: session.refresh,
        expires_in: this.#accessTokenSeconds,
        scope: session.stage === 'banking' ? bankingScope : 'TWO_FACTOR',
        kdnr: '9000000001',
        // Below 2 ** 31, as the reference's samples are: typed clients hold them in 32 bits.
        bpid: 90_000_001,
        kontaktId: 1_900_000_001,
      }),
    );
  }

  /** `DELETE /oauth/revoke`. Reference: section 1.3. */
  revoke(access: string): Answer {
    const session = this.sessionOf(access);
    if (!session) return oauthError(401, 'invalid_token', 'Invalid access token');
    this.#end(session);
    return { status: 204, body: '', headers: {} };
  }

  #end(session: Session): void {
    session.stage = 'ended';
    this.#byAccess.delete(session.access);
    this.#byRefresh.delete(session.refresh);
  }

  /** The session of a living access token. */
  sessionOf(access: string): Session | undefined {
    const session = this.#byAccess.get(access);
    return session && session.accessExpiresMs > this.#nowMs() ? session : undefined;
  }

  /** Lets an access token die before its time. */
  expire(access: string): void {
    const session = this.#byAccess.get(access);
    if (session) session.accessExpiresMs = 0;
  }
}
