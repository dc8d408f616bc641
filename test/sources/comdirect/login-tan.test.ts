import { describe, expect, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import { authenticateUserCredentials } from '../../../src/sources/comdirect/index.ts';
import type { Challenge } from '../../../src/sources/comdirect/index.ts';
import { refuse, start, steps } from './login-setting.ts';
import {
  approvalPath,
  challengeHeader,
  failure,
  instantClock,
  png,
  push,
  startScriptedBank,
} from './scripted-bank.ts';

const { pin, sessions, validate, poll, patch } = steps;

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

  test('a link that is none ends the login with advice, as the challenge counts', async () => {
    const { bank, options } = await start(({ path }) =>
      path.endsWith('/validate') ? push('http://[') : undefined,
    );
    const error = await failure(authenticateUserCredentials(bank.config, options));
    expect(isPlumbingError(error, 'AUTH_CHALLENGE_FAILED') && error.message).toMatch(/link .* is none/);
    expect(await options.ledger.counts()).toEqual({ challenges: 1, tans: 0 });
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
