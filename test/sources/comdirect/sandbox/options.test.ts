import { expect, test } from 'vitest';
import {
  defaultCredentials,
  startComdirectSandbox,
} from '../../../../src/sources/comdirect/sandbox/index.ts';
import type { SandboxOptions } from '../../../../src/sources/comdirect/sandbox/index.ts';
import { openBank } from './open-bank.ts';

test.each<[string, object]>([
  ['a host that is not this machine', { host: '0.0.0.0' }],
  ['a hundred accounts', { accounts: 100 }],
  ['half an account', { accounts: 0.5 }],
  ['an unknown account type', { accounts: ['CA', 'XX'] }],
  ['a history that has not begun', { historyDays: -1 }],
  ['no number of transactions', { transactionsPerDay: Number.NaN }],
  ['a day that does not exist', { today: '2026-02-30' }],
  ['two clocks', { today: '2026-02-01', now: () => new Date() }],
  ['no way to give a TAN', { tanMethods: [] }],
])('%s is refused', async (_what, options) => {
  await expect(startComdirectSandbox(options as SandboxOptions)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
});

test('a port in use is refused with a word of advice', async () => {
  const { bank } = await openBank();
  const port = Number(new URL(bank.url).port);
  await expect(startComdirectSandbox({ port })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('choose another port') as string,
  });
});

test.each([99_999, -1])('%s is no port', async (port) => {
  await expect(startComdirectSandbox({ port })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('the bank is given no time that is none', async () => {
  const { bank } = await openBank();
  expect(() => bank.setNow(new Date('never'))).toThrow('a time that is none');
  expect(() => bank.advance(Number.NaN)).toThrow('a time that is none');
});

test('today sets the day, and the clock goes on from there', async () => {
  const { bank, client } = await openBank({ today: '2024-02-29' });
  expect(bank.now().toISOString()).toMatch(/^2024-02-29T12:00:0/);
  await client.login();
  const [latest] = await client.history(await client.accountId());
  expect(latest?.bookingDate).toMatch(/^2024-02-2[789]$/);
  bank.advance(1000);
  expect(bank.now().getTime()).toBeGreaterThan(Date.parse('2024-02-29T12:00:01Z'));
});

test('accounts are given by number or by type', async () => {
  const typesOf = async (options: SandboxOptions): Promise<unknown[]> => {
    const { client } = await openBank(options);
    await client.login();
    return (await client.balances()).json.values.map(
      ({ account, balance }: { account: { accountType: { key: string } }; balance: { unit: string } }) =>
        `${account.accountType.key} ${balance.unit}`,
    );
  };
  expect(await typesOf({ accounts: 0 })).toEqual([]);
  expect(await typesOf({ accounts: 5 })).toEqual(['CA EUR', 'DAS EUR', 'CA EUR', 'FX USD', 'SA EUR']);
  expect(await typesOf({ accounts: ['FX', 'CA'] })).toEqual(['FX USD', 'CA EUR']);
});

test('3.1: a settlement account has neither IBAN nor credit limit, a giro account has both', async () => {
  const { client } = await openBank({ accounts: ['CA', 'SA'] });
  await client.login();
  const [giro, settlement] = (await client.balances()).json.values;
  expect(giro.account).toMatchObject({
    iban: expect.any(String) as string,
    creditLimit: { value: '2000', unit: 'EUR' },
  });
  expect(settlement.account).toMatchObject({ iban: null, creditLimit: null });
});

test('the environment points a client at the bank, with its own credentials', async () => {
  const { bank } = await openBank({ credentials: { password: '112233' } });
  expect(bank.credentials).toEqual({ ...defaultCredentials, password: '112233' });
  expect(bank.environment).toEqual({
    COMDIRECT_BASE_URL: bank.url,
    COMDIRECT_CLIENT_ID: defaultCredentials.clientId,
    COMDIRECT_CLIENT_SECRET: defaultCredentials.clientSecret,
    COMDIRECT_USERNAME: defaultCredentials.username,
    COMDIRECT_PASSWORD: '112233',
  });
});

test('a closed bank may be closed again', async () => {
  const { bank } = await openBank();
  await bank.close();
  await bank.close();
  await expect(fetch(bank.url)).rejects.toThrow('fetch failed');
});
