import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import {
  AccessToken,
  authenticateUserCredentials,
  comdirectTokenStore,
  createComdirectClient,
  createComdirectTokens,
  getAccountsBalances,
  refreshToken,
  revokeToken,
} from '../../../src/sources/comdirect/index.ts';
import { failure, temporaryFolder } from './scripted-bank.ts';
import { startSetting } from './sandbox-bank.ts';

describe('a login at the sandbox bank', () => {
  test('by push TAN gives a token that reads accounts', async () => {
    const { bank, config, ledger } = await startSetting({ approveAfterMs: 30, strictHeaders: true });
    const accessToken = await authenticateUserCredentials(config, { ledger, pollIntervalMs: 5 });
    expect(await getAccountsBalances(createComdirectClient({ config, accessToken }))).toHaveLength(3);
    expect(bank.login).toMatchObject({ openChallenges: 0, wrongTans: 0, passwordGrants: 1 });
  });

  test('by push TAN without a link asks the person once', async () => {
    const { bank, config, ledger } = await startSetting({ pushLink: false, approval: 'manual' });
    let asked = 0;
    await authenticateUserCredentials(config, {
      ledger,
      onChallenge: async ({ action }) => {
        asked++;
        expect(action).toBe('confirm');
        bank.approve();
      },
    });
    expect(asked).toBe(1);
  });

  test.each(['P_TAN', 'M_TAN'] as const)('by %s takes the TAN', async (tanMethod) => {
    const { config, ledger } = await startSetting({ tan: '424242' });
    await authenticateUserCredentials(config, {
      ledger,
      tanMethod,
      onChallenge: async ({ type, image, phoneNumber }) => {
        expect(type).toBe(tanMethod);
        if (tanMethod === 'P_TAN')
          expect(
            Buffer.from(image ?? [])
              .subarray(1, 4)
              .toString(),
          ).toBe('PNG');
        else expect(phoneNumber).toMatch(/X{4}$/);
        return '424242';
      },
    });
  });

  test.each(['reject', 'expire'] as const)(
    'that the person lets %s ends, and three of them end all',
    async (approval) => {
      const { bank, config, ledger } = await startSetting({ approval });
      for (let i = 0; i < 3; i++) {
        const error = await failure(authenticateUserCredentials(config, { ledger, pollIntervalMs: 5 }));
        expect(isPlumbingError(error, 'AUTH_CHALLENGE_FAILED')).toBe(true);
      }
      const sent = bank.requests.length;
      for (let i = 0; i < 3; i++) {
        const error = await failure(authenticateUserCredentials(config, { ledger }));
        expect(isPlumbingError(error, 'AUTH_CHALLENGE_LIMIT')).toBe(true);
      }
      expect(bank.requests).toHaveLength(sent);
    },
  );

  test('quirk 31: with wrong TANs and unanswered challenges in any number the bank never locks', async () => {
    const { bank, config, ledger } = await startSetting();
    for (let i = 0; i < 8; i++) {
      await failure(
        authenticateUserCredentials(config, {
          ledger,
          tanMethod: i % 2 ? 'M_TAN' : 'P_TAN',
          onChallenge: async () => '000000',
        }),
      );
    }
    expect(bank.login).toMatchObject({ locked: false, wrongTans: 2 });
    expect(bank.login.openChallenges).toBeLessThanOrEqual(3);
  });

  test('with a wrong PIN is sent once', async () => {
    const { bank, config, ledger } = await startSetting({ credentials: { password: '111111' } });
    const wrong = { ...config, password: config.clientSecret };
    expect(
      isPlumbingError(await failure(authenticateUserCredentials(wrong, { ledger })), 'AUTH_REJECTED'),
    ).toBe(true);
    expect(bank.login.passwordGrants).toBe(1);
  });

  test.each([
    ['reset', { kind: 'reset' }],
    ['cut off', { kind: 'truncated', shape: 'length' }],
    ['answered with 503', { kind: 'status', status: 503 }],
  ] as const)('whose challenge request is %s is not repeated', async (_, fault) => {
    const { config, ledger, bank, requests } = await startSetting();
    bank.inject({ ...fault, path: '/validate', times: 0 });
    await failure(authenticateUserCredentials(config, { ledger }));
    expect(requests('/validate')).toHaveLength(1);
    expect(await ledger.counts()).toMatchObject({ challenges: 1 });
  });

  test('that never hears from the bank again can be aborted', async () => {
    const { config, ledger, bank } = await startSetting();
    bank.inject({ kind: 'hang', path: '/oauth/token' });
    const abort = new AbortController();
    const login = failure(authenticateUserCredentials(config, { ledger, signal: abort.signal }));
    abort.abort(new Error('enough'));
    expect(await login).toMatchObject({ message: 'enough' });
  });
});

