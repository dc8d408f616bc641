/** Copies of files of tables: fetched once, whole, private, and no more of them than they may be. */
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, utimesSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileCache } from '../../src/iceberg/file-cache.ts';
import type { FileIo } from '../../src/iceberg/file-io.ts';

let folder: string;
let read: string[];
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'plumbing-cache-')), 'copies');
  read = [];
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

/** A store in which each file has its location for content. */
const io = {
  async read(location: string) {
    read.push(location);
    return Buffer.from(location);
  },
} as unknown as FileIo;
const wanted = (...names: string[]) =>
  names.map((name) => ({ location: `s3://lake/${name}`, sizeBytes: `s3://lake/${name}`.length }));

test('each file is fetched once, into files that only their owner can read', async () => {
  const cache = new FileCache(io, folder);
  const paths = await cache.fetch([...wanted('a', 'b', 'a'), ...wanted('c')]);
  expect(read.toSorted()).toEqual(['s3://lake/a', 's3://lake/b', 's3://lake/c']);
  for (const [location, path] of paths) expect(await readFile(path, 'utf8')).toBe(location);
  await new FileCache(io, folder).fetch(wanted('a', 'c'));
  expect(read).toHaveLength(3);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
});

test('a copy that was cut off is fetched again; a file that is not what its table says is no copy', async () => {
  const cache = new FileCache(io, folder);
  const path = (await cache.fetch(wanted('a'))).get('s3://lake/a') as string;
  truncateSync(path, 3);
  await cache.fetch(wanted('a'));
  expect(await readFile(path, 'utf8')).toBe('s3://lake/a');
  await expect(cache.fetch([{ location: 's3://lake/b', sizeBytes: 1 }])).rejects.toMatchObject({
    code: 'DEST_CORRUPT',
  });
  expect(readdirSync(folder)).toHaveLength(1);
});

/** Lets time pass for what is there. */
function age(minutes: number): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const then = new Date(statSync(path).mtimeMs - minutes * 60_000);
    utimesSync(path, then, then);
  }
}

test('those that were not asked for the longest go first, those of the call never', async () => {
  const [one] = wanted('a');
  const cache = new FileCache(io, folder, 2 * (one?.sizeBytes ?? 0));
  for (const name of ['a', 'b', 'a', 'c']) {
    if (read.length > 0) age(20);
    await cache.fetch(wanted(name));
  }
  read = [];
  await cache.fetch(wanted('a', 'c'));
  expect(read).toEqual([]);
  await cache.fetch(wanted('a', 'b', 'c'));
  expect(read).toEqual(['s3://lake/b']);
  expect(readdirSync(folder)).toHaveLength(3);
});

test('what another reader asked for just now stays, however much there is', async () => {
  const cache = new FileCache(io, folder, 1);
  await new FileCache(io, folder, 1).fetch(wanted('a', 'b'));
  await cache.fetch(wanted('c'));
  expect(readdirSync(folder)).toHaveLength(3);
  age(20);
  await cache.fetch(wanted('c'));
  expect(readdirSync(folder)).toHaveLength(1);
});

test('after a failure nothing more is fetched', async () => {
  const broken = {
    async read(location: string) {
      const isFirst = read.push(location) === 1;
      await delay(5);
      if (isFirst) throw new Error('gone');
      return Buffer.from(location);
    },
  } as unknown as FileIo;
  const names = Array.from({ length: 20 }, (_, i) => String(i).padStart(2, '0'));
  await expect(new FileCache(broken, folder).fetch(wanted(...names))).rejects.toThrow('gone');
  expect(read.length).toBeLessThanOrEqual(2);
});
