/** Private files and folders, where something is already there or goes wrong. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readPrivateFile, removePrivateFile, writeFileAtomic } from '../../src/auth/private-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-auth-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe.skipIf(process.platform === 'win32')('a folder that is already there', () => {
  test.each([
    ['plumbing', 0o755, '700'],
    ['plumbing', 0o500, '500'],
    ['shared', 0o755, '755'],
  ])('%s, mode %o: is then of mode %s', async (name, mode, expected) => {
    const path = join(folder, name);
    mkdirSync(path);
    chmodSync(path, mode);
    // Without write permission only root gets as far as the file.
    await writeFileAtomic(join(path, 'file'), 'x').catch(() => undefined);
    expect(modeOf(path)).toBe(expected);
  });

  test.skipIf(process.getuid?.() !== 0)('is left alone when it belongs to someone else', async () => {
    const path = join(folder, 'plumbing');
    mkdirSync(path, { mode: 0o755 });
    chownSync(path, 12_345, 12_345);
    await writeFileAtomic(join(path, 'file'), 'x');
    expect(modeOf(path)).toBe('755');
  });
});

describe('writing', () => {
  test('that fails leaves nothing behind, and says why', async () => {
    const path = join(folder, 'file');
    mkdirSync(join(path, 'in the way'), { recursive: true });
    await expect(writeFileAtomic(path, 'x')).rejects.toMatchObject({
      code: expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST|EPERM/) as string,
    });
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('takes away only what a dead writer of the same file left', async () => {
    const long = new Date(Date.now() - 3_600_000);
    const names = [
      'file.0123456789ab.tmp',
      'file.note.tmp',
      'file.0123456789ab.tmp.txt',
      'other.0123456789ab.tmp',
    ];
    for (const name of names) {
      writeFileSync(join(folder, name), '');
      utimesSync(join(folder, name), long, long);
    }
    await writeFileAtomic(join(folder, 'file'), 'x');
    expect(readdirSync(folder).toSorted()).toEqual([...names.slice(1), 'file'].toSorted());
  });
});

describe.skipIf(process.platform === 'win32')('reading says what is wrong', () => {
  test.each<[string, (path: string) => string, RegExp]>([
    ['a symbolic link', (path) => (symlinkSync('x', path), path), /is a symbolic link; move it away/],
    ['a file in place of the folder', (path) => (writeFileSync(path, ''), join(path, 'x')), /\(ENOTDIR\)/],
    ['a folder', (path) => (mkdirSync(path, { mode: 0o700 }), path), /is no regular file; move it away/],
    [
      'a file of mode 640',
      (path) => (writeFileSync(path, '', { mode: 0o640 }), path),
      /has mode 640, .*chmod 600/,
    ],
  ])('%s', async (_what, prepare, why) => {
    const path = prepare(join(folder, 'file'));
    await expect(readPrivateFile(path)).rejects.toMatchObject({
      code: 'TOKEN_STORE_UNSAFE',
      message: expect.stringMatching(why) as string,
    });
    await expect(readPrivateFile(path)).rejects.toThrow(path);
  });
});

test('a file that is not there is removed without a word', async () => {
  await removePrivateFile(join(folder, 'nothing'));
  await removePrivateFile(join(folder, 'no folder', 'nothing'));
  expect(await readPrivateFile(join(folder, 'nothing'))).toBeUndefined();
});
