import { beforeEach, describe, expect, test } from 'vitest';
import type { ComdirectSandbox, SandboxOptions } from '../../../../src/sources/comdirect/sandbox/index.ts';
import type { BankClient } from './bank-client.ts';
import { openBank } from './open-bank.ts';

let bank: ComdirectSandbox;
let client: BankClient;

async function open(options: SandboxOptions = {}): Promise<void> {
  ({ bank, client } = await openBank(options));
}

beforeEach(() => open());

describe('1 OAuth', () => {
  test('1.1: eight fields, numbers as numbers, the kdnr as text, an integer lifetime (quirk 2)', async () => {
    const { status, json } = await client.password();
    expect(status).toBe(200);
    expect(Object.keys(json).toSorted()).toEqual([
      'access_token',
      'bpid',
      'expires_in',
      'kdnr',
      'kontaktId',
      'refresh_token',
      'scope',
      'token_type',
    ]);
    expect(json).toMatchObject({ token_type: 'bearer', expires_in: 599, scope: 'TWO_FACTOR' });
    expect([typeof json.bpid, typeof json.kontaktId, typeof json.kdnr]).toEqual([
      'number',
      'number',
      'string',
    ]);
    for (const id of [json.bpid, json.kontaktId]) expect(id).toBeLessThan(2 ** 31);
    expect(json.access_token).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
  });

  test.each([
    ['a wrong client', { client_secret: 'x' }, 401, 'invalid_client'],
    ['a wrong PIN', { password: 'x' }, 400, 'invalid_grant'],
    ['an unknown grant', { grant_type: 'magic' }, 400, 'unsupported_grant_type'],
    ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 400, 'invalid_grant'],
  ])('1.4: %s', async (_what, change, status, error) => {
    const { username, password } = bank.credentials;
    const answer = await client.token({ grant_type: 'password', username, password, ...change });
    expect([answer.status, answer.json.error]).toEqual([status, error]);
  });

  test('1.2: tokens die after 599 s, a refresh makes a new pair and spends the old one', async () => {
    await client.login();
    const old = { access: client.access, refresh: client.refresh };
    bank.advance(598_000);
    expect((await client.balances()).status).toBe(200);
    bank.advance(2_000);
    expect((await client.balances()).status).toBe(401);
    expect((await client.token({ grant_type: 'refresh_token', refresh_token: old.refresh })).status).toBe(
      200,
    );
    expect(client.access).not.toBe(old.access);
    expect((await client.balances()).status).toBe(200);
    expect((await client.token({ grant_type: 'refresh_token', refresh_token: old.refresh })).status).toBe(
      400,
    );
    bank.advance(1_201_000);
    expect((await client.token({ grant_type: 'refresh_token', refresh_token: client.refresh })).status).toBe(
      400,
    );
  });

  test('with revokeOnReuse a spent refresh token ends the session', async () => {
    await open({ revokeOnReuse: true });
    await client.login();
    const spent = client.refresh;
    await client.token({ grant_type: 'refresh_token', refresh_token: spent });
    await client.token({ grant_type: 'refresh_token', refresh_token: spent });
    expect((await client.balances()).status).toBe(401);
  });

  test('1.3: revoke answers 204 and ends everything', async () => {
    await client.login();
    expect(await client.call('DELETE', '/oauth/revoke')).toMatchObject({ status: 204, text: '' });
    expect((await client.balances()).status).toBe(401);
    expect((await client.token({ grant_type: 'refresh_token', refresh_token: client.refresh })).status).toBe(
      400,
    );
  });

  test('1.1: a refresh gives the same eight fields, with the scope of the session', async () => {
    const first = (await client.password()).json;
    const renewed = (await client.token({ grant_type: 'refresh_token', refresh_token: client.refresh })).json;
    expect(Object.keys(renewed)).toEqual(Object.keys(first));
    expect(renewed).toMatchObject({ kdnr: first.kdnr, kontaktId: first.kontaktId, scope: 'TWO_FACTOR' });
    await client.login();
    const { json } = await client.token({ grant_type: 'refresh_token', refresh_token: client.refresh });
    expect(json.scope).toContain('BANKING_RW');
  });

  test('a token is asked for with a form, nothing else', async () => {
    const answer = await client.call('POST', '/oauth/token', {
      headers: { 'content-type': 'application/json' },
      body: {},
    });
    expect([answer.status, answer.json.error]).toEqual([415, 'invalid_request']);
  });
});
