import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import type { Challenge } from '../../../src/sources/comdirect/challenge.ts';
import { authenticateUserCredentials } from '../../../src/sources/comdirect/login.ts';
import type { LoginOptions } from '../../../src/sources/comdirect/login.ts';
import {
  approvalPath,
  challengeHeader,
  credentials,
  failure,
  instantClock,
  png,
  push,
  startScriptedBank,
  temporaryLedger,
  tokenAnswer,
} from './scripted-bank.ts';
import type { Script, ScriptedBank } from './scripted-bank.ts';

const pin = 'POST /oauth/token';
const sessions = 'GET /api/session/clients/user/v1/sessions';
const validate = 'POST /api/session/clients/user/v1/sessions/{id}/validate';
const poll = 'GET /api/session/v1/authentications/{id}';
const patch = 'PATCH /api/session/clients/user/v1/sessions/{id}';

async function start(
  script?: Script,
): Promise<{ bank: ScriptedBank; options: LoginOptions & { ledger: NonNullable<LoginOptions['ledger']> } }> {
  const bank = await startScriptedBank(script);
  return { bank, options: { ledger: await temporaryLedger(bank.config), http: { clock: instantClock() } } };
}

const refuse = (status: number, json: unknown = { code: 'request.object.invalid', messages: [] }) => ({
  status,
  json,
});

describe('what is refused', () => {
  test.each([
    [400, { error: 'invalid_grant', error_description: 'Bad credentials' }],
    [401, { error: 'invalid_client' }],
    [403, undefined],
  ])('wrong credentials (HTTP %d) are AUTH_REJECTED, and the PIN is sent once', async (status, json) => {
    const { bank, options } = await start(({ path }) =>
      path === '/oauth/token' ? refuse(status, json) : undefined,
    );
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'AUTH_REJECTED')).toBe(true);
    expect(isPlumbingError(error) && error.retryable).toBe(false);
    expect(bank.calls()).toEqual([pin]);
    expect(await options.ledger.counts()).toEqual({ challenges: 0, tans: 0 });
  });

  test.each([429, 500, 503])('a bank that answers the PIN with %d is not asked again', async (status) => {
    const { bank, options } = await start(({ path }) => (path === '/oauth/token' ? { status } : undefined));
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'HTTP_STATUS') && !error.retryable).toBe(true);
    expect(bank.calls()).toEqual([pin]);
  });

  test.each([422, 429, 500, 503])(
    'a request for a challenge that is answered with %d is counted and not repeated',
    async (status) => {
      const { bank, options } = await start(({ path }) =>
        path.endsWith('/validate') ? { status } : undefined,
      );
      const error = await failure(authenticateUserCredentials(bank.config, options));
      expect(isPlumbingError(error, 'AUTH_CHALLENGE_FAILED') && !error.retryable).toBe(true);
      expect(bank.calls()).toEqual([pin, sessions, validate]);
      expect(await options.ledger.counts()).toEqual({ challenges: 1, tans: 0 });
    },
  );

  test.each([undefined, 'no json', '{}', '{"id":"","typ":"P_TAN"}', '[]'])(
    'a challenge header of %j is AUTH_CHALLENGE_FAILED, and no TAN is sent',
    async (header) => {
      const { bank, options } = await start(({ path }) =>
        path.endsWith('/validate')
          ? {
              status: 201,
              json: {},
              headers: header === undefined ? {} : { 'x-once-authentication-info': header },
            }
          : undefined,
      );
      const error = await failure(authenticateUserCredentials(bank.config, options));
      expect(isPlumbingError(error, 'AUTH_CHALLENGE_FAILED')).toBe(true);
      expect(bank.calls()).not.toContain(patch);
    },
  );

  test('a wrong TAN is sent once; after the second one the login is refused before anything is sent', async () => {
    const { bank, options } = await start(({ path, method }) => {
      if (path.endsWith('/validate')) return challengeHeader({ typ: 'M_TAN', challenge: '+49-160-99XXXX' });
      return method === 'PATCH'
        ? refuse(422, { code: 'TAN_UNGUELTIG', messages: [{ key: 'tan.wrong' }] })
        : undefined;
    });
    const login = () =>
      failure(authenticateUserCredentials(bank.config, { ...options, onChallenge: async () => '000000' }));
    const first = await login();
    expect(isPlumbingError(first, 'AUTH_CHALLENGE_FAILED') && first.message).toContain(
      'TAN_UNGUELTIG, tan.wrong',
    );
    expect(bank.calls().filter((call) => call === patch)).toHaveLength(1);
    await login();
    expect(bank.calls().filter((call) => call === patch)).toHaveLength(2);
    const sent = bank.requests.length;
    const third = await login();
    expect(isPlumbingError(third, 'AUTH_CHALLENGE_LIMIT')).toBe(true);
    expect(bank.requests).toHaveLength(sent);
  });

  test('no session in the answer is an error that sends nothing more', async () => {
    const { bank, options } = await start(({ path }) =>
      path.endsWith('/sessions') ? { json: [] } : undefined,
    );
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'SOURCE_FAILED')).toBe(true);
    expect(bank.calls()).toEqual([pin, sessions]);
  });

  test('a refused second token is AUTH_REJECTED; the challenge was redeemed and counts no more', async () => {
    const { bank, options } = await start(({ path, body }) =>
      path === '/oauth/token' && body.includes('cd_secondary')
        ? refuse(400, { error: 'invalid_grant' })
        : undefined,
    );
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'AUTH_REJECTED')).toBe(true);
    expect(await options.ledger.counts()).toEqual({ challenges: 0, tans: 0 });
  });
});

