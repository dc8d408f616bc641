/** A run into a file that is not what it should be: refused before the source is asked, and the file stays byte for byte. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { servePages } from './item-source.ts';
import { openShop } from './shop.ts';
import type { Shop } from './shop.ts';

let shop: Shop;
beforeEach(async () => {
  shop = await openShop();
});
afterEach(() => shop[Symbol.asyncDispose]());

const pages = servePages(['{"id":1}']);

/** Runs SQL in a file that other programs may have made. */
function exec(sql: string): void {
  const db = new DatabaseSync(shop.database.path);
  db.exec(sql);
  db.close();
}

test.each<[string, () => void | Promise<unknown>, string]>([
  ['of no bytes', () => writeFileSync(shop.database.path, ''), 'DEST_FOREIGN'],
  ['of junk', () => writeFileSync(shop.database.path, 'junk'.repeat(2_000)), 'DEST_FOREIGN'],
  ['of zeros', () => writeFileSync(shop.database.path, Buffer.alloc(8_192)), 'DEST_FOREIGN'],
  [
    'with a good header and junk after it',
    () => writeFileSync(shop.database.path, `SQLite format 3\0${'\x10'.repeat(5_000)}`),
    'DEST_',
  ],
  [
    'of a newer version of this library',
    async () => {
      await shop.load(pages);
      exec("UPDATE _plumbing_meta SET value = '99'");
    },
    'DEST_FOREIGN',
  ],
])('a file %s', async (_what, make, code) => {
  await make();
  const before = readFileSync(shop.database.path);
  await expect(shop.load(pages)).rejects.toMatchObject({
    code: expect.stringContaining(code) as string,
    message: expect.stringContaining(shop.database.path) as string,
  });
  expect(shop.seen).toEqual([]);
  expect(readFileSync(shop.database.path).equals(before)).toBe(true);
  expect(readdirSync(shop.database.folder).filter((name) => /-(wal|shm|journal)$/.test(name))).toEqual([]);
});

test('a file that was cut off is never taken for a first run, nor for one with fewer rows', async () => {
  const rows = Array.from({ length: 400 }, (_, id) => `{"id":${id},"text":"${'x'.repeat(40)}"}`);
  await shop.load(servePages(rows));
  const good = readFileSync(shop.database.path);
  const codeOf = (error: { code?: string }): string => error.code ?? String(error);
  for (let length = 0; length < good.length; length += 4_096) {
    for (const bytes of [length, length + 100]) {
      writeFileSync(shop.database.path, good.subarray(0, bytes));
      // What is missing may be a page that a run does not need; then it is missed by whoever reads it.
      const load = await shop.load(servePages([])).then(({ status, error }) => error?.code ?? status, codeOf);
      const read = await shop.stored().then(({ length: count }) => `${count} rows`, codeOf);
      const what = `${bytes} of ${good.length} bytes`;
      expect(load, what).toMatch(/^(DEST_|STATE_|succeeded)/);
      expect(read, what).toMatch(/^(DEST_|STATE_|400 rows)/);
      if (load === 'succeeded') expect(bytes, what).toBeGreaterThan(good.length - 8_192);
    }
  }
});
