import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import { AccessToken } from '../../../src/sources/comdirect/access-token.ts';
import { refreshToken, revokeToken } from '../../../src/sources/comdirect/oauth.ts';
import { failure, instantClock, startScriptedBank, tokenAnswer } from './scripted-bank.ts';

const clock = instantClock();
const old = AccessToken.fromResponse(tokenAnswer('old').json, clock.now() - 500_000);

test.each([400, 401, 403, 404, 422])(
  'HTTP %d to a refresh means: log in again, and it was sent once',
  async (status) => {
    const bank = await startScriptedBank(() => ({ status, json: { error: 'invalid_grant' } }));
    const error = await failure(refreshToken(bank.config, old, { http: { clock } }));
    expect(isPlumbingError(error, 'AUTH_EXPIRED') && !error.retryable).toBe(true);
    expect(isPlumbingError(error) && error.message).toContain('invalid_grant');
    expect(inspect(error, { depth: 9 })).not.toContain('CANARY');
    expect(bank.requests).toHaveLength(1);
  },
);

test.each([408, 429, 500, 503])(
  'HTTP %d to a refresh says nothing about the login: retryable, and sent once',
  async (status) => {
    const bank = await startScriptedBank(() => ({ status }));
    const error = await failure(refreshToken(bank.config, old, { http: { clock } }));
    expect(isPlumbingError(error, 'HTTP_STATUS') && error.retryable).toBe(true);
    expect(bank.requests).toHaveLength(1);
  },
);

test('an answer that never comes is not asked for again: the old token may be spent', async () => {
  const bank = await startScriptedBank(() => ({ status: 200, body: '{"access_token":' }));
  const error = await failure(refreshToken(bank.config, old, { http: { clock } }));
  expect(isPlumbingError(error, 'HTTP_BAD_BODY')).toBe(true);
  expect(bank.requests).toHaveLength(1);
});

test('a refresh sends the refresh token in the body and gives the new pair', async () => {
  const bank = await startScriptedBank(() => tokenAnswer('new', { kdnr: undefined, bpid: undefined }));
  const fresh = await refreshToken(bank.config, old, { http: { clock } });
  expect(fresh.bearerAccessToken).toBe('Bearer access-CANARY-new');
  expect(fresh.issuedAtMs).toBe(clock.now());
  const form = new URLSearchParams(bank.requests[0]?.body);
  expect([form.get('grant_type'), form.get('refresh_token')]).toEqual([
    'refresh_token',
    'refresh-CANARY-old',
  ]);
});

test('a refreshed token is newer than the old one even when the clock was set back', async () => {
  const bank = await startScriptedBank();
  const fresh = await refreshToken(bank.config, old, { now: () => old.issuedAtMs - 3_600_000 });
  expect(fresh.issuedAtMs).toBeGreaterThan(old.issuedAtMs);
});

test('revoking sends one DELETE with the token and no body', async () => {
  const bank = await startScriptedBank();
  await revokeToken(bank.config, old);
  expect(bank.calls()).toEqual(['DELETE /oauth/revoke']);
  expect(bank.requests[0]?.headers.authorization).toBe('Bearer access-CANARY-old');
  expect(bank.requests[0]?.body).toBe('');
});

test('revoking a token that is void already is done', async () => {
  const bank = await startScriptedBank(() => ({ status: 401 }));
  await revokeToken(bank.config, old);
});

test('a bank that cannot revoke is an error', async () => {
  const bank = await startScriptedBank(() => ({ status: 503 }));
  expect(isPlumbingError(await failure(revokeToken(bank.config, old)), 'HTTP_STATUS')).toBe(true);
});