describe('the count of challenges', () => {
  test('the fourth unconfirmed challenge is refused before the PIN is sent, and the message says how to recover', async () => {
    const { bank, options } = await start(({ path }) =>
      path === approvalPath ? { json: { status: 'REJECTED' } } : undefined,
    );
    for (let i = 0; i < 3; i++) {
      const error = await failure(authenticateUserCredentials(bank.config, options));
      expect(isPlumbingError(error, 'AUTH_CHALLENGE_FAILED')).toBe(true);
    }
    const sent = bank.requests.length;
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'AUTH_CHALLENGE_LIMIT')).toBe(true);
    expect(isPlumbingError(error) && error.message).toMatch(/website or app.*plumbing auth comdirect/s);
    expect(bank.requests).toHaveLength(sent);
    await options.ledger.reset();
    bank.script = () => undefined;
    await authenticateUserCredentials(bank.config, options);
    expect(await options.ledger.counts()).toEqual({ challenges: 0, tans: 0 });
  });

  test('a challenge is on disk before it is requested', async () => {
    let counted: unknown;
    const { bank, options } = await start();
    bank.script = ({ path }) => {
      if (path.endsWith('/validate')) counted = options.ledger.counts();
      return undefined;
    };
    await authenticateUserCredentials(bank.config, options);
    expect(await counted).toEqual({ challenges: 1, tans: 0 });
  });

  test('a login that succeeds sets the count back', async () => {
    const { bank, options } = await start();
    await options.ledger.takeChallenge();
    await options.ledger.takeChallenge();
    await authenticateUserCredentials(bank.config, options);
    expect(await options.ledger.counts()).toEqual({ challenges: 0, tans: 0 });
  });
});

