/** What must hold when processes meet, die, or run out of disk. */
import { fork, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createSqliteReader } from '../../../src/destinations/sqlite/index.ts';
import { tableOf, upsert, useDatabase } from './harness.ts';

const database = useDatabase();
const table = tableOf(['id:int64', 'note'], upsert, ['id']);

/** Node 22 before 22.18 needs to be told that it may strip types. */
const execArgv = process.features.typescript ? [] : ['--experimental-strip-types', '--no-warnings'];
const worker = (task: string, argument = '', path = database().path): ChildProcess =>
  fork(new URL('./load-worker.ts', import.meta.url), [path, task, argument], {
    execArgv,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

async function ended(child: ChildProcess): Promise<unknown> {
  let failure: unknown;
  child.on('message', (message) => {
    if (typeof message === 'object') failure = message;
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return failure ?? signal ?? code;
}

const integrity = (): unknown => database().sql('PRAGMA integrity_check')[0]?.['integrity_check'];

test('two processes load at once: one waits for the other, and no row and no cursor is lost', async () => {
  const ends = await Promise.all([ended(worker('append', '0')), ended(worker('append', '1000'))]);
  expect(ends).toEqual([0, 0]);
  expect(
    database().sql('SELECT count(*) AS n, sum(id < 500) AS low, sum(id >= 1000) AS high FROM t'),
  ).toEqual([{ n: 1_000, low: 500, high: 500 }]);
  expect((await database().state()).map(({ partition, state }) => [partition, state.cursor])).toEqual([
    ['0', 500],
    ['1000', 1_500],
  ]);
  expect(integrity()).toBe('ok');
});

test('a process that is killed frees its lock at once, and leaves nothing of what it had not committed', async () => {
  const holder = worker('hold');
  await once(holder, 'message');
  const session = await database().session({ lockTimeoutMs: 50 });
  await expect(session.begin(database().info([table]))).rejects.toMatchObject({ code: 'DEST_BUSY' });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const load = await session.begin(database().info([table]));
  await load.write('t', [[1, 'a']]);
  await load.finishTable('t', []);
  expect(await database().rows(['id'])).toEqual([{ id: 1 }]);
});

test('killed at any moment, rows and cursor agree, and the next run goes on from there', async () => {
  for (let round = 0; round < 6; round++) {
    const child = worker('endless');
    let commits = 0;
    await new Promise<void>((resolve) => {
      child.on('message', () => {
        commits++;
        if (commits === 3 + round * 2) resolve();
      });
    });
    // Somewhere between two commits, not at one.
    setTimeout(() => child.kill('SIGKILL'), round * 1.3);
    await once(child, 'exit');
    const [state] = await database().state();
    const [rows] = database().sql('SELECT count(*) AS n, max(id) AS last FROM t');
    expect(rows).toEqual({ n: state?.state.cursor, last: Number(state?.state.cursor) - 1 });
    expect(integrity()).toBe('ok');
  }
});

test('a reader that polls while a table is replaced sees whole sets only', async () => {
  const child = worker('replace');
  const end = ended(child);
  const seen = new Set<string>();
  const reader = createSqliteReader(database().path);
  while (child.exitCode === null && child.signalCode === null) {
    const notes: unknown[] = [];
    try {
      for await (const { note } of reader.readRows('t', { columns: ['note'] })) notes.push(note);
    } catch (error) {
      // Before the first load there is neither file nor table.
      expect((error as { code?: string }).code).toMatch(/DEST_FAILED|SCHEMA_INVALID/);
      await new Promise(setImmediate);
      continue;
    }
    expect([0, 1_000]).toContain(notes.length);
    expect(new Set(notes).size).toBeLessThanOrEqual(1);
    for (const note of notes) seen.add(String(note));
    await new Promise(setImmediate);
  }
  expect(await end).toBe(0);
  expect(seen.size).toBeGreaterThan(1);
});

const canMount =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['-m', 'true']).status === 0;

describe.skipIf(!canMount)('a full disk (needs root and unshare)', () => {
  test.each(['72k', '384k', '1m'])('of %s is a typed error; what was committed is intact', async (size) => {
    const mount = join(database().folder, 'small');
    mkdirSync(mount);
    const script = `
      mount -t tmpfs -o size=${size} tmpfs "$1" || exit 77
      "$2" $3 "$4" "$1/full.db" fill 2>&1
      echo "integrity $("$2" -e "$5" "$1/full.db" 2>/dev/null)"`;
    const probe = `
      const { DatabaseSync } = require('node:sqlite');
      const db = new DatabaseSync(process.argv[1], { readOnly: true });
      const cursor = JSON.parse(db.prepare('SELECT state FROM _plumbing_state').get()?.state ?? '{"cursor":0}').cursor;
      console.log(db.prepare('PRAGMA integrity_check').get().integrity_check, cursor === db.prepare('SELECT count(*) AS n FROM t').get().n, cursor > 0);`;
    const worker = new URL('./load-worker.ts', import.meta.url).pathname;
    const result = spawnSync(
      'unshare',
      [
        '-m',
        'sh',
        '-c',
        script,
        'sh',
        mount,
        process.execPath,
        execArgv.join(' ') || '--no-warnings',
        worker,
        probe,
      ],
      { encoding: 'utf8', env: { ...process.env, PRINT_ERRORS: '1' } },
    );
    expect(result.status).toBe(0);
    expect(result.stdout).toContain('DEST_FULL');
    // At 72k there is no room even for SQLite's shared-memory file, which it reports as a mere I/O error.
    if (size !== '72k') expect(result.stdout).toContain('integrity ok true true');
  });
});
