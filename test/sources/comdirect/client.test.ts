import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createMemoryTokenStore } from '../../../src/auth/index.ts';
import { HttpError, isPlumbingError } from '../../../src/errors/index.ts';
import { AccessToken } from '../../../src/sources/comdirect/access-token.ts';
import { getAccountBalance, getAccountsBalances } from '../../../src/sources/comdirect/accounts.ts';
import { createComdirectClient } from '../../../src/sources/comdirect/client.ts';
import type { ComdirectClient } from '../../../src/sources/comdirect/client.ts';
import { createComdirectTokens } from '../../../src/sources/comdirect/tokens.ts';
import { failure, instantClock, startScriptedBank, tokenAnswer } from './scripted-bank.ts';
import type { Reply, Script, ScriptedBank } from './scripted-bank.ts';

const balancesPath = '/api/banking/clients/user/v2/accounts/balances';
const accountId = 'B5A9F0C8B4214C019D0A6167C3190CC4';
const balance = {
  account: {
    accountId,
    accountDisplayId: '0012345678',
    currency: 'EUR',
    clientId: 'C'.repeat(32),
    iban: null,
    bic: 'COBADEHD001',
    accountType: { key: 'CA', text: 'Girokonto' },
    creditLimit: null,
  },
  accountId,
  balance: { value: '7625.7', unit: 'EUR' },
  balanceEUR: { value: '7625.7', unit: 'EUR' },
  availableCashAmount: { value: '-0.05', unit: 'EUR' },
  availableCashAmountEUR: { value: '-0.05', unit: 'EUR' },
};
const list = (...values: unknown[]): Reply => ({
  json: { paging: { index: 0, matches: values.length }, values },
});

async function start(script: Script): Promise<{
  bank: ScriptedBank;
  client: ComdirectClient;
  clock: ReturnType<typeof instantClock>;
}> {
  const bank = await startScriptedBank(script);
  const clock = instantClock();
  const accessToken = AccessToken.fromResponse(tokenAnswer('first').json, clock.now());
  return {
    bank,
    clock,
    client: createComdirectClient({ config: bank.config, accessToken, http: { clock } }),
  };
}

describe('a token that is refused', () => {
  test('is refreshed once, and the request goes on with the new one', async () => {
    const { bank, client } = await start(({ path, headers }) => {
      if (path !== balancesPath) return undefined;
      return headers.authorization === 'Bearer access-CANARY-first' ? { status: 401 } : list(balance);
    });
    expect(await getAccountsBalances(client)).toHaveLength(1);
    expect(bank.calls()).toEqual([`GET ${balancesPath}`, 'POST /oauth/token', `GET ${balancesPath}`]);
    expect(client.currentToken()?.bearerAccessToken).toBe('Bearer access-CANARY-refresh_token-0');
  });

  test('a second time, after the refresh, is AUTH_EXPIRED', async () => {
    const { bank, client } = await start(({ path }) => (path === balancesPath ? { status: 401 } : undefined));
    expect(isPlumbingError(await failure(getAccountsBalances(client)), 'AUTH_EXPIRED')).toBe(true);
    expect(bank.requests).toHaveLength(3);
  });

  test('and cannot be refreshed needs a person', async () => {
    const { bank, client } = await start(({ path }) =>
      path === balancesPath ? { status: 401 } : { status: 400 },
    );
    expect(isPlumbingError(await failure(getAccountsBalances(client)), 'AUTH_NEEDS_PERSON')).toBe(true);
    expect(bank.requests).toHaveLength(2);
  });

  test('is refreshed once for many requests at the same time', async () => {
    const { bank, client } = await start(({ path, headers }) => {
      if (path !== balancesPath) return undefined;
      return headers.authorization === 'Bearer access-CANARY-first' ? { status: 401 } : list(balance);
    });
    await Promise.all(Array.from({ length: 5 }, () => getAccountsBalances(client)));
    expect(bank.calls().filter((call) => call === 'POST /oauth/token')).toHaveLength(1);
  });
});

