/** Login as the bank does it: OAuth, session, TAN challenge. Reference: sections 1, 2 and 2.7. */
import { createHash, randomInt, randomUUID } from 'node:crypto';
import { businessError, notFound, oauthError, ok } from './answers.ts';
import type { Answer } from './answers.ts';
import type { SandboxCredentials, TanMethod } from './options.ts';
import { makePng } from './png.ts';

/** How many unredeemed challenges lock the account. Reference: lock rule A. */
const maxChallenges = 5;
/** How many wrong TANs lock the account. Reference: lock rule B. */
const maxWrongTans = 3;

interface Challenge {
  readonly id: string;
  readonly authenticationId: string;
  readonly method: TanMethod;
  readonly madeMs: number;
  status: 'PENDING' | 'AUTHENTICATED' | 'CANCELED' | 'GONE';
}

interface Session {
  readonly identifier: string;
  stage: 'new' | 'challenged' | 'tan-active' | 'banking' | 'revoked';
  access: string;
  accessExpiresMs: number;
  refresh: string;
  refreshExpiresMs: number;
  challenge?: Challenge;
}

/** What the login needs to know. */
export interface LoginOptions {
  readonly credentials: SandboxCredentials;
  readonly nowMs: () => number;
  readonly accessTokenSeconds: number;
  readonly refreshTokenSeconds: number;
  readonly tanMethods: readonly TanMethod[];
  readonly pushLink: boolean;
  readonly approval: 'automatic' | 'manual' | 'reject' | 'expire';
  readonly approveAfterMs: number;
  readonly tan: string;
  readonly revokeOnReuse: boolean;
}

/** Counts and flags, for tests and the state endpoint. */
export interface LoginState {
  readonly locked: boolean;
  readonly openChallenges: number;
  readonly wrongTans: number;
  readonly passwordGrants: number;
  readonly refreshGrants: number;
}

type Form = URLSearchParams;

