import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import { ChallengeLedger } from '../../../src/sources/comdirect/challenge-ledger.ts';
import { loadComdirectConfig } from '../../../src/sources/comdirect/config.ts';
import { credentials, failure, temporaryFolder } from './scripted-bank.ts';

const ledgerIn = async (): Promise<{ ledger: ChallengeLedger; path: string; folder: string }> => {
  const folder = await temporaryFolder();
  const path = join(folder, 'challenges.json');
  return { ledger: new ChallengeLedger(path), path, folder };
};

test.each([
  '',
  'null',
  '{"challenges":0}',
  '{"challenges":-1,"tans":0}',
  '{"challenges":1.5,"tans":0}',
  '\0\0\0',
])('a file that says %j counts as full, and stays as it is', async (content) => {
  const { ledger, path } = await ledgerIn();
  await writeFile(path, content, { mode: 0o600 });
  expect(isPlumbingError(await failure(ledger.check()), 'AUTH_CHALLENGE_LIMIT')).toBe(true);
  expect(isPlumbingError(await failure(ledger.takeChallenge()), 'AUTH_CHALLENGE_LIMIT')).toBe(true);
  expect(await readFile(path, 'utf8')).toBe(content);
  await ledger.reset();
  expect(await ledger.counts()).toEqual({ challenges: 0, tans: 0 });
});

test.skipIf(process.platform === 'win32')('a file that others may read is refused', async () => {
  const { ledger, path } = await ledgerIn();
  await ledger.takeChallenge();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await chmod(path, 0o644);
  expect(isPlumbingError(await failure(ledger.check()), 'TOKEN_STORE_UNSAFE')).toBe(true);
});

test('of many logins that start together only three get a challenge', async () => {
  const { ledger, path, folder } = await ledgerIn();
  const others = Array.from({ length: 8 }, () => new ChallengeLedger(path));
  const results = await Promise.allSettled(others.map((other) => other.takeChallenge()));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  expect(await ledger.counts()).toEqual({ challenges: 3, tans: 0 });
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('the third challenge may still be answered with a TAN, the third TAN may not be sent', async () => {
  const { ledger } = await ledgerIn();
  for (let i = 0; i < 3; i++) await ledger.takeChallenge();
  await ledger.takeTan();
  await ledger.takeTan();
  const error = await failure(ledger.takeTan());
  expect(isPlumbingError(error, 'AUTH_CHALLENGE_LIMIT') && error.message).toContain('2 TANs');
});

test('two clients of one person at one bank share a count, two people do not', async () => {
  const folder = await temporaryFolder();
  const of = (more: Record<string, string>) =>
    ChallengeLedger.of(loadComdirectConfig({ ...credentials, ...more }), folder);
  await of({}).takeChallenge();
  expect(await of({ COMDIRECT_CLIENT_ID: 'another-client' }).counts()).toMatchObject({ challenges: 1 });
  expect(await of({ COMDIRECT_BASE_URL: 'https://api.comdirect.de/api/' }).counts()).toMatchObject({
    challenges: 1,
  });
  expect(await of({ COMDIRECT_USERNAME: '11111111' }).counts()).toMatchObject({ challenges: 0 });
  expect((await readdir(folder)).join()).not.toContain(credentials.COMDIRECT_USERNAME);
});