describe('the life time of a token', () => {
  test('a token is refreshed shortly before its end, and the new one is stored', async () => {
    const clock = instantClock();
    const bank = await startScriptedBank(({ path }) => (path === balancesPath ? list(balance) : undefined));
    const tokenStore = createMemoryTokenStore(
      AccessToken.fromResponse(tokenAnswer('first').json, clock.now()).toJSON(),
    );
    const tokens = createComdirectTokens({ config: bank.config, tokenStore, http: { clock } });
    const client = createComdirectClient({ config: bank.config, tokens, http: { clock } });
    await getAccountsBalances(client);
    clock.advance(500_000);
    await getAccountsBalances(client);
    expect(bank.calls()).not.toContain('POST /oauth/token');
    clock.advance(60_000);
    await getAccountsBalances(client);
    expect(bank.calls().filter((call) => call === 'POST /oauth/token')).toHaveLength(1);
    expect(await tokenStore.read()).toMatchObject({ accessToken: 'access-CANARY-refresh_token-0' });
  });

  test.each([0, -1, 'never', null])(
    'an expires_in of %j makes no storm of refreshes: the token is used until it is refused',
    async (expiresIn) => {
      const clock = instantClock();
      const bank = await startScriptedBank(({ path }) => (path === balancesPath ? list(balance) : undefined));
      const accessToken = AccessToken.fromResponse(
        tokenAnswer('x', { expires_in: expiresIn }).json,
        clock.now(),
      );
      const client = createComdirectClient({ config: bank.config, accessToken, http: { clock } });
      for (let i = 0; i < 4; i++) await getAccountsBalances(client);
      expect(bank.calls()).not.toContain('POST /oauth/token');
    },
  );

  test('a token that lives for seconds only is not refreshed before every request', async () => {
    const clock = instantClock();
    const bank = await startScriptedBank(({ path }) => (path === balancesPath ? list(balance) : undefined));
    const accessToken = AccessToken.fromResponse(tokenAnswer('x', { expires_in: 30 }).json, clock.now());
    const client = createComdirectClient({
      config: bank.config,
      accessToken,
      http: { clock },
      rateLimit: { requestsPerSecond: 1000 },
    });
    for (let i = 0; i < 4; i++) await getAccountsBalances(client);
    expect(bank.calls()).not.toContain('POST /oauth/token');
  });
});

describe('what the bank refuses', () => {
  test('quirk 21: a Latin-1 error text is no obstacle', async () => {
    const body = Buffer.from(
      '{"code":"limit","messages":[{"key":"zu.viel","message":"Höchstzahl überschritten"}]}',
      'latin1',
    );
    const { client } = await start(({ path }) =>
      path === balancesPath
        ? { status: 422, body, headers: { 'content-type': 'application/json' } }
        : undefined,
    );
    const error = await failure(getAccountsBalances(client));
    expect(String(error)).toContain('422 (limit, zu.viel)');
    expect(error instanceof HttpError && error.bodyText()).toContain('überschritten');
  });

  test('quirk 37: 404 with an empty body is HTTP_STATUS 404', async () => {
    const { client } = await start(() => ({ status: 404 }));
    const error = await failure(getAccountBalance(client, accountId));
    expect(error instanceof HttpError && error.status).toBe(404);
  });

  test('the error names the bank’s code and keys, and no account', async () => {
    const { client } = await start(() => ({
      status: 422,
      json: {
        code: 'request.query.invalid',
        messages: [
          {
            severity: 'ERROR',
            key: 'paging.invalid',
            message: `Konto ${accountId}`,
            args: { '0': accountId },
          },
          { key: accountId },
        ],
      },
    }));
    const error = await failure(getAccountBalance(client, accountId));
    expect(String(error)).toContain(
      'GET api/banking/v2/accounts/{accountId}/balances answered 422 (request.query.invalid, paging.invalid)',
    );
    expect(`${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`).not.toContain(accountId);
  });

  test.each(['', '<html>', '{"messages":7}', '[]', 'null', '{"messages":[null,7]}'])(
    'an error body of %j is read without falling over',
    async (body) => {
      const { client } = await start(() => ({ status: 422, body }));
      expect(isPlumbingError(await failure(getAccountsBalances(client)), 'HTTP_STATUS')).toBe(true);
    },
  );

  test('quirk 22: 429 is waited out, with the wait the bank asks for', async () => {
    const { client, clock } = await start(({ path }, n) => {
      if (path !== balancesPath) return undefined;
      return n === 0 ? { status: 429, headers: { 'retry-after': '7' } } : list(balance);
    });
    await getAccountsBalances(client);
    expect(clock.sleeps).toContain(7_000);
  });
});

