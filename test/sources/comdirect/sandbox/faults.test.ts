import { beforeEach, describe, expect, test } from 'vitest';
import type { ComdirectSandbox, SandboxOptions } from '../../../../src/sources/comdirect/sandbox/index.ts';
import type { BankClient, Row } from './bank-client.ts';
import { balancesPath, openBank } from './open-bank.ts';

let bank: ComdirectSandbox;
let client: BankClient;

async function open(options: SandboxOptions = {}): Promise<void> {
  ({ bank, client } = await openBank(options));
}

beforeEach(() => open());

describe('faults', () => {
  beforeEach(() => client.login());

  /** The balances, their body not read. */
  const raw = (signal?: AbortSignal): Promise<Response> =>
    fetch(`${bank.url}${balancesPath}`, {
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${client.access}`,
        'x-http-request-info': '{"clientRequestId":{"sessionId":"a","requestId":"1"}}',
      },
      ...(signal && { signal }),
    });

  test('quirk 21 and 22: 429 in German, in Latin-1, with and without Retry-After', async () => {
    bank.inject({ kind: 'status', status: 429, retryAfter: '3' });
    bank.inject({ kind: 'status', status: 429 });
    const response = await fetch(`${bank.url}${balancesPath}`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3']);
    expect(Buffer.from(await response.arrayBuffer()).toString('latin1')).toContain('überschritten');
    expect((await client.get(balancesPath)).headers.get('retry-after')).toBeNull();
    expect((await client.get(balancesPath)).status).toBe(200);
  });

  test('strike where, when and as often as told', async () => {
    bank.inject({ kind: 'status', status: 500, path: 'balances', method: 'GET', nth: 2, times: 2 });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await client.get(balancesPath)).status);
    expect(statuses).toEqual([200, 500, 500, 200, 200]);
    bank.inject({ kind: 'status', status: 404, times: 0 });
    expect(await client.get(balancesPath)).toMatchObject({ status: 404, text: '' });
    bank.clearFaults();
    expect((await client.get(balancesPath)).status).toBe(200);
  });

  test('strike where an expression says, a global one too', async () => {
    const id = await client.accountId();
    bank.inject({ kind: 'status', status: 500, path: /paging-first=[1-9]/g, times: 0 });
    const statuses: number[] = [];
    for (const first of [0, 500, 500, 0]) {
      const query = `transactionState=BOOKED&paging-count=500&paging-first=${first}`;
      statuses.push((await client.transactions(id, query)).status);
    }
    expect(statuses).toEqual([200, 500, 500, 200]);
  });

  test('quirk 21: a BusinessMessage in Latin-1 is no UTF-8', async () => {
    bank.inject({ kind: 'latin1', status: 422 });
    const response = await fetch(`${bank.url}${balancesPath}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.status).toBe(422);
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow();
    const { messages } = JSON.parse(bytes.toString('latin1')) as { messages: { message: string }[] };
    expect(messages[0]?.message).toContain('später');
  });

  test('bodies break off before their length, or as if they were whole', async () => {
    const whole = (await client.balances()).text;
    bank.inject({ kind: 'truncated', shape: 'clean' });
    const cut = await client.balances();
    expect([cut.status, whole.startsWith(cut.text), cut.text.length < whole.length]).toEqual([
      200,
      true,
      true,
    ]);
    bank.inject({ kind: 'truncated', shape: 'length' });
    const response = await raw();
    expect([response.status, response.headers.get('content-length')]).toEqual([200, String(whole.length)]);
    await expect(response.text()).rejects.toThrow('terminated');
  });

  test('a reset is a reset', async () => {
    bank.inject({ kind: 'reset' });
    await expect(client.balances()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(bank.requests.at(-1)).toMatchObject({ path: balancesPath, status: 200 });
  });

  test('answers are slow to begin, or slow to end, and whole', async () => {
    const whole = (await client.balances()).text;
    const delayMs = 80;
    bank.inject({ kind: 'slow', part: 'headers', delayMs });
    let startedMs = performance.now();
    const late = await raw();
    expect(performance.now() - startedMs).toBeGreaterThan(delayMs - 5);
    expect(await late.text()).toBe(whole);
    bank.inject({ kind: 'slow', part: 'body', delayMs });
    const early = await raw();
    startedMs = performance.now();
    expect(await early.text()).toBe(whole);
    expect(performance.now() - startedMs).toBeGreaterThan(delayMs / 2);
  });

  test('a hanging bank has done what it was asked: nothing comes, or half of it', async () => {
    bank.inject({ kind: 'hang', path: '/oauth/revoke' });
    const asked = new AbortController();
    const call = fetch(`${bank.url}/oauth/revoke`, {
      method: 'DELETE',
      headers: { accept: 'application/json', authorization: `Bearer ${client.access}` },
      signal: asked.signal,
    });
    const outcome = call.then(
      () => 'answered',
      () => 'gave up',
    );
    await expect.poll(() => bank.requests.at(-1)?.path).toBe('/oauth/revoke');
    asked.abort();
    expect(await outcome).toBe('gave up');
    expect((await client.balances()).status).toBe(401);
    await client.login();
    bank.inject({ kind: 'hang', part: 'body' });
    const response = await raw(AbortSignal.timeout(200));
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  test('pages are HTML, redirects lead away', async () => {
    bank.inject({ kind: 'html' });
    const page = await client.balances();
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html']);
    expect(page.text).toContain('<!doctype html>');
    bank.inject({ kind: 'redirect', location: 'http://127.0.0.1:1/' });
    const elsewhere = await client.balances();
    expect([elsewhere.status, elsewhere.headers.get('location')]).toEqual([307, 'http://127.0.0.1:1/']);
  });

  test('unknown fields appear in every object (quirk 26)', async () => {
    bank.inject({ kind: 'unknown-fields' });
    const { json } = await client.get(balancesPath);
    expect([json.inventedLater, json.values[0].inventedLater, json.values[0].balance.inventedLater]).toEqual([
      'new',
      'new',
      'new',
    ]);
  });

  test('a booking arrives between two pages and shifts the rows by one', async () => {
    const id = await client.accountId();
    const page = async (first: number): Promise<Row[]> =>
      (await client.transactions(id, `transactionState=BOOKED&paging-count=10&paging-first=${first}`)).json
        .values as Row[];
    const first = await page(0);
    bank.inject({ kind: 'arrival' });
    expect((await page(10))[0]).toEqual(first[9]);
  });

  test('a token dies in the middle of a run', async () => {
    bank.inject({ kind: 'expired-token' });
    expect((await client.get(balancesPath)).status).toBe(401);
    expect((await client.token({ grant_type: 'refresh_token', refresh_token: client.refresh })).status).toBe(
      200,
    );
  });

  test('a limit of requests a second', async () => {
    await open({ rateLimitPerSecond: 6 });
    await client.login();
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await client.get(balancesPath)).status),
    );
    expect(statuses).toContain(429);
    await expect
      .poll(async () => (await client.balances()).status, { timeout: 5000, interval: 250 })
      .toBe(200);
  });
});