describe('push TAN', () => {
  test('runs the five steps in order, and confirms only after the approval was seen', async () => {
    const { bank, options } = await start(({ path }, n) =>
      path === approvalPath && n < 3 ? { json: { status: n === 1 ? 'ACTIVE' : 'PENDING' } } : undefined,
    );
    const token = await authenticateUserCredentials(bank.config, options);
    expect(bank.calls()).toEqual([pin, sessions, validate, poll, poll, poll, poll, patch, pin]);
    expect(token.bearerAccessToken).toBe('Bearer access-CANARY-cd_secondary-1');
  });

  test('the phone is informed while the approval is awaited, and nobody waits for the answer', async () => {
    const { bank, options } = await start();
    const seen: Challenge[] = [];
    await authenticateUserCredentials(bank.config, {
      ...options,
      onChallenge: (challenge) => {
        seen.push(challenge);
        return new Promise(() => undefined);
      },
    });
    expect(seen).toEqual([
      { type: 'P_TAN_PUSH', availableTypes: ['P_TAN_PUSH', 'P_TAN', 'M_TAN'], action: 'approve' },
    ]);
  });

  test.each(['REJECTED', 'CANCELED', 'EXPIRED', '', 'something <odd>'])(
    'a status of %j ends the login without a confirmation',
    async (status) => {
      const { bank, options } = await start(({ path }) =>
        path === approvalPath ? { json: { status } } : undefined,
      );
      const error = await failure(authenticateUserCredentials(bank.config, options));
      expect(isPlumbingError(error, 'AUTH_CHALLENGE_FAILED')).toBe(true);
      expect(String(error)).not.toContain('<odd>');
      expect(bank.calls()).not.toContain(patch);
    },
  );

  test('404 while polling means that the challenge has expired', async () => {
    const { bank, options } = await start(({ path }) =>
      path === approvalPath ? { status: 404 } : undefined,
    );
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'AUTH_CHALLENGE_FAILED') && error.message).toContain('expired');
  });

  test('gives up after the approval time, by waiting and not by a fixed sleep', async () => {
    const { bank, options } = await start(({ path }) =>
      path === approvalPath ? { json: { status: 'PENDING' } } : undefined,
    );
    const clock = instantClock();
    const error = await failure(
      authenticateUserCredentials(bank.config, {
        ...options,
        http: { clock },
        pollIntervalMs: 1_000,
        approvalTimeoutMs: 5_000,
      }),
    );
    expect(isPlumbingError(error, 'AUTH_CHALLENGE_FAILED') && error.message).toContain('within 5 s');
    expect(clock.sleeps).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
    expect(bank.calls()).not.toContain(patch);
  });

  test('an approval that is there at once needs no wait at all', async () => {
    const { bank, options } = await start();
    const clock = instantClock();
    await authenticateUserCredentials(bank.config, { ...options, http: { clock } });
    expect(clock.sleeps).toEqual([]);
  });

  test('without a link the person says when it is approved, and the confirmation is sent once', async () => {
    const order: string[] = [];
    const { bank, options } = await start(({ path, method }) => {
      if (method === 'PATCH') order.push('confirmed');
      return path.endsWith('/validate') ? challengeHeader({ typ: 'P_TAN_PUSH' }) : undefined;
    });
    await authenticateUserCredentials(bank.config, {
      ...options,
      onChallenge: async ({ action }) => {
        await Promise.resolve();
        order.push(action);
      },
    });
    expect(order).toEqual(['confirm', 'confirmed']);
    expect(bank.calls()).not.toContain(poll);
  });

  test('without a link and without anybody to ask it is AUTH_NEEDS_PERSON, not a blind confirmation', async () => {
    const { bank, options } = await start(({ path }) =>
      path.endsWith('/validate') ? challengeHeader({ typ: 'P_TAN_PUSH' }) : undefined,
    );
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'AUTH_NEEDS_PERSON')).toBe(true);
    expect(bank.calls()).not.toContain(patch);
  });

  test('a confirmation that came too early counts like a wrong TAN', async () => {
    const { bank, options } = await start(({ path, method }) => {
      if (path.endsWith('/validate')) return challengeHeader({ typ: 'P_TAN_PUSH' });
      return method === 'PATCH' ? refuse(422) : undefined;
    });
    await failure(
      authenticateUserCredentials(bank.config, { ...options, onChallenge: async () => undefined }),
    );
    expect(await options.ledger.counts()).toEqual({ challenges: 1, tans: 1 });
  });

  test('a link to another origin is refused before a connection, so the token stays here', async () => {
    const stranger = await startScriptedBank();
    const { bank, options } = await start(({ path }) =>
      path.endsWith('/validate') ? push(`${stranger.url}${approvalPath}`) : undefined,
    );
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'LINK_ORIGIN')).toBe(true);
    expect(stranger.requests).toEqual([]);
  });

  test('a bank that stumbles while the approval is looked up is asked again', async () => {
    const { bank, options } = await start(({ path }, n) =>
      path === approvalPath && n === 0 ? { status: 503 } : undefined,
    );
    await authenticateUserCredentials(bank.config, options);
    expect(bank.calls().filter((call) => call === poll)).toHaveLength(2);
  });
});

