/** The session TAN as the bank asks for it. Reference: sections 2.2 to 2.4 and 2.7. */
import { randomInt, randomUUID } from 'node:crypto';
import { businessError, notFound, ok } from './answers.ts';
import type { Answer } from './answers.ts';
import type { SandboxOptions, TanMethod } from './options.ts';
import { makePng } from './png.ts';
import type { Challenge, Session } from './session.ts';

/** How many unredeemed challenges lock the person out. Reference: lock rule A. */
const maxChallenges = 5;
/** How many wrong TANs lock the person out. Reference: lock rule B. */
const maxWrongTans = 3;

/** What a person can do about a challenge. */
export type Decision = 'approve' | 'reject' | 'expire';

/** Counts and locks. */
export interface SecondFactorState {
  /** Nothing goes any more: no PIN, no TAN. */
  readonly locked: boolean;
  /** Challenges since a right TAN was last given; the fifth locks. */
  readonly openChallenges: number;
  /** Wrong TANs since a right one was last given; the third locks. */
  readonly wrongTans: number;
}

/** Challenges, and who is locked out. */
export class SecondFactor {
  readonly #methods: readonly TanMethod[];
  readonly #pushLink: boolean;
  readonly #approval: NonNullable<SandboxOptions['approval']>;
  readonly #approveAfterMs: number;
  readonly #tan: string;
  #latest: Challenge | undefined;
  #openChallenges = 0;
  #wrongTans = 0;
  #locked = false;

  constructor(options: SandboxOptions) {
    this.#methods = options.tanMethods ?? ['P_TAN_PUSH', 'P_TAN', 'M_TAN'];
    this.#pushLink = options.pushLink ?? true;
    this.#approval = options.approval ?? 'automatic';
    this.#approveAfterMs = options.approveAfterMs ?? 500;
    this.#tan = options.tan ?? '123456';
  }