/** Who is logged in. */
export class Login {
  readonly #options: LoginOptions;
  readonly #byAccess = new Map<string, Session>();
  readonly #byRefresh = new Map<string, Session>();
  readonly #spent = new Map<string, Session>();
  readonly #clientUuid: string;
  #latest: Session | undefined;
  #openChallenges = 0;
  #wrongTans = 0;
  #locked = false;
  #passwordGrants = 0;
  #refreshGrants = 0;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#clientUuid = createHash('sha256')
      .update(options.credentials.username)
      .digest('hex')
      .slice(0, 32)
      .toUpperCase();
  }

  /** The person's UUID, the owner of all accounts. */
  get clientUuid(): string {
    return this.#clientUuid;
  }

  get state(): LoginState {
    return {
      locked: this.#locked,
      openChallenges: this.#openChallenges,
      wrongTans: this.#wrongTans,
      passwordGrants: this.#passwordGrants,
      refreshGrants: this.#refreshGrants,
    };
  }

  /** `POST /oauth/token`. Reference: sections 1, 1.1, 1.4. */
  token(form: Form): Answer {
    const { clientId, clientSecret } = this.#options.credentials;
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

  #password(form: Form): Answer {
    this.#passwordGrants++;
    const { username, password } = this.#options.credentials;
    if (this.#locked) return oauthError(400, 'invalid_grant', 'User is locked');
    if (form.get('username') !== username || form.get('password') !== password) {
      return oauthError(400, 'invalid_grant', 'Bad credentials');
    }
    const identifier = randomUUID().replaceAll('-', '').toUpperCase();
    const session: Session = {
      identifier,
      stage: 'new',
      access: '',
      accessExpiresMs: 0,
      refresh: '',
      refreshExpiresMs: 0,
    };
    return this.#issue(session, 'TWO_FACTOR');
  }

  #secondary(access: string): Answer {
    const session = this.#alive(access);
    if (!session) return oauthError(401, 'invalid_token', 'Invalid access token');
    if (this.#locked || session.stage !== 'tan-active')
      return oauthError(400, 'invalid_grant', 'Session TAN is not active');
    session.stage = 'banking';
    return this.#issue(session, bankingScope);
  }

  #refresh(refresh: string): Answer {
    this.#refreshGrants++;
    const session = this.#byRefresh.get(refresh);
    if (!session) {
      const robbed = this.#spent.get(refresh);
      if (robbed && this.#options.revokeOnReuse) this.#end(robbed);
      return oauthError(400, 'invalid_grant', 'Invalid refresh token');
    }
    if (session.refreshExpiresMs <= this.#options.nowMs()) {
      this.#end(session);
      return oauthError(400, 'invalid_grant', 'Invalid refresh token (expired)');
    }
    return this.#issue(session, session.stage === 'banking' ? bankingScope : 'TWO_FACTOR');
  }

  /** A new pair; the old one is spent. */
  #issue(session: Session, scope: string): Answer {
    this.#byAccess.delete(session.access);
    if (session.refresh !== '') {
      this.#byRefresh.delete(session.refresh);
      this.#spent.set(session.refresh, session);
    }
    const nowMs = this.#options.nowMs();
    session.access = randomUUID();
    session.refresh = randomUUID();
    session.accessExpiresMs = nowMs + this.#options.accessTokenSeconds * 1000;
    session.refreshExpiresMs = nowMs + this.#options.refreshTokenSeconds * 1000;
    this.#byAccess.set(session.access, session);
    this.#byRefresh.set(session.refresh, session);
    this.#latest = session;
    return ok(
      JSON.stringify({
        access_token: session.access,
        token_type: 'bearer',
        refresh_token: session.refresh,
        expires_in: this.#options.accessTokenSeconds,
        scope,
        kdnr: '9000000001',
        bpid: 90_000_001,
        kontaktId: 9_000_000_001,
      }),
    );
  }

  /** `DELETE /oauth/revoke`. Reference: section 1.3. */
  revoke(access: string): Answer {
    const session = this.#alive(access);
    if (!session) return oauthError(401, 'invalid_token', 'Invalid access token');
    this.#end(session);
    return { status: 204, body: '', headers: {} };
  }

  #end(session: Session): void {
    session.stage = 'revoked';
    this.#byAccess.delete(session.access);
    this.#byRefresh.delete(session.refresh);
  }

  #alive(access: string): Session | undefined {
    const session = this.#byAccess.get(access);
    return session && session.accessExpiresMs > this.#options.nowMs() ? session : undefined;
  }

  /** Whether a bearer token is alive, and for what. */
  authorise(access: string): 'none' | 'two-factor' | 'banking' {
    const session = this.#alive(access);
    if (!session) return 'none';
    return session.stage === 'banking' ? 'banking' : 'two-factor';
  }

  /** Lets an access token die before its time. */
  expire(access: string): void {
    const session = this.#byAccess.get(access);
    if (session) session.accessExpiresMs = 0;
  }

  /** `GET .../sessions`. Reference: section 2.2. */
  sessions(access: string): Answer {
    const session = this.#byAccess.get(access) as Session;
    const active = session.stage === 'tan-active' || session.stage === 'banking';
    return ok(
      JSON.stringify([{ identifier: session.identifier, sessionTanActive: active, activated2FA: active }]),
    );
  }

  /** `POST .../sessions/{identifier}/validate`. Reference: section 2.3. */
  validate(access: string, identifier: string, body: string, wanted: string | undefined): Answer {
    const session = this.#byAccess.get(access) as Session;
    const invalid = this.#checkSession(session, identifier, body);
    if (invalid) return invalid;
    const method = this.#methodOf(wanted);
    if (!method) return onceHeaderError;
    if (this.#locked) return lockedError;
    this.#openChallenges++;
    if (this.#openChallenges >= maxChallenges) this.#locked = true;
    if (session.challenge) session.challenge.status = 'GONE';
    const authenticationId = randomUUID().replaceAll('-', '').toUpperCase();
    const id = String(randomInt(100_000_000, 1_000_000_000));
    session.challenge = { id, authenticationId, method, madeMs: performance.now(), status: 'PENDING' };
    session.stage = 'challenged';
    const info = {
      id,
      typ: method,
      availableTypes: this.#options.tanMethods,
      ...this.#challengeOf(session.challenge),
    };
    return ok(activeSession(identifier), 201, { 'x-once-authentication-info': JSON.stringify(info) });
  }

  #challengeOf({ method, authenticationId }: Challenge): Readonly<Record<string, unknown>> {
    if (method === 'P_TAN') return { challenge: makePng(this.#openChallenges).toString('base64') };
    if (method === 'M_TAN') return { challenge: '+49-160-99XXXX' };
    if (!this.#options.pushLink) return {};
    return {
      link: {
        href: `/api/session/v1/authentications/${authenticationId}`,
        rel: 'related',
        method: 'GET',
        type: 'application/json',
      },
    };
  }

  #methodOf(wanted: string | undefined): TanMethod | undefined {
    const { tanMethods } = this.#options;
    if (wanted === undefined) return tanMethods[0];
    const typ = /["']typ["']\s*:\s*["'](\w+)["']/.exec(wanted)?.[1];
    return tanMethods.find((method) => method === typ);
  }

  #checkSession(session: Session, identifier: string, body: string): Answer | undefined {
    let given: { identifier?: unknown; sessionTanActive?: unknown; activated2FA?: unknown };
    try {
      given = (JSON.parse(body) ?? {}) as typeof given;
    } catch {
      given = {};
    }
    const fits = identifier === session.identifier && given.identifier === identifier;
    if (fits && given.sessionTanActive === true && given.activated2FA === true) return undefined;
    return businessError(422, 'request.object.invalid', {
      key: 'session.invalid',
      message: 'The session {0} is invalid',
      args: { '0': 'identifier' },
    });
  }

  /** `GET /api/session/v1/authentications/{id}`. Reference: section 2.3b. */
  poll(authenticationId: string): Answer {
    const challenge = [...this.#byAccess.values()]
      .map((session) => session.challenge)
      .find((candidate) => candidate?.authenticationId === authenticationId);
    if (!challenge) return notFound;
    const status = this.#statusOf(challenge);
    return status === 'GONE' ? notFound : ok(JSON.stringify({ authenticationId, status }));
  }

  #statusOf(challenge: Challenge): Challenge['status'] {
    const { approval, approveAfterMs } = this.#options;
    if (
      challenge.status === 'PENDING' &&
      challenge.method === 'P_TAN_PUSH' &&
      performance.now() - challenge.madeMs >= approveAfterMs
    ) {
      if (approval === 'automatic') challenge.status = 'AUTHENTICATED';
      if (approval === 'reject') challenge.status = 'CANCELED';
      if (approval === 'expire') challenge.status = 'GONE';
    }
    return challenge.status;
  }

  /** What the person does on the phone with the latest challenge. `false` when there is none. */
  decide(decision: 'approve' | 'reject' | 'expire'): boolean {
    const challenge = this.#latest?.challenge;
    if (!challenge || challenge.status !== 'PENDING') return false;
    challenge.status = decision === 'approve' ? 'AUTHENTICATED' : decision === 'reject' ? 'CANCELED' : 'GONE';
    return true;
  }

  /** `PATCH .../sessions/{identifier}`. Reference: section 2.4. */
  activate(
    access: string,
    identifier: string,
    body: string,
    info: string | undefined,
    tan: string | undefined,
  ): Answer {
    const session = this.#byAccess.get(access) as Session;
    const invalid = this.#checkSession(session, identifier, body);
    if (invalid) return invalid;
    if (this.#locked && this.#wrongTans >= maxWrongTans) return lockedError;
    const { challenge } = session;
    // Only the id is accepted; the whole challenge is not. Reference: quirk 29.
    const id = /^\s*\{\s*["']id["']\s*:\s*["']?(\d+)["']?\s*\}\s*$/.exec(info ?? '')?.[1];
    if (!challenge || id !== challenge.id) return onceHeaderError;
    const status = this.#statusOf(challenge);
    if (status === 'GONE') return tanError('tan.expired', 'The challenge {0} has expired');
    if (challenge.method === 'P_TAN_PUSH') {
      if (status !== 'AUTHENTICATED') return tanError('tan.pending', 'The challenge {0} was not approved');
    } else if (tan !== this.#options.tan) {
      this.#wrongTans++;
      if (this.#wrongTans >= maxWrongTans) this.#locked = true;
      return tanError('tan.invalid', 'The TAN is invalid');
    }
    delete session.challenge;
    session.stage = 'tan-active';
    this.#openChallenges = 0;
    this.#wrongTans = 0;
    this.#locked = false;
    return ok(activeSession(identifier));
  }
}

const bankingScope = 'BANKING_RW BROKERAGE_RW MESSAGES_RO REPORTS_RO SESSION_RW';

function activeSession(identifier: string): string {
  return JSON.stringify({ identifier, sessionTanActive: true, activated2FA: true });
}

const onceHeaderError = businessError(422, 'UNPROCESSABLE_ONCE_AUTHENTICATION_INFO_HEADER', {
  key: 'UNPROCESSABLE_ONCE_AUTHENTICATION_INFO_HEADER',
  message: 'The header x-once-authentication-info is invalid',
});
const lockedError = businessError(422, 'request.object.invalid', {
  key: 'user.locked',
  message: 'The access is locked',
});

function tanError(key: string, message: string): Answer {
  return businessError(422, 'request.object.invalid', { key, message });
}