describe('what the bank sends', () => {
  test.each([
    ['{"paging":', 'application/json'],
    ['', 'application/json'],
    ['<!doctype html>', 'text/html'],
  ])('an answer of %j is asked for again, five times in all', async (body, type) => {
    const { bank, client } = await start(() => ({ body, headers: { 'content-type': type } }));
    expect(isPlumbingError(await failure(getAccountsBalances(client)), 'HTTP_BAD_BODY')).toBe(true);
    expect(bank.requests).toHaveLength(5);
  });

  test.each([{}, [], null, 7, { values: null }, { values: {} }])('%j is no list', async (json) => {
    const { client } = await start(() => ({ json }));
    expect(isPlumbingError(await failure(getAccountsBalances(client)), 'HTTP_BAD_BODY')).toBe(true);
  });

  test('a list that announces more accounts than it gives is an error, not a part of the truth', async () => {
    const { client } = await start(() => ({
      json: { paging: { index: 0, matches: 25 }, values: [balance] },
    }));
    expect(isPlumbingError(await failure(getAccountsBalances(client)), 'LIMIT_EXCEEDED')).toBe(true);
  });

  test('a balance without its amount is ROW_INVALID, by field and without values', async () => {
    const { client } = await start(() => list({ ...balance, balance: null }));
    const error = await failure(getAccountsBalances(client));
    expect(isPlumbingError(error, 'ROW_INVALID') && error.message).toContain('balance');
    expect(String(error)).not.toContain('7625');
  });

  test('quirk 26: fields that nobody knows are kept', async () => {
    const { client } = await start(() => list({ ...balance, newField: 1 }));
    expect((await getAccountsBalances(client))[0]).toMatchObject({
      newField: 1,
      account: { bic: 'COBADEHD001' },
    });
  });

  test('quirk 1: a currency is text, also when it comes as the object of the official Swagger file', async () => {
    const account = { ...balance.account, currency: { Currency: 'EUR' } };
    const { client } = await start(() => list({ ...balance, account }, balance));
    const currencies = (await getAccountsBalances(client)).map((one) => one.account?.currency);
    expect(currencies).toEqual(['EUR', 'EUR']);
  });

  test('quirk 41: accounts without IBAN, BIC and credit limit are accounts', async () => {
    const account = {
      accountId,
      accountDisplayId: '1',
      currency: 'EUR',
      clientId: 'x',
      accountType: { key: 'NEW', text: 'Neu' },
    };
    const { client } = await start(() =>
      list({ ...balance, account }, { accountId, balance: balance.balance }),
    );
    expect(await getAccountsBalances(client)).toHaveLength(2);
  });

  test('quirk 32: amounts stay the text they were', async () => {
    const { client } = await start(() => list(balance));
    const [one] = await getAccountsBalances(client);
    expect([one?.balance.value, one?.availableCashAmount?.value]).toEqual(['7625.7', '-0.05']);
  });
});

describe('what is sent', () => {
  test('each attempt has a request id of its own, in one session', async () => {
    const { bank, client } = await start(({ path }, n) =>
      path === balancesPath && n < 2 ? { status: 503 } : list(balance),
    );
    await getAccountsBalances(client);
    const infos = bank.requests.map(({ headers }) => String(headers['x-http-request-info']));
    expect(new Set(infos).size).toBe(3);
    for (const info of infos)
      expect(info).toMatch(/^\{"clientRequestId":\{"sessionId":"[\da-f]{32}","requestId":"\d{9}"\}\}$/);
    expect(new Set(infos.map((info) => info.slice(0, 70))).size).toBe(1);
    expect(bank.requests.every(({ headers }) => headers.accept === 'application/json')).toBe(true);
  });

  test('requests keep to 2.5 a second unless told otherwise', async () => {
    const { client, clock } = await start(() => list(balance));
    const startMs = clock.now();
    for (let i = 0; i < 6; i++) await getAccountsBalances(client);
    expect(clock.now() - startMs).toBe(2_000);
  });

  test('an account id goes into the path as one part, whatever it holds', async () => {
    const { bank, client } = await start(() => ({ json: balance }));
    await getAccountBalance(client, '../clients?x=1');
    expect(bank.requests[0]?.path).toBe('/api/banking/v2/accounts/..%2Fclients%3Fx%3D1/balances');
  });

  test('functions take the options of a client as well', async () => {
    const bank = await startScriptedBank(() => list(balance));
    const accessToken = AccessToken.fromResponse(tokenAnswer('x').json, Date.now());
    expect(await getAccountsBalances({ config: bank.config, accessToken })).toHaveLength(1);
  });

  test('an abort ends a request with its reason', async () => {
    const abort = new AbortController();
    const { client } = await start(() => {
      abort.abort(new Error('enough'));
      return { status: 503 };
    });
    expect(await failure(getAccountsBalances(client, { signal: abort.signal }))).toMatchObject({
      message: 'enough',
    });
  });
});
