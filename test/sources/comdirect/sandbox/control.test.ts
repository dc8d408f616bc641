import { Agent, request } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ComdirectSandbox, SandboxOptions } from '../../../../src/sources/comdirect/sandbox/index.ts';
import { challengeOf } from './bank-client.ts';
import type { BankClient } from './bank-client.ts';
import { openBank, start } from './open-bank.ts';

let bank: ComdirectSandbox;
let client: BankClient;

async function open(options: SandboxOptions = {}): Promise<void> {
  ({ bank, client } = await openBank(options));
}

beforeEach(() => open());

describe('control from outside', () => {
  const post = (name: string, body?: unknown) =>
    fetch(`${bank.url}/sandbox/${name}`, {
      method: 'POST',
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });

  const get = async (name: string) => (await fetch(`${bank.url}/sandbox/${name}`)).json();

  test('approve, reject and expire decide the open challenge, once', async () => {
    await client.password();
    const identifier = await client.identifier();
    for (const [decision, status] of [
      ['approve', 'AUTHENTICATED'],
      ['reject', 'CANCELED'],
      ['expire', undefined],
    ] as const) {
      const { link } = challengeOf(await client.validate(identifier));
      expect((await post(decision)).status).toBe(200);
      expect((await post(decision)).status).toBe(409);
      expect((await client.get(link?.href ?? '')).json?.status).toBe(status);
    }
    expect(await get('state')).toMatchObject({ openChallenges: 3, locked: false, passwordGrants: 1 });
  });

  test('now and advance move the clock; nonsense is refused', async () => {
    expect((await post('now', { now: '2030-01-01T00:00:00Z' })).status).toBe(200);
    expect((await post('advance', { advanceMs: 86_400_000 })).status).toBe(200);
    expect(await get('state')).toMatchObject({ now: '2030-01-02T00:00:00.000Z' });
    expect(bank.now().toISOString()).toBe('2030-01-02T00:00:00.000Z');
    expect((await post('clock', { now: '2026-11-23T08:00:00Z' })).status).toBe(200);
    for (const body of [{}, { now: 'tomorrow' }, { advanceMs: '1' }]) {
      expect((await post('now', body)).status).toBe(400);
    }
    expect(bank.now()).toEqual(start);
  });

  test('a fault may name its path as an expression; one that is none, or of no known kind, is refused', async () => {
    const fault = { kind: 'status', status: 500, times: 0 };
    expect((await post('faults', { ...fault, pathPattern: '^/api/x/\\d+$' })).status).toBe(200);
    expect((await client.get('/api/x/12')).status).toBe(500);
    expect((await client.get('/api/x/y')).status).toBe(401);
    expect((await fetch(`${bank.url}/sandbox/faults`, { method: 'DELETE' })).status).toBe(200);
    expect((await client.get('/api/x/12')).status).toBe(401);
    for (const body of [
      { kind: 'flood' },
      { kind: 'slow', part: 'feet', delayMs: 1 },
      { kind: 'status' },
      { ...fault, nth: 0 },
      { ...fault, pathPattern: '(' },
    ]) {
      const answer = await post('faults', body);
      expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
        400,
        expect.stringMatching(/./),
      ]);
    }
    expect(bank.stats.faults).toBe(1);
  });

  test('what is unknown is a 404', async () => {
    expect((await post('magic')).status).toBe(404);
    expect((await fetch(`${bank.url}/sandbox/approve`)).status).toBe(404);
  });

  test('stats count requests of clients, rows and faults', async () => {
    await client.login();
    const id = await client.accountId();
    await client.transactions(id, 'transactionState=BOOKED&paging-count=7');
    bank.inject({ kind: 'status', status: 503 });
    await client.balances();
    expect(await get('stats')).toEqual({
      requests: 8,
      byStatus: { '200': 6, '201': 1, '503': 1 },
      rows: 7,
      faults: 1,
    });
    expect(await get('stats')).toEqual(bank.stats);
  });

  test('arrivals bring one booking each', async () => {
    await client.login();
    const id = await client.accountId();
    const before = await client.history(id);
    await post('arrivals');
    bank.arrive();
    expect((await client.history(id)).slice(2)).toEqual(before);
  });
});

describe('the log of requests', () => {
  test('shows method, path, query, status and harmless headers, never a token, a TAN or a body', async () => {
    await client.password();
    const identifier = await client.identifier();
    const { id } = challengeOf(await client.validate(identifier, { typ: 'M_TAN' }));
    await client.activate(identifier, { id }, '123456');
    await client.get('/api/x?a=1&b=%2F');
    expect(bank.requests.map(({ method, path, status }) => [method, path, status])).toEqual([
      ['POST', '/oauth/token', 200],
      ['GET', '/api/session/clients/user/v1/sessions', 200],
      ['POST', `/api/session/clients/user/v1/sessions/${identifier}/validate`, 201],
      ['PATCH', `/api/session/clients/user/v1/sessions/${identifier}`, 200],
      ['GET', '/api/x', 403],
    ]);
    expect(bank.requests.at(-1)).toMatchObject({ url: '/api/x?a=1&b=%2F', query: 'a=1&b=%2F' });
    expect(bank.requests[3]?.headers).toMatchObject({
      accept: 'application/json',
      'x-once-authentication-info': JSON.stringify({ id }),
    });
    const text = JSON.stringify(bank.requests);
    const { clientSecret, password } = bank.credentials;
    for (const secret of [client.access, client.refresh, clientSecret, password, '123456"', 'Bearer']) {
      expect(text).not.toContain(secret);
    }
  });

  test('keeps the latest 10,000 and counts them all', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (path: string): Promise<void> =>
      new Promise((resolve, reject) => {
        request(`${bank.url}${path}`, { agent }, (answer) => answer.resume().on('end', resolve))
          .on('error', reject)
          .end();
      });
    for (let i = 0; i < 10_003; i++) await ask(`/${i}`);
    agent.destroy();
    expect(bank.requests.length).toBe(10_000);
    expect([bank.requests[0]?.path, bank.requests.at(-1)?.path]).toEqual(['/3', '/10002']);
    expect(bank.stats.requests).toBe(10_003);
  });
});