describe('photoTAN and mobileTAN', () => {
  test('photoTAN gives the picture and takes the TAN', async () => {
    const { bank, options } = await start(({ path }) =>
      path.endsWith('/validate')
        ? challengeHeader({ typ: 'P_TAN', challenge: Buffer.from(png).toString('base64') })
        : undefined,
    );
    let seen: Challenge | undefined;
    await authenticateUserCredentials(bank.config, {
      ...options,
      tanMethod: 'P_TAN',
      onChallenge: async (challenge) => {
        seen = challenge;
        return ' 123456 ';
      },
    });
    expect(seen).toMatchObject({ type: 'P_TAN', action: 'tan', image: png });
    const confirmation = bank.requests.find(({ method }) => method === 'PATCH');
    expect(confirmation?.headers['x-once-authentication']).toBe('123456');
  });

  test('mobileTAN gives the masked number', async () => {
    const { bank, options } = await start(({ path }) =>
      path.endsWith('/validate') ? challengeHeader({ typ: 'M_TAN', challenge: '+49-160-99XXXX' }) : undefined,
    );
    let seen: Challenge | undefined;
    await authenticateUserCredentials(bank.config, {
      ...options,
      onChallenge: async (challenge) => {
        seen = challenge;
        return '123456';
      },
    });
    expect(seen).toMatchObject({ action: 'tan', phoneNumber: '+49-160-99XXXX' });
  });

  test.each([undefined, '', '  '])('a TAN of %j is none: nothing is confirmed', async (tan) => {
    const { bank, options } = await start(({ path }) =>
      path.endsWith('/validate') ? challengeHeader({ typ: 'M_TAN', challenge: 'x' }) : undefined,
    );
    const error = await failure(
      authenticateUserCredentials(bank.config, { ...options, onChallenge: async () => tan }),
    );
    expect(isPlumbingError(error, 'AUTH_CHALLENGE_FAILED')).toBe(true);
    expect(bank.calls()).not.toContain(patch);
    expect(await options.ledger.counts()).toEqual({ challenges: 1, tans: 0 });
  });

  test('a method that needs a person is AUTH_NEEDS_PERSON before anything is sent, when there is nobody to ask', async () => {
    const { bank, options } = await start();
    const error = await failure(authenticateUserCredentials(bank.config, { ...options, tanMethod: 'P_TAN' }));
    expect(isPlumbingError(error, 'AUTH_NEEDS_PERSON')).toBe(true);
    expect(bank.requests).toEqual([]);
  });

  test('the method goes with the first request for a challenge, so that changing it costs none', async () => {
    const { bank, options } = await start();
    await authenticateUserCredentials(bank.config, {
      ...options,
      tanMethod: 'P_TAN_PUSH',
      onChallenge: async () => undefined,
    });
    const [request, ...more] = bank.requests.filter(({ path }) => path.endsWith('/validate'));
    expect(JSON.parse(String(request?.headers['x-once-authentication-info']))).toEqual({ typ: 'P_TAN_PUSH' });
    expect(more).toEqual([]);
  });

  test('without a choice the bank takes the favourite method', async () => {
    const { bank, options } = await start();
    await authenticateUserCredentials(bank.config, { ...options, onChallenge: async () => undefined });
    const request = bank.requests.find(({ path }) => path.endsWith('/validate'));
    expect(request?.headers['x-once-authentication-info']).toBeUndefined();
  });

  test('a session whose TAN is free needs no person', async () => {
    const { bank, options } = await start(({ path }) =>
      path.endsWith('/validate') ? challengeHeader({ typ: 'TAN_FREI' }) : undefined,
    );
    await authenticateUserCredentials(bank.config, options);
    expect(bank.calls()).toContain(patch);
  });
});

