import { request } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ComdirectSandbox, SandboxOptions } from '../../../../src/sources/comdirect/sandbox/index.ts';
import type { BankClient } from './bank-client.ts';
import { balancesPath, openBank } from './open-bank.ts';

let bank: ComdirectSandbox;
let client: BankClient;

async function open(options: SandboxOptions = {}): Promise<void> {
  ({ bank, client } = await openBank(options));
}

beforeEach(() => open());

describe('0.3 headers', () => {
  test.each([
    ["Python's str(dict)", "{'clientRequestId': {'sessionId': 'x', 'requestId': '1'}}"],
    [
      'a dashed UUID and 20 digits',
      '{"clientRequestId":{"sessionId":"0190e6c0-0000-7000-8000-000000000000","requestId":"12345678901234567890"}}',
    ],
  ])('%s as request info is taken, unless strict', async (_what, header) => {
    await client.login();
    const headers = { 'x-http-request-info': header };
    expect((await client.get(balancesPath, headers)).status).toBe(200);
    await open({ strictHeaders: true });
    await client.login();
    expect((await client.get(balancesPath, headers)).status).toBe(400);
  });

  test('no request info: 400; quirk 20: no room for JSON in Accept: 406; Accept */*: fine', async () => {
    await client.login();
    expect((await client.get(balancesPath, { 'x-http-request-info': '' })).status).toBe(400);
    expect((await client.get(balancesPath, { accept: 'text/html' })).status).toBe(406);
    expect((await client.get(balancesPath, { accept: '*/*' })).status).toBe(200);
    expect((await client.get(balancesPath, { authorization: 'Bearer nobody' })).json).toMatchObject({
      error: 'invalid_token',
    });
  });

  test('strict: JSON as documented is taken, a Python dict is not', async () => {
    await open({ strictHeaders: true });
    await client.login();
    const documented = { clientRequestId: { sessionId: 'AB'.repeat(16), requestId: '010203456' } };
    const json = JSON.stringify(documented);
    for (const [header, status] of [
      [json, 200],
      [json.replaceAll('"', "'"), 400],
      [json.replace('"010203456"', '10203456'), 400],
      [JSON.stringify({ clientRequestId: null }), 400],
    ] as const) {
      expect((await client.get(balancesPath, { 'x-http-request-info': header })).status).toBe(status);
    }
  });

  test('quirk 20: no Accept at all is a 406, below /oauth too', async () => {
    for (const path of [balancesPath, '/oauth/token']) {
      const status = await new Promise((resolve, reject) => {
        request(`${bank.url}${path}`, { method: 'POST' }, (answer) => resolve(answer.resume().statusCode))
          .on('error', reject)
          .end();
      });
      expect(status).toBe(406);
    }
  });

  test('0.2: a method can be overridden', async () => {
    await client.login();
    const headers = { 'x-http-method-override': 'DELETE' };
    expect((await client.call('POST', '/oauth/revoke', { headers })).status).toBe(204);
  });
});
