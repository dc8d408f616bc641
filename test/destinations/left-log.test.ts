/** A database file that was deleted while its log stayed: what a killed load leaves, and a person overlooks. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { iceberg } from '../../src/destinations/iceberg/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { defineSource, defineStream, int64 } from '../../src/model/index.ts';
import type { Destination } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-left-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const stream = defineStream({
  name: 't',
  schema: z.object({ id: int64() }),
  primaryKey: ['id'],
  async *read() {
    yield [{ id: 1 }];
  },
});
const load = (destination: Destination) =>
  run({ source: defineSource({ name: 'test', streams: [stream] }), destination });

describe.each<[string, () => Destination, () => string]>([
  ['an SQLite database', () => sqlite(join(folder, 'test.db')), () => join(folder, 'test.db')],
  [
    'the catalog of a lake',
    () => iceberg({ warehouse: join(folder, 'lake'), catalog: join(folder, 'catalog.db') }),
    () => join(folder, 'catalog.db'),
  ],
])('%s', (_what, destination, fileOf) => {
  /** A log as a killed process leaves it: SQLite itself removes it when the last connection closes. */
  function leaveLog(): void {
    const file = fileOf();
    const db = new DatabaseSync(file);
    db.exec('PRAGMA journal_mode = WAL; CREATE TABLE left_over (x); INSERT INTO left_over VALUES (1)');
    copyFileSync(`${file}-wal`, `${file}-copy`);
    db.close();
    rmSync(file);
    copyFileSync(`${file}-copy`, `${file}-wal`);
  }

  test('is not made anew beside the log of an old one, which stays as it is', async () => {
    await load(destination());
    leaveLog();
    const file = fileOf();
    const before = readFileSync(`${file}-wal`);

    await expect(load(destination())).rejects.toMatchObject({
      code: 'DEST_FOREIGN',
      message: expect.stringMatching(/-wal\), which may hold committed rows/) as string,
    });
    await expect(destination().open({ readOnly: true })).rejects.toMatchObject({ code: 'DEST_FOREIGN' });
    expect(existsSync(file)).toBe(false);
    expect(readFileSync(`${file}-wal`).equals(before)).toBe(true);
  });

  test('is made anew once the log is gone, and beside an empty one', async () => {
    await load(destination());
    leaveLog();
    const file = fileOf();
    writeFileSync(`${file}-wal`, '');

    expect((await load(destination())).status).toBe('succeeded');
    expect(statSync(file).size).toBeGreaterThan(0);
    const db = new DatabaseSync(file, { readOnly: true });
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    expect(db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'left_over'").get()).toBeUndefined();
    db.close();
  });
});