describe('what is sent', () => {
  test('quirk 30: both flags are true in validate and confirmation, although the bank said false', async () => {
    const { bank, options } = await start();
    await authenticateUserCredentials(bank.config, options);
    const bodies = bank.requests
      .filter(({ path, method }) => path.endsWith('/validate') || method === 'PATCH')
      .map(({ body }) => JSON.parse(body) as unknown);
    expect(bodies).toHaveLength(2);
    for (const body of bodies) expect(body).toMatchObject({ sessionTanActive: true, activated2FA: true });
  });

  test('quirk 29: only the id of the challenge goes back', async () => {
    const { bank, options } = await start();
    await authenticateUserCredentials(bank.config, options);
    const request = bank.requests.find(({ method }) => method === 'PATCH');
    expect(request?.headers['x-once-authentication-info']).toBe('{"id":"605497991"}');
    expect(request?.headers['x-once-authentication']).toBeUndefined();
  });

  test('quirk 28: the link is relative to the origin, also when the base address ends in /api', async () => {
    const { bank, options } = await start();
    const { loadComdirectConfig } = await import('../../../src/sources/comdirect/config.ts');
    for (const suffix of ['', '/', '/api', '/api/']) {
      const config = loadComdirectConfig({ ...credentials, COMDIRECT_BASE_URL: bank.url + suffix });
      await authenticateUserCredentials(config, options);
    }
    expect(bank.requests.filter(({ path }) => path === approvalPath)).toHaveLength(4);
  });

  test('quirk 19: secrets with special characters arrive as they are', async () => {
    const { bank, options } = await start();
    await authenticateUserCredentials(bank.config, options);
    const fields = new URLSearchParams(bank.requests[0]?.body);
    expect(Object.fromEntries(fields)).toEqual({
      client_id: credentials.COMDIRECT_CLIENT_ID,
      client_secret: credentials.COMDIRECT_CLIENT_SECRET,
      grant_type: 'password',
      username: credentials.COMDIRECT_USERNAME,
      password: credentials.COMDIRECT_PASSWORD,
    });
  });

  test('quirk 20: every request accepts JSON', async () => {
    const { bank, options } = await start();
    await authenticateUserCredentials(bank.config, options);
    for (const { headers } of bank.requests) expect(headers.accept).toBe('application/json');
  });

  test('every request of the session has its own id of nine digits, and one session id of 32 hex characters', async () => {
    const { bank, options } = await start(({ path }, n) =>
      path === approvalPath && n < 5 ? { json: { status: 'PENDING' } } : undefined,
    );
    await authenticateUserCredentials(bank.config, options);
    const ids = bank.requests
      .filter(({ path }) => path.startsWith('/api/'))
      .map(
        ({ headers }) =>
          JSON.parse(String(headers['x-http-request-info'])) as Record<string, Record<string, string>>,
      )
      .map((info) => info['clientRequestId'] ?? {});
    expect(new Set(ids.map((id) => id['requestId'])).size).toBe(ids.length);
    for (const id of ids) {
      expect(id['requestId']).toMatch(/^\d{9}$/);
      expect(id['sessionId']).toMatch(/^[\da-f]{32}$/);
    }
    expect(new Set(ids.map((id) => id['sessionId'])).size).toBe(1);
  });

  test('the session is run with the first token, and exchanged for the second', async () => {
    const { bank, options } = await start();
    await authenticateUserCredentials(bank.config, options);
    const bearers = bank.requests
      .filter(({ path }) => path.startsWith('/api/'))
      .map(({ headers }) => headers.authorization);
    expect(new Set(bearers)).toEqual(new Set(['Bearer access-CANARY-password-0']));
    expect(new URLSearchParams(bank.requests.at(-1)?.body).get('token')).toBe('access-CANARY-password-0');
  });
});

