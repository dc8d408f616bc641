/** Two processes that load one file at the same time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endOf, startWorker } from './child.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-writers-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('twice 20 loads of ten batches, on a file that does not exist yet: each waits for the other, and nothing is lost', async () => {
  const path = join(folder, 'shared.db');
  const writers = ['first', 'second'];
  const ends = await Promise.all(writers.map((name) => endOf(startWorker('./writer-worker.ts', path, name))));
  expect(ends).toMatchObject([{ code: 0 }, { code: 0 }]);

  const db = new DatabaseSync(path);
  const all = (sql: string): unknown[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row));
  expect(all('PRAGMA integrity_check')).toEqual([['ok']]);
  expect(all('SELECT writer, count(*), min(id), max(id) FROM entries GROUP BY writer')).toEqual(
    writers.map((name) => [name, 2_000, 1, 2_000]),
  );
  expect(all('SELECT partition, state FROM _plumbing_state ORDER BY partition')).toEqual(
    writers.map((name) => [name, '{"cursor":2000}']),
  );
  expect(all('SELECT status, count(*) FROM _plumbing_loads GROUP BY status')).toEqual([['succeeded', 40]]);
  // They did take turns.
  const turns = all('SELECT DISTINCT _plumbing_load_id, writer FROM entries ORDER BY 1').map(
    (row) => (row as string[])[1],
  );
  expect(turns.filter((name, index) => name !== turns[index - 1]).length).toBeGreaterThan(2);
  db.close();
});
