/** What is flushed to the disk before what, as seen at each flush. A crash keeps only what was flushed. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createFileTokenStore } from '../../src/auth/index.ts';
import { writeFileAtomic } from '../../src/auth/private-file.ts';
import { Secret } from '../../src/logging/index.ts';

let folder: string;
/** Each flush: what was flushed, its size, and which files had their final names at that moment. */
let flushes: { what: 'file' | 'folder'; bytes: number; files: readonly string[] }[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-auth-'));
  flushes = [];
  const handle = await open(folder, 'r');
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const sync = prototype.sync;
  vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    const stats = await this.stat();
    const what = stats.isDirectory() ? 'folder' : 'file';
    const files = readdirSync(folder).filter((name) => !/\.(tmp|lock|lock-journal)$/.test(name));
    flushes.push({ what, bytes: what === 'file' ? stats.size : 0, files });
    await sync.call(this);
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

test('a private file is flushed whole before it gets its name, and its folder afterwards', async () => {
  await writeFileAtomic(join(folder, 'a'), 'first');
  await writeFileAtomic(join(folder, 'b'), 'second');
  expect(flushes).toEqual([
    { what: 'file', bytes: 5, files: [] },
    { what: 'folder', bytes: 0, files: ['a'] },
    { what: 'file', bytes: 6, files: ['a'] },
    { what: 'folder', bytes: 0, files: ['a', 'b'] },
  ]);
});

test('a token is removed durably', async () => {
  const key = new Secret('ab'.repeat(32));
  const store = createFileTokenStore({ path: join(folder, 'token'), context: 'bank', key });
  await store.write({ issuedAtMs: 1 });
  await store.clear();
  expect(flushes.at(-1)).toEqual({ what: 'folder', bytes: 0, files: [] });
});

test('a key file is flushed before it gets its name, and both before the token that it opens', async () => {
  const store = createFileTokenStore({ path: join(folder, 'token'), context: 'bank' });
  await store.write({ issuedAtMs: 1 });
  expect(flushes.map(({ what, files }) => [what, ...files])).toEqual([
    ['file'],
    ['file', 'token.key'],
    ['folder', 'token', 'token.key'],
  ]);
  expect(flushes[0]?.bytes).toBe(32);
});
