import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import { Secret } from '../../../src/logging/index.ts';
import {
  ChallengeLedger,
  authenticateUserCredentials,
  loadComdirectConfig,
} from '../../../src/sources/comdirect/index.ts';
import { refuse, start, steps } from './login-setting.ts';
import {
  approvalPath,
  challengeHeader,
  credentials,
  failure,
  instantClock,
  startScriptedBank,
  tokenAnswer,
} from './scripted-bank.ts';

const { pin, sessions, validate, patch } = steps;

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

  test('a refused second token is AUTH_REJECTED; whether the challenge was redeemed is not sure, so it counts', async () => {
    const { bank, options } = await start(({ path, body }) =>
      path === '/oauth/token' && body.includes('cd_secondary')
        ? refuse(400, { error: 'invalid_grant' })
        : undefined,
    );
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'AUTH_REJECTED')).toBe(true);
    expect(await options.ledger.counts()).toEqual({ challenges: 1, tans: 0 });
  });

  test('a page that is no answer to the confirmation redeems nothing: three such logins are the last', async () => {
    const { bank, options } = await start(({ path, body }) => {
      if (path.includes('/sessions/') && !path.endsWith('/validate'))
        return { status: 200, body: '<html>maintenance</html>' };
      return body.includes('cd_secondary') ? refuse(400, { error: 'invalid_grant' }) : undefined;
    });
    for (let i = 1; i <= 3; i++) {
      await failure(authenticateUserCredentials(bank.config, options));
      expect(await options.ledger.counts()).toEqual({ challenges: i, tans: 0 });
    }
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'AUTH_CHALLENGE_LIMIT')).toBe(true);
  });
});

describe('credentials that the bank has refused', () => {
  const refusing = (status: number) =>
    start(({ path }) => (path === '/oauth/token' ? refuse(status, { error: 'invalid_grant' }) : undefined));

  test.each([400, 401, 403])('with %d are not sent again, by nobody', async (status) => {
    const { bank, options } = await refusing(status);
    await failure(authenticateUserCredentials(bank.config, options));
    const error = await failure(authenticateUserCredentials(bank.config, options));

    expect(isPlumbingError(error, 'AUTH_REJECTED') && error.message).toMatch(
      /nothing was sent.*reset-challenges/s,
    );
    expect(bank.calls()).toEqual([pin]);
  });

  test.each([404, 429, 500])('are not those of an answer with %d', async (status) => {
    const { bank, options } = await refusing(status);
    await failure(authenticateUserCredentials(bank.config, options));
    await failure(authenticateUserCredentials(bank.config, options));

    expect(bank.calls()).toEqual([pin, pin]);
  });

  test('are sent once more after the person says so, and others at once', async () => {
    const { bank, options } = await refusing(401);
    await failure(authenticateUserCredentials(bank.config, options));
    const other = { ...bank.config, password: new Secret('998877') };
    await failure(authenticateUserCredentials(other, options));

    expect(bank.calls()).toEqual([pin, pin]);

    await options.ledger.reset();
    await failure(authenticateUserCredentials(other, options));

    expect(bank.calls()).toEqual([pin, pin, pin]);
  });

  test('are kept apart: those of one job do not make it forget those of another', async () => {
    const { bank, options } = await refusing(401);
    const other = { ...bank.config, password: new Secret('998877') };
    for (const config of [bank.config, other, bank.config, other])
      await failure(authenticateUserCredentials(config, options));

    expect(bank.calls()).toEqual([pin, pin]);
  });

  test('are told also where they can not be noted', async () => {
    const { bank, options } = await refusing(401);
    options.ledger.noteRefused = () => Promise.reject(new Error('the disk is full'));

    expect(
      isPlumbingError(await failure(authenticateUserCredentials(bank.config, options)), 'AUTH_REJECTED'),
    ).toBe(true);
  });

  test('are nowhere in the file, and its counts stay', async () => {
    const bank = await startScriptedBank(({ path }) =>
      path === approvalPath ? { json: { status: 'REJECTED' } } : undefined,
    );
    const folder = mkdtempSync(join(tmpdir(), 'plumbing-refused-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const options = { ledger: ChallengeLedger.of(bank.config, folder), http: { clock: instantClock() } };
    await failure(authenticateUserCredentials(bank.config, options));
    await options.ledger.noteRefused(bank.config);

    expect(await options.ledger.counts()).toEqual({ challenges: 1, tans: 0 });
    await options.ledger.takeChallenge();
    await expect(options.ledger.checkCredentials(bank.config)).rejects.toThrow(/refused these credentials/);
    const [file = ''] = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.challenges.json'),
    );
    const text = readFileSync(join(folder, file), 'utf8');
    for (const secret of [bank.config.password, bank.config.username, bank.config.clientSecret])
      expect(text).not.toContain(secret.reveal());
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
