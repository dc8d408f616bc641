import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import { loadComdirectConfig, loginKey } from '../../../src/sources/comdirect/config.ts';
import { credentials } from './scripted-bank.ts';

const thrown = (work: () => unknown): unknown => {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
};

test('everything that is missing is named in one error, and no value that is there', () => {
  const error = thrown(() => loadComdirectConfig({ COMDIRECT_PASSWORD: '135790', COMDIRECT_USERNAME: '' }));
  expect(isPlumbingError(error, 'CONFIG_INVALID')).toBe(true);
  for (const name of ['COMDIRECT_CLIENT_ID', 'COMDIRECT_CLIENT_SECRET', 'COMDIRECT_USERNAME'])
    expect(String(error)).toContain(name);
  expect(inspect(error, { depth: 9 })).not.toContain('135790');
});

test.each([
  'no url',
  'ftp://api.comdirect.de',
  'http://api.comdirect.de',
  'http://127.0.0.1.evil.example',
  'https://user:geheim@api.comdirect.de',
  'https://api.comdirect.de?key=geheim',
  'https://api.comdirect.de/#geheim',
])('%s is no base address, and is not repeated in the error', (url) => {
  const error = thrown(() => loadComdirectConfig({ ...credentials, COMDIRECT_BASE_URL: url }));
  expect(isPlumbingError(error, 'CONFIG_INVALID')).toBe(true);
  expect(String(error)).toContain('COMDIRECT_BASE_URL');
  expect(String(error)).not.toContain('geheim');
});

test.each([
  [undefined, 'https://api.comdirect.de'],
  ['', 'https://api.comdirect.de'],
  ['https://api.comdirect.de/', 'https://api.comdirect.de'],
  ['https://api.comdirect.de/api', 'https://api.comdirect.de'],
  ['https://api.comdirect.de/api/', 'https://api.comdirect.de'],
  ['http://127.0.0.1:8080/api', 'http://127.0.0.1:8080'],
  ['http://[::1]:8080', 'http://[::1]:8080'],
  ['http://localhost:8080/', 'http://localhost:8080'],
])('the base address %s means %s', (url, expected) => {
  expect(loadComdirectConfig({ ...credentials, COMDIRECT_BASE_URL: url }).baseUrl).toBe(expected);
});

test('a login is named by a hash that tells banks, people and clients apart, and nobody’s number', () => {
  const config = loadComdirectConfig(credentials);
  const other = loadComdirectConfig({ ...credentials, COMDIRECT_CLIENT_ID: 'other' });
  expect(loginKey(config, 'client')).not.toBe(loginKey(other, 'client'));
  expect(loginKey(config, 'person')).toBe(loginKey(other, 'person'));
  const sandbox = loadComdirectConfig({ ...credentials, COMDIRECT_BASE_URL: 'http://localhost:1' });
  expect(loginKey(config, 'person')).not.toBe(loginKey(sandbox, 'person'));
  expect(loginKey(config, 'person')).not.toContain(credentials.COMDIRECT_USERNAME);
});
