/** Two processes that load one file at the same time, and a program that writes to it beside a load. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { onFailpoint } from '../../src/failpoints/index.ts';
import { openSqlite } from '../../src/destinations/sqlite/index.ts';
import { endOf, startWorker } from './child.ts';
import { useFolder } from './folder.ts';
import { expectLoaded } from './ledger-database.ts';
import { loadLedger } from './ledger-source.ts';

/** SQLite's result code. */
const busy = 5;

const folder = useFolder();

test('twice 20 loads of ten batches, on a file that does not exist yet: each waits for the other, and nothing is lost', async () => {
  const path = join(folder(), 'shared.db');
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

test.each(['absent', 'without a log'])(
  'four processes that open one file at the same moment, while it is %s: each gets it',
  async (before) => {
    const files = Array.from({ length: 100 }, (_, index) => join(folder(), `${index}.db`));
    if (before === 'without a log') {
      for (const file of files) {
        (await openSqlite(file)).close();
        const db = new DatabaseSync(file);
        db.exec('PRAGMA journal_mode = DELETE');
        db.close();
      }
    }
    const startsAt = Date.now() + 1_000;
    const openers = Array.from({ length: 4 }, () =>
      startWorker('./open-worker.ts', folder(), 'open', { startsAt, files }),
    );
    const ends = await Promise.all(openers.map(endOf));
    expect(ends.map(({ code, message }) => ({ code, message }))).toEqual(
      ends.map(() => ({ code: 0, message: [] })),
    );
  },
);

test('another program can write between two commits of a load, never between the reads and the writes of one', async () => {
  const path = join(folder(), 'shared.db');
  await loadLedger(path, { generation: 1 });
  const other = new DatabaseSync(path, { timeout: 0 });
  other.exec('CREATE TABLE notes (failpoint TEXT)');
  const refused = new Set<string>();
  const end = onFailpoint((name) => {
    try {
      other.prepare('INSERT INTO notes VALUES (?)').run(name);
    } catch (error) {
      expect((error as { errcode?: number }).errcode).toBe(busy);
      refused.add(name);
    }
  });
  const { status } = await loadLedger({ path, busyTimeoutMs: 0 }, { generation: 2 }).finally(end);
  expect(status).toBe('succeeded');
  expect(refused).toEqual(
    new Set([
      'sqlite.begun',
      'sqlite.table_copied',
      'sqlite.rows_applied',
      'sqlite.state_written',
      'sqlite.committing',
    ]),
  );
  expect(Number(other.prepare('SELECT count(*) AS n FROM notes').get()?.['n'])).toBeGreaterThan(20);
  other.close();
  expectLoaded(path, 2);
});