describe('cancelling', () => {
  test.each(['/oauth/token', '/sessions', '/validate', approvalPath])(
    'an abort during the request to %s ends the login with its reason',
    async (route) => {
      const abort = new AbortController();
      const { bank, options } = await start(({ path }) => {
        if (path.endsWith(route)) abort.abort(new Error('enough'));
        return undefined;
      });
      const error = await failure(
        authenticateUserCredentials(bank.config, { ...options, signal: abort.signal }),
      );
      expect(error).toMatchObject({ message: 'enough' });
      expect(bank.calls()).not.toContain(patch);
    },
  );

  test('an abort ends the wait for a person who never answers', async () => {
    const abort = new AbortController();
    const { bank, options } = await start(({ path }) =>
      path.endsWith('/validate') ? challengeHeader({ typ: 'M_TAN', challenge: 'x' }) : undefined,
    );
    const error = await failure(
      authenticateUserCredentials(bank.config, {
        ...options,
        signal: abort.signal,
        onChallenge: () => {
          queueMicrotask(() => abort.abort(new Error('enough')));
          return new Promise(() => undefined);
        },
      }),
    );
    expect(error).toMatchObject({ message: 'enough' });
  });

  test('a person who refuses ends the wait for an approval', async () => {
    const { bank, options } = await start(({ path }) =>
      path === approvalPath ? { json: { status: 'PENDING' } } : undefined,
    );
    const error = await failure(
      authenticateUserCredentials(bank.config, {
        ...options,
        onChallenge: () => Promise.reject(new Error('not now')),
      }),
    );
    expect(error).toMatchObject({ message: 'not now' });
  });

  test('a signal that is aborted already sends nothing', async () => {
    const { bank, options } = await start();
    const signal = AbortSignal.abort(new Error('enough'));
    await failure(authenticateUserCredentials(bank.config, { ...options, signal }));
    expect(bank.requests).toEqual([]);
  });
});

test('no error of a login shows a credential, a token or the TAN', async () => {
  const { bank, options } = await start();
  const failAt = ['/oauth/token', '/sessions', '/validate', approvalPath, 'PATCH', 'cd_secondary'];
  for (const place of failAt) {
    const echo = (received: { body: string }) => ({
      status: 422,
      json: {
        code: received.body,
        messages: [{ key: received.body, message: received.body }],
        error: credentials.COMDIRECT_PASSWORD,
      },
    });
    bank.script = (received) => {
      const { path, method, body } = received;
      if (place === 'cd_secondary') return body.includes(place) ? echo(received) : undefined;
      if (place === 'PATCH' ? method === place : path.endsWith(place)) return echo(received);
      return path.endsWith('/validate') && place === 'PATCH'
        ? challengeHeader({ typ: 'M_TAN', challenge: 'x' })
        : undefined;
    };
    await options.ledger.reset();
    const error = await failure(
      authenticateUserCredentials(bank.config, { ...options, onChallenge: async () => '246813' }),
    );
    const shown = `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)}`;
    for (const secret of [...Object.values(credentials), 'access-CANARY', 'refresh-CANARY', '246813'])
      expect(shown, place).not.toContain(secret);
  }
});

test('the configuration itself prints no credential', async () => {
  const { bank } = await start();
  const shown = `${inspect(bank.config, { depth: 9, showHidden: true })} ${JSON.stringify(bank.config)}`;
  for (const secret of Object.values(credentials)) expect(shown).not.toContain(secret);
});

test('the life time of the token is what the bank says', async () => {
  const clock = instantClock();
  const { bank, options } = await start(({ body }) =>
    body.includes('cd_secondary') ? tokenAnswer('x', { expires_in: 33 }) : undefined,
  );
  const token = await authenticateUserCredentials(bank.config, { ...options, http: { clock } });
  expect(token.expiresAtMs).toBe(clock.now() + 33_000);
});
