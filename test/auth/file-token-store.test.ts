import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileTokenStore, createTokenKeeper, withProcessLock } from '../../src/auth/index.ts';
import type { StoredToken } from '../../src/auth/index.ts';
import { Secret } from '../../src/logging/index.ts';

let folder: string;
let path: string;
const key = new Secret('ab'.repeat(32));
const token = (issuedAtMs: number): StoredToken => ({ issuedAtMs, accessToken: 'token-canary-1' });
const store = (options: { key?: Secret; context?: string; lockTimeoutMs?: number } = {}) =>
  createFileTokenStore({ path, context: 'bank', key, ...options });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-auth-'));
  path = join(folder, 'plumbing', 'bank.token');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Whatever the file holds now, it is refused and not touched. */
async function expectCorrupt(content: Buffer): Promise<void> {
  writeFileSync(path, content);
  await expect(store().read(), content.toString('latin1')).rejects.toMatchObject({
    code: 'TOKEN_STORE_CORRUPT',
  });
  expect(readFileSync(path).equals(content)).toBe(true);
}

describe('the file', () => {
  test('gives back what was stored, and nothing before that', async () => {
    expect(await store().read()).toBeUndefined();
    await store().write(token(1));
    expect(await store().read()).toEqual(token(1));
  });

  test.each([0o000, 0o022, 0o077])(
    'and its folder are private under umask %o, key file included',
    async (mask) => {
      const before = process.umask(mask);
      try {
        await createFileTokenStore({ path, context: 'bank' }).write(token(1));
      } finally {
        process.umask(before);
      }
      expect(statSync(join(folder, 'plumbing')).mode & 0o777).toBe(0o700);
      for (const name of readdirSync(join(folder, 'plumbing'))) {
        expect([name, statSync(join(folder, 'plumbing', name)).mode & 0o777]).toEqual([name, 0o600]);
      }
    },
  );

  test('shows neither token nor key', async () => {
    await store().write(token(1));
    expect(readFileSync(path, 'utf8')).not.toMatch(/token-canary|abab/);
  });

  test('is never written with the same bytes twice', async () => {
    await store().write(token(1));
    const first = readFileSync(path, 'utf8');
    await store().write(token(1));
    expect(readFileSync(path, 'utf8')).not.toBe(first);
  });

  // Three bits: one that changes a character, one that changes its case, one that leaves ASCII.
  test.each([0x01, 0x20, 0x80])(
    'with any byte changed (bit %i) is refused and left as it is',
    async (bit) => {
      await store().write(token(1));
      const good = readFileSync(path);
      for (let i = 0; i < good.length; i++) {
        const bad = Buffer.from(good);
        bad.writeUInt8(bad.readUInt8(i) ^ bit, i);
        await expectCorrupt(bad);
      }
    },
  );

  test('cut off anywhere is refused and left as it is', async () => {
    await store().write(token(1));
    const good = readFileSync(path);
    for (let length = 0; length < good.length; length++) await expectCorrupt(good.subarray(0, length));
  });

  test.each<[string, (good: string) => string]>([
    ['a token in plain text', () => JSON.stringify(token(1))],
    [
      'a token in plain text where the encrypted one belongs',
      (good) => good.replace(/"ct":"[^"]*"/, '"ct":"e30="'),
    ],
    ['a later version', (good) => good.replace('"v":1', '"v":2')],
    ['another algorithm', (good) => good.replace('A256GCM', 'none')],
    ['an empty tag', (good) => good.replace(/"tag":"[^"]*"/, '"tag":""')],
    ['a short tag', (good) => good.replace(/"tag":"[^"]*"/, '"tag":"AAAA"')],
    ['null', () => 'null'],
    ['two of them', (good) => good.repeat(2)],
    ['one more field', (good) => good.replace('}', ',"x":1}')],
  ])('that holds %s is refused and left as it is', async (_what, change) => {
    await store().write(token(1));
    await expectCorrupt(Buffer.from(change(readFileSync(path, 'utf8'))));
  });

  test('that is damaged is neither written over by a new token nor by a login, and nothing is sent', async () => {
    await store().write(token(1));
    writeFileSync(path, readFileSync(path).subarray(1));
    const before = readFileSync(path);
    const sent: string[] = [];
    const keeper = createTokenKeeper({
      store: store(),
      needsRefresh: () => true,
      refresh: async () => (sent.push('refresh'), token(2)),
      login: async () => (sent.push('login'), token(2)),
      loginHint: '',
    });
    const corrupt = { code: 'TOKEN_STORE_CORRUPT' };
    await expect(store().write(token(2))).rejects.toMatchObject(corrupt);
    await expect(keeper.get()).rejects.toMatchObject(corrupt);
    await expect(keeper.replace(token(1))).rejects.toMatchObject(corrupt);
    expect(sent).toEqual([]);
    expect(readFileSync(path)).toEqual(before);
  });

  test('whose key file is damaged is refused, and both are left as they are', async () => {
    const own = createFileTokenStore({ path, context: 'bank' });
    await own.write(token(1));
    const keyFile = join(folder, 'plumbing', 'token.key');
    const good = readFileSync(keyFile);
    const changed = Array.from(good, (byte, i) => {
      const bad = Buffer.from(good);
      bad.writeUInt8(byte ^ 1, i);
      return bad;
    });
    const cut = Array.from(good, (_, length) => good.subarray(0, length));
    for (const bad of [...changed, ...cut, Buffer.concat([good, good])]) {
      writeFileSync(keyFile, bad);
      await expect(own.read()).rejects.toMatchObject({ code: 'TOKEN_STORE_CORRUPT' });
      await expect(own.write(token(2))).rejects.toMatchObject({ code: 'TOKEN_STORE_CORRUPT' });
      expect(readFileSync(keyFile).equals(bad)).toBe(true);
    }
    writeFileSync(keyFile, good);
    expect(await own.read()).toEqual(token(1));
  });

  test('with anything added or left out is refused', async () => {
    await store().write(token(1));
    const good = readFileSync(path, 'utf8');
    const parts = JSON.parse(good) as Record<string, unknown>;
    const wrong = [
      ` ${good}`,
      `${good}\n`,
      ...Object.keys(parts).map((name) => `${JSON.stringify({ ...parts, [name]: undefined })}\n`),
      ...Object.keys(parts).map((name) => `${JSON.stringify({ ...parts, [name]: [parts[name]] })}\n`),
      `${JSON.stringify({ ...parts, more: 1 })}\n`,
      `${JSON.stringify({ ...parts, v: 2 })}\n`,
      'null\n',
      '',
    ];
    for (const text of wrong) {
      writeFileSync(path, text);
      await expect(store().read(), text).rejects.toMatchObject({
        code: 'TOKEN_STORE_CORRUPT',
        message: expect.stringContaining(`${path} can't be decrypted`) as string,
      });
    }
  });

  test('of another key or another context is refused', async () => {
    await store().write(token(1));
    await expect(store({ key: new Secret('cd'.repeat(32)) }).read()).rejects.toMatchObject({
      code: 'TOKEN_STORE_CORRUPT',
    });
    await expect(store({ context: 'other bank' }).read()).rejects.toMatchObject({
      code: 'TOKEN_STORE_CORRUPT',
    });
    await expect(createFileTokenStore({ path, context: 'bank' }).read()).rejects.toMatchObject({
      code: 'TOKEN_STORE_CORRUPT',
    });
  });

  test('a passphrase works as a key', async () => {
    const passphrase = new Secret('correct horse battery staple');
    await store({ key: passphrase }).write(token(1));
    expect(await store({ key: passphrase }).read()).toEqual(token(1));
    await expect(store({ key: new Secret('correct horse battery stable') }).read()).rejects.toMatchObject({
      code: 'TOKEN_STORE_CORRUPT',
    });
  });

  test.each([0o644, 0o640, 0o604, 0o660])('that others may read (mode %o) is refused', async (mode) => {
    await store().write(token(1));
    chmodSync(path, mode);
    await expect(store().read()).rejects.toMatchObject({ code: 'TOKEN_STORE_UNSAFE' });
  });

  test('that is a link, a folder or a pipe is refused', async () => {
    await store().write(token(1));
    const real = join(folder, 'real');
    writeFileSync(real, readFileSync(path), { mode: 0o600 });
    rmSync(path);
    symlinkSync(real, path);
    await expect(store().read()).rejects.toMatchObject({ code: 'TOKEN_STORE_UNSAFE' });
    rmSync(path);
    mkdirSync(path);
    await expect(store().read()).rejects.toMatchObject({ code: 'TOKEN_STORE_UNSAFE' });
    rmdirSync(path);
    execFileSync('/usr/bin/mkfifo', ['-m', '600', path]);
    await expect(store().read()).rejects.toMatchObject({ code: 'TOKEN_STORE_UNSAFE' });
  });

  test('what a dead writer left behind is removed by the next one, but not that of a living one', async () => {
    await store().write(token(1));
    const old = `${path}.${'0'.repeat(12)}.tmp`;
    const fresh = `${path}.${'1'.repeat(12)}.tmp`;
    writeFileSync(old, 'half');
    utimesSync(old, new Date(0), new Date(0));
    writeFileSync(fresh, 'half');
    await store().write(token(2));
    expect([existsSync(old), existsSync(fresh)]).toEqual([false, true]);
    expect(await store().read()).toEqual(token(2));
  });
});

describe('order', () => {
  test('a newer token is never overwritten by an older one', async () => {
    await store().write(token(5));
    await store().write(token(4));
    expect((await store().read())?.issuedAtMs).toBe(5);
  });

  test('clear forgets only the token it means', async () => {
    await store().write(token(5));
    await store().clear(4);
    expect(await store().read()).toBeDefined();
    await store().clear(5);
    expect(await store().read()).toBeUndefined();
    await store().clear(5);
    await store().clear();
  });
});

describe('the lock', () => {
  const worker = (script: string) =>
    fork(new URL('./lock-worker.ts', import.meta.url), [path, script], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });

  test('is held by one caller at a time, in this process and among others', async () => {
    const counter = join(folder, 'counter');
    writeFileSync(counter, '0');
    const children = [1, 2, 3].map(() => worker(counter));
    const codes = await Promise.all(
      children.map(async (child) => ((await once(child, 'exit')) as [number])[0]),
    );
    expect(codes).toEqual([0, 0, 0]);
    await Promise.all(
      Array.from({ length: 10 }, () =>
        store().withLock(async () => {
          const n = Number(readFileSync(counter, 'utf8'));
          await new Promise(setImmediate);
          writeFileSync(counter, String(n + 1));
        }),
      ),
    );
    expect(readFileSync(counter, 'utf8')).toBe('40');
  });

  test('of a killed process is free at once; that of a stopped one is not stolen', async () => {
    const child = worker('hold');
    await once(child, 'message');
    child.kill('SIGSTOP');
    await expect(store({ lockTimeoutMs: 200 }).withLock(async () => 1)).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      retryable: true,
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await store({ lockTimeoutMs: 200 }).withLock(async () => 1)).toBe(1);
  });

  test('is kept while other callers of the same process ask for it', async () => {
    await withProcessLock(`${path}.lock`, async () => {
      await expect(withProcessLock(`${path}.lock`, async () => 1, { timeoutMs: 50 })).rejects.toMatchObject({
        code: 'LOCK_TIMEOUT',
      });
      const child = worker('try');
      const [answer] = (await once(child, 'message')) as [string];
      await once(child, 'exit');
      expect(answer).toBe('LOCK_TIMEOUT');
    });
  });

  test('whose file holds something else is refused, and its content stays', async () => {
    await store().write(token(1));
    writeFileSync(`${path}.lock`, 'notes of somebody '.repeat(100));
    await expect(store().withLock(async () => 1)).rejects.toMatchObject({ code: 'TOKEN_STORE_UNSAFE' });
    expect(readFileSync(`${path}.lock`, 'utf8')).toMatch(/^notes of somebody/);
  });

  test.each(['a symbolic link', 'a folder'])('is refused when its file is %s', async (what) => {
    await store().write(token(1));
    rmSync(`${path}.lock`);
    if (what === 'a folder') mkdirSync(`${path}.lock`);
    else symlinkSync(join(folder, 'elsewhere'), `${path}.lock`);
    await expect(store().withLock(async () => 1)).rejects.toMatchObject({ code: 'TOKEN_STORE_UNSAFE' });
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
  });

  test('can be given up while waiting', async () => {
    await withProcessLock(`${path}.lock`, async () => {
      const abort = new AbortController();
      setTimeout(() => abort.abort('enough'), 30);
      await expect(store().withLock(async () => 1, abort.signal)).rejects.toBe('enough');
    });
  });

  test('is not waited for by who holds it', async () => {
    const same = store({ lockTimeoutMs: 100 });
    await same.withLock(async () => {
      await same.write(token(1));
      await same.write(token(2));
      await same.clear(1);
    });
    expect(await same.read()).toEqual(token(2));
  });

  test('whose file holds something else is an error at once, not a wait', async () => {
    await store().write(token(1));
    writeFileSync(`${path}.lock`, 'not a lock '.repeat(100));
    await expect(store().withLock(async () => 1)).rejects.toMatchObject({ code: 'TOKEN_STORE_UNSAFE' });
  });

  test('is released when the work fails', async () => {
    await expect(store().withLock(() => Promise.reject(new Error('work')))).rejects.toThrow('work');
    expect(await store({ lockTimeoutMs: 100 }).withLock(async () => 1)).toBe(1);
  });
});