describe('a session at the sandbox bank', () => {
  test('goes on with refreshed tokens, each of which voids the one before', async () => {
    const { config, ledger } = await startSetting({ revokeOnReuse: true });
    const first = await authenticateUserCredentials(config, { ledger });
    const second = await refreshToken(config, first);
    const third = await refreshToken(config, second);
    expect(third.issuedAtMs).toBeGreaterThan(second.issuedAtMs);
    expect(isPlumbingError(await failure(refreshToken(config, first)), 'AUTH_EXPIRED')).toBe(true);
  });

  test('ends when it is revoked', async () => {
    const { config, ledger } = await startSetting();
    const accessToken = await authenticateUserCredentials(config, { ledger });
    await revokeToken(config, accessToken);
    await revokeToken(config, accessToken);
    const error = await failure(getAccountsBalances({ config, accessToken }));
    expect(isPlumbingError(error, 'AUTH_NEEDS_PERSON')).toBe(true);
  });

  test('whose refresh token has died needs a person, and says how', async () => {
    const setting = await startSetting();
    const { bank, config, ledger, tokenStore } = setting;
    await tokenStore.write(
      (await authenticateUserCredentials(config, { ledger, now: () => bank.now().getTime() })).toJSON(),
    );
    bank.advance(3_600_000);
    const tokens = createComdirectTokens({ config, tokenStore, now: () => bank.now().getTime() });
    const error = await failure(tokens.get());
    expect(isPlumbingError(error, 'AUTH_NEEDS_PERSON') && error.message).toContain(
      'plumbing auth comdirect login',
    );
    expect(bank.login.passwordGrants).toBe(1);
  });

  test('is kept in an encrypted file that names neither token nor person, one for each client', async () => {
    const { config, ledger } = await startSetting();
    const folder = await temporaryFolder();
    const token = await authenticateUserCredentials(config, { ledger });
    await comdirectTokenStore(config, folder).write(token.toJSON());
    expect(AccessToken.fromJSON(await comdirectTokenStore(config, folder).read()).toJSON()).toEqual(
      token.toJSON(),
    );
    const otherClient = { ...config, clientId: config.clientSecret };
    expect(await comdirectTokenStore(otherClient, folder).read()).toBeUndefined();
    const { accessToken, refreshToken: refresh } = token.toJSON();
    for (const name of await readdir(folder)) {
      const text = name + (await readFile(join(folder, name), 'latin1'));
      for (const secret of [accessToken, refresh, config.username.reveal()])
        expect(text).not.toContain(secret);
    }
  });

  test('a token store that holds something else is said to be corrupt', async () => {
    const { config, tokenStore } = await startSetting();
    await tokenStore.write({ issuedAtMs: 1, other: true });
    const error = await failure(createComdirectTokens({ config, tokenStore }).get());
    expect(isPlumbingError(error, 'TOKEN_STORE_CORRUPT')).toBe(true);
  });

  test('quirk 18: after a refresh only the newest pair is used and stored', async () => {
    const { bank, config, ledger, tokenStore } = await startSetting();
    await tokenStore.write((await authenticateUserCredentials(config, { ledger })).toJSON());
    const client = createComdirectClient({ config, tokens: createComdirectTokens({ config, tokenStore }) });
    bank.inject({ kind: 'expired-token', path: '/balances' });
    await getAccountsBalances(client);
    expect(AccessToken.fromJSON(await tokenStore.read()).bearerAccessToken).toBe(
      client.currentToken()?.bearerAccessToken,
    );
    expect(bank.login.refreshGrants).toBe(1);
    await getAccountsBalances(client);
    expect(bank.login.refreshGrants).toBe(1);
  });
});