  get state(): SecondFactorState {
    return { locked: this.#locked, openChallenges: this.#openChallenges, wrongTans: this.#wrongTans };
  }

  /** `GET .../sessions`. Reference: section 2.2. */
  sessions({ identifier, stage }: Session): Answer {
    const active = stage === 'tan-active' || stage === 'banking';
    return ok(JSON.stringify([{ identifier, sessionTanActive: active, activated2FA: active }]));
  }

  /** `POST .../sessions/{identifier}/validate`; `wanted` is the header that chooses a method. Reference: section 2.3. */
  validate(session: Session, identifier: string, body: string, wanted: string | undefined): Answer {
    if (!isActivation(session, identifier, body)) return sessionError;
    const method = this.#methodOf(wanted);
    if (!method) return onceHeaderError;
    if (this.#locked) return lockedError;
    this.#openChallenges++;
    if (this.#openChallenges >= maxChallenges) this.#locked = true;
    const challenge: Challenge = {
      id: String(randomInt(100_000_000, 1_000_000_000)),
      authenticationId: randomUUID().replaceAll('-', '').toUpperCase(),
      method,
      madeMs: performance.now(),
      status: 'PENDING',
    };
    session.challenge = challenge;
    this.#latest = challenge;
    const info = {
      id: challenge.id,
      typ: method,
      availableTypes: this.#methods,
      ...this.#extrasOf(challenge),
    };
    return ok(activeSession(identifier), 201, { 'x-once-authentication-info': JSON.stringify(info) });
  }

  #methodOf(wanted: string | undefined): TanMethod | undefined {
    if (wanted === undefined) return this.#methods[0];
    const typ = /["']typ["']\s*:\s*["'](\w+)["']/.exec(wanted)?.[1];
    return this.#methods.find((method) => method === typ);
  }

  #extrasOf({ method, authenticationId, id }: Challenge): Readonly<Record<string, unknown>> {
    if (method === 'P_TAN') return { challenge: makePng(Number(id)).toString('base64') };
    if (method === 'M_TAN') return { challenge: '+49-160-99XXXX' };
    if (!this.#pushLink) return {};
    const href = `/api/session/v1/authentications/${authenticationId}`;
    return { link: { href, rel: 'related', method: 'GET', type: 'application/json' } };
  }

  /** `GET /api/session/v1/authentications/{id}`. Reference: section 2.3b. */
  poll({ challenge }: Session, authenticationId: string): Answer {
    if (challenge?.authenticationId !== authenticationId) return notFound;
    const status = this.#statusOf(challenge);
    return status === 'GONE' ? notFound : ok(JSON.stringify({ authenticationId, status }));
  }

  #statusOf(challenge: Challenge): Challenge['status'] {
    const isDue = performance.now() - challenge.madeMs >= this.#approveAfterMs;
    if (challenge.status === 'PENDING' && challenge.method === 'P_TAN_PUSH' && isDue) {
      if (this.#approval === 'automatic') challenge.status = 'AUTHENTICATED';
      if (this.#approval === 'reject') challenge.status = 'CANCELED';
      if (this.#approval === 'expire') challenge.status = 'GONE';
    }
    return challenge.status;
  }

  /** What becomes of the latest challenge: push challenges are approved and rejected, all can expire. `false` when none is open. */
  decide(decision: Decision): boolean {
    const challenge = this.#latest;
    if (!challenge || this.#statusOf(challenge) !== 'PENDING') return false;
    if (decision !== 'expire' && challenge.method !== 'P_TAN_PUSH') return false;
    challenge.status = statusAfter[decision];
    return true;
  }

  /** `PATCH .../sessions/{identifier}`. Reference: section 2.4. */
  activate(
    session: Session,
    identifier: string,
    body: string,
    info: string | undefined,
    tan: string | undefined,
  ): Answer {
    if (!isActivation(session, identifier, body)) return sessionError;
    // The fifth challenge may still be redeemed: the lock is against a sixth.
    if (this.#wrongTans >= maxWrongTans) return lockedError;
    const { challenge } = session;
    // Only the id is accepted; the whole challenge is not. Reference: quirk 29.
    const id = /^\s*\{\s*["']id["']\s*:\s*["']?(\d+)["']?\s*\}\s*$/.exec(info ?? '')?.[1];
    if (!challenge || id !== challenge.id) return onceHeaderError;
    const status = this.#statusOf(challenge);
    if (status === 'GONE') return tanError('tan.expired', 'The challenge has expired');
    if (challenge.method === 'P_TAN_PUSH') {
      if (status !== 'AUTHENTICATED') return tanError('tan.pending', 'The challenge was not approved');
    } else if (tan !== this.#tan) {
      this.#wrongTans++;
      if (this.#wrongTans >= maxWrongTans) this.#locked = true;
      return tanError('tan.invalid', 'The TAN is invalid');
    }
    challenge.status = 'GONE';
    delete session.challenge;
    session.stage = 'tan-active';
    this.#openChallenges = 0;
    this.#wrongTans = 0;
    this.#locked = false;
    return ok(activeSession(identifier));
  }
}

const statusAfter: Readonly<Record<Decision, Challenge['status']>> = {
  approve: 'AUTHENTICATED',
  reject: 'CANCELED',
  expire: 'GONE',
};

function activeSession(identifier: string): string {
  return JSON.stringify({ identifier, sessionTanActive: true, activated2FA: true });
}

/** The session object with both flags set, as validation and activation want it. Reference: quirk 30. */
function isActivation(session: Session, identifier: string, body: string): boolean {
  let given: { identifier?: unknown; sessionTanActive?: unknown; activated2FA?: unknown } | null;
  try {
    given = JSON.parse(body) as typeof given;
  } catch {
    return false;
  }
  const isThisSession = identifier === session.identifier && given?.identifier === identifier;
  return isThisSession && given?.sessionTanActive === true && given.activated2FA === true;
}

const sessionError = businessError(422, 'request.object.invalid', {
  key: 'session.invalid',
  message: 'The session {0} is invalid',
  args: { '0': 'identifier' },
});
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
