import { inflateSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ComdirectSandbox, SandboxOptions } from '../../../../src/sources/comdirect/sandbox/index.ts';
import { challengeOf } from './bank-client.ts';
import type { BankClient } from './bank-client.ts';
import { openBank } from './open-bank.ts';

let bank: ComdirectSandbox;
let client: BankClient;

async function open(options: SandboxOptions = {}): Promise<void> {
  ({ bank, client } = await openBank(options));
}

beforeEach(() => open());

describe('2 session and TAN', () => {
  test('2.2: a bare array of one session, with any text in place of the client id', async () => {
    await client.password();
    for (const who of ['user', '9000000001', 'B5A9F0C8B4214C019D0A6167C3190CC4']) {
      const { json } = await client.get(`/api/session/clients/${who}/v1/sessions`);
      expect(json).toEqual([
        {
          identifier: expect.stringMatching(/^[\dA-F]{32}$/) as string,
          sessionTanActive: false,
          activated2FA: false,
        },
      ]);
    }
  });

  test('2.3: 201 with a challenge and a link that is relative to the host (quirk 28)', async () => {
    await client.password();
    const answer = await client.validate(await client.identifier());
    const challenge = challengeOf(answer);
    expect(answer.status).toBe(201);
    expect(challenge).toMatchObject({
      id: expect.stringMatching(/^\d{6,9}$/) as string,
      typ: 'P_TAN_PUSH',
      availableTypes: ['P_TAN_PUSH', 'P_TAN', 'M_TAN'],
    });
    expect(challenge.link?.href).toMatch(/^\/api\/session\/v1\/authentications\/[\dA-F]{32}$/);
    expect(challenge.challenge).toBeUndefined();
  });

  test('2.3b: PENDING until approved, then AUTHENTICATED; a challenge that is gone is a 404', async () => {
    await client.password();
    const identifier = await client.identifier();
    const { link } = challengeOf(await client.validate(identifier));
    const poll = () => client.get(link?.href ?? '');
    expect((await poll()).json.status).toBe('PENDING');
    expect(bank.approve()).toBe(true);
    expect((await poll()).json.status).toBe('AUTHENTICATED');
    expect(bank.approve()).toBe(false);
    await client.validate(identifier);
    expect((await poll()).status).toBe(404);
  });

  test('P_TAN gives a PNG, M_TAN a masked number', async () => {
    await client.password();
    const identifier = await client.identifier();
    const png = Buffer.from(
      challengeOf(await client.validate(identifier, { typ: 'P_TAN' })).challenge ?? '',
      'base64',
    );
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    const data = png.indexOf('IDAT');
    expect(inflateSync(png.subarray(data + 4, data + 4 + png.readUInt32BE(data - 4))).length).toBe(64 * 65);
    expect(challengeOf(await client.validate(identifier, { typ: 'M_TAN' })).challenge).toMatch(
      /^\+49-160-99X+$/,
    );
    expect((await client.validate(identifier, { typ: 'X_TAN' })).status).toBe(422);
  });

  test('quirk 30: validate with flags that are not true is a 422', async () => {
    await client.password();
    expect((await client.validate(await client.identifier(), { flags: false })).status).toBe(422);
  });

  test('2.4: PATCH before the approval is a 422 and costs nothing; quirk 29: so is the whole challenge', async () => {
    await client.password();
    const identifier = await client.identifier();
    const challenge = challengeOf(await client.validate(identifier));
    expect((await client.activate(identifier, { id: challenge.id })).status).toBe(422);
    bank.approve();
    expect((await client.activate(identifier, challenge)).json.code).toBe(
      'UNPROCESSABLE_ONCE_AUTHENTICATION_INFO_HEADER',
    );
    expect((await client.activate(identifier, { id: challenge.id }, '000000')).status).toBe(200);
    expect(bank.login).toMatchObject({ openChallenges: 0, wrongTans: 0, locked: false });
  });

  test('quirk 31: three wrong TANs lock', async () => {
    await client.password();
    const identifier = await client.identifier();
    const { id } = challengeOf(await client.validate(identifier, { typ: 'M_TAN' }));
    for (const locked of [false, false, true]) {
      expect((await client.activate(identifier, { id }, '999999')).status).toBe(422);
      expect(bank.login.locked).toBe(locked);
    }
    expect((await client.activate(identifier, { id }, '123456')).status).toBe(422);
    expect((await client.password()).status).toBe(400);
  });

  test('quirk 31: five open challenges lock; one redeemed before that sets the count back', async () => {
    await client.password();
    const identifier = await client.identifier();
    for (let i = 0; i < 3; i++) await client.validate(identifier);
    const { id } = challengeOf(await client.validate(identifier, { typ: 'M_TAN' }));
    expect((await client.activate(identifier, { id }, '123456')).status).toBe(200);
    expect(bank.login).toMatchObject({ openChallenges: 0, locked: false });
    for (let i = 0; i < 5; i++) await client.validate(identifier);
    expect(bank.login.locked).toBe(true);
  });

  test('2.5: cd_secondary before the TAN fails, and its token replaces both', async () => {
    await client.password();
    expect((await client.token({ grant_type: 'cd_secondary', token: client.access })).status).toBe(400);
    const first = client.access;
    expect((await client.login()).status).toBe(200);
    expect(client.access).not.toBe(first);
  });

  test('a token that has only passed the PIN opens no account', async () => {
    await client.password();
    expect((await client.balances()).status).toBe(403);
  });

  test('clients that wait and confirm once, without polling, are served', async () => {
    await open({ approval: 'automatic', approveAfterMs: 0 });
    await client.password();
    const identifier = await client.identifier();
    const { id } = challengeOf(await client.validate(identifier));
    expect((await client.activate(identifier, { id })).status).toBe(200);
  });

  test('2.4: a rejected and an expired challenge cannot be redeemed; neither counts as a wrong TAN', async () => {
    await client.password();
    const identifier = await client.identifier();
    for (const decide of [() => bank.reject(), () => bank.expire()]) {
      const { id } = challengeOf(await client.validate(identifier));
      expect(decide()).toBe(true);
      expect((await client.activate(identifier, { id })).status).toBe(422);
    }
    expect(bank.login).toMatchObject({ wrongTans: 0, openChallenges: 2 });
  });

  test.each([
    ['automatic', 'AUTHENTICATED'],
    ['reject', 'CANCELED'],
    ['expire', undefined],
    ['manual', 'PENDING'],
  ] as const)('2.3b: with approval %s a push challenge becomes %s by itself', async (approval, status) => {
    await open({ approval, approveAfterMs: 0 });
    await client.password();
    const { link } = challengeOf(await client.validate(await client.identifier()));
    expect((await client.get(link?.href ?? '')).json?.status).toBe(status);
  });

  test('2.3b: before its time a push challenge stays PENDING', async () => {
    await open({ approval: 'automatic', approveAfterMs: 60_000 });
    await client.password();
    const { link } = challengeOf(await client.validate(await client.identifier()));
    expect((await client.get(link?.href ?? '')).json.status).toBe('PENDING');
  });

  test('without pushLink a push challenge has no link; the first method is the favourite', async () => {
    await open({ pushLink: false });
    await client.password();
    expect(challengeOf(await client.validate(await client.identifier())).link).toBeUndefined();
    await open({ tanMethods: ['M_TAN', 'P_TAN_PUSH'] });
    await client.password();
    expect(challengeOf(await client.validate(await client.identifier()))).toMatchObject({
      typ: 'M_TAN',
      availableTypes: ['M_TAN', 'P_TAN_PUSH'],
    });
  });

  test('only a push can be approved, and only once', async () => {
    await client.password();
    const identifier = await client.identifier();
    const { id } = challengeOf(await client.validate(identifier, { typ: 'M_TAN' }));
    expect([bank.approve(), bank.reject()]).toEqual([false, false]);
    await client.activate(identifier, { id }, '123456');
    expect(bank.expire()).toBe(false);
  });

  test('a person decides on the latest challenge, whichever session has refreshed since', async () => {
    await client.password();
    const other = client.refresh;
    await client.password();
    const identifier = await client.identifier();
    const { link } = challengeOf(await client.validate(identifier));
    const { access } = client;
    await client.token({ grant_type: 'refresh_token', refresh_token: other });
    expect(bank.approve()).toBe(true);
    client.access = access;
    expect((await client.get(link?.href ?? '')).json.status).toBe('AUTHENTICATED');
  });

  test('a further challenge takes nothing from a session that may do business', async () => {
    await client.login();
    await client.validate(await client.identifier());
    expect((await client.balances()).status).toBe(200);
  });

  test('a challenge belongs to its session', async () => {
    await client.password();
    const identifier = await client.identifier();
    const { id, link } = challengeOf(await client.validate(identifier));
    bank.approve();
    await client.password();
    expect((await client.get(link?.href ?? '')).status).toBe(404);
    expect((await client.activate(identifier, { id })).status).toBe(422);
    expect((await client.activate(await client.identifier(), { id })).status).toBe(422);
  });
});
