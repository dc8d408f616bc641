/** Where the key of a token file comes from, and which key opens which file. */
import crypto from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFileTokenStore } from '../../src/auth/index.ts';
import { Secret, redact } from '../../src/logging/index.ts';

let folder: string;
let path: string;
let stretches: number;
const token = { issuedAtMs: 1, accessToken: 'x' };
const store = (key?: string) =>
  createFileTokenStore({ path, context: 'bank', ...(key !== undefined && { key: new Secret(key) }) });
const corrupt = { code: 'TOKEN_STORE_CORRUPT' };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-auth-'));
  path = join(folder, 'bank.token');
  stretches = 0;
  const { scrypt } = crypto;
  vi.spyOn(crypto, 'scrypt').mockImplementation((password, salt, length, _cost, done) => {
    stretches++;
    // Cheap: a test stretches many.
    scrypt(password, salt, length, { N: 2 }, done);
  });
  syncBuiltinESMExports();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  syncBuiltinESMExports();
  rmSync(folder, { recursive: true, force: true });
});

const bytes = Buffer.from('3f'.repeat(31) + 'fb', 'hex');

describe('a key', () => {
  test('is the same in hex and in base64, in every spelling of them, and is not stretched', async () => {
    await store(bytes.toString('hex')).write(token);
    const spellings = [
      bytes.toString('hex').toUpperCase(),
      bytes.toString('base64'),
      bytes.toString('base64').replace('=', ''),
      bytes.toString('base64url'),
    ];
    expect(new Set(spellings).size).toBeGreaterThanOrEqual(3);
    for (const spelling of spellings) expect(await store(spelling).read()).toEqual(token);
    expect(stretches).toBe(0);
    await expect(store('ab'.repeat(32)).read()).rejects.toMatchObject(corrupt);
    await expect(store(Buffer.alloc(32, 1).toString('base64')).read()).rejects.toMatchObject(corrupt);
  });

  test.each([
    ['64 hex digits and one more', `${'a'.repeat(64)}b`, `${'a'.repeat(64)}c`],
    ['one more and 64 hex digits', `x${'a'.repeat(64)}`, `y${'a'.repeat(64)}`],
    ['44 characters that end in no =', `${'a'.repeat(43)}!`, `${'a'.repeat(43)}?`],
    ['44 characters that begin outside base64', `!${'a'.repeat(43)}`, `?${'a'.repeat(43)}`],
    ['words', 'correct horse battery staple', 'correct horse battery stable'],
    ['a letter', 'a', 'b'],
  ])(
    'of %s is a passphrase: stretched, and another one does not open the file',
    async (_what, key, other) => {
      await store(key).write(token);
      expect(stretches).toBeGreaterThan(0);
      expect(await store(key).read()).toEqual(token);
      await expect(store(other).read()).rejects.toMatchObject(corrupt);
    },
  );

  test('that is a passphrase is stretched once for each file, as long as few are in use', async () => {
    await store('a passphrase').write(token);
    for (let i = 0; i < 3; i++) await store('a passphrase').read();
    expect(stretches).toBe(1);
    for (let i = 0; i < 8; i++)
      await store(`wrong ${i}`)
        .read()
        .catch(() => undefined);
    expect(stretches).toBe(9);
    await store('wrong 7')
      .read()
      .catch(() => undefined);
    await store('wrong 0')
      .read()
      .catch(() => undefined);
    expect(stretches).toBe(9);
    await store('a passphrase').read();
    expect(stretches).toBe(10);
  });

  test('of the environment is taken where none is given, and never shown', async () => {
    vi.stubEnv('PLUMBING_TOKEN_KEY', bytes.toString('hex'));
    await store().write(token);
    expect(readdirSync(folder)).not.toContain('token.key');
    expect(redact(`key ${bytes.toString('hex')}`)).toBe('key [secret]');
    vi.stubEnv('PLUMBING_TOKEN_KEY', '');
    expect(await store(bytes.toString('base64')).read()).toEqual(token);
  });
});

describe('the key file', () => {
  test('that is lost is not made anew: it could not open the token', async () => {
    await store().write(token);
    rmSync(join(folder, 'token.key'));
    await expect(store().read()).rejects.toMatchObject(corrupt);
    expect(existsSync(join(folder, 'token.key'))).toBe(false);
  });

  test('of a wrong size is named, and stays', async () => {
    writeFileSync(join(folder, 'token.key'), 'short', { mode: 0o600 });
    await expect(store().write(token)).rejects.toMatchObject({
      ...corrupt,
      message: expect.stringContaining(`${join(folder, 'token.key')} is no key of 32 bytes`) as string,
    });
    expect(readdirSync(folder)).toContain('token.key');
  });

  test('is made once, however many need it at once, and opens all their tokens', async () => {
    const stores = Array.from({ length: 8 }, (_, i) =>
      createFileTokenStore({ path: join(folder, `${i}.token`), context: 'bank' }),
    );
    await Promise.all(stores.map((each) => each.write(token)));
    expect(await Promise.all(stores.map((each) => each.read()))).toEqual(stores.map(() => token));
    expect(readdirSync(folder).filter((name) => name.includes('.key'))).toEqual(['token.key']);
  });

  test('that can not be made is an error, and leaves nothing behind', async () => {
    mkdirSync(join(folder, 'token.key'));
    await expect(store().requireWritable?.()).rejects.toMatchObject({ code: 'TOKEN_STORE_UNSAFE' });
    await expect(store().write(token)).rejects.toMatchObject({ code: 'TOKEN_STORE_UNSAFE' });
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
