/** A process that is stopped (SIGSTOP) while it holds the file: others wait for it or fail, and none breaks its work. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { endOf, startWorker } from './child.ts';
import { useFolder } from './folder.ts';
import { contentOf, expectLoaded, expectSound } from './ledger-database.ts';
import { loadLedger } from './ledger-source.ts';
import type { LedgerTask } from './ledger-worker.ts';

const folder = useFolder();
let path: string;

beforeEach(() => {
  path = join(folder(), 'ledger.db');
});

const stateOf = (pid: number): string =>
  spawnSync('ps', ['-o', 'state=', '-p', `${pid}`], { encoding: 'utf8' }).stdout.trim();

async function stopped(task: LedgerTask) {
  const child = startWorker('./ledger-worker.ts', path, 'load', { ...task, signal: 'SIGSTOP' });
  const ended = endOf(child);
  while (!stateOf(child.pid as number).startsWith('T')) await sleep(10);
  return { child, ended };
}

const moments = [
  { failpoint: 'run.begun', at: 1, staged: false },
  { failpoint: 'batch.written', at: 3, staged: false },
  { failpoint: 'sqlite.rows_applied', at: 3, staged: false },
  { failpoint: 'sqlite.committing', at: 4, staged: false },
  { failpoint: 'run.audited', at: 1, staged: true },
];

test.each(moments)(
  'while a process is stopped at $failpoint, a second load gets DEST_BUSY in time and changes nothing; readers go on; both complete afterwards',
  async (moment) => {
    await loadLedger(path, { generation: 1 });
    const { child, ended } = await stopped({ ...moment, generation: 2 });
    const before = contentOf(path);
    const startedMs = performance.now();
    await expect(
      loadLedger({ path, lockTimeoutMs: 300, busyTimeoutMs: 300 }, { generation: 2 }),
    ).rejects.toMatchObject({ code: 'DEST_BUSY', retryable: true });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(contentOf(path)).toEqual(before);
    expectSound(path, () => moment.staged);
    child.kill('SIGCONT');
    expect(await ended).toMatchObject({ code: 0 });
    expectLoaded(path, 2);
    await loadLedger({ path, lockTimeoutMs: 0 }, { generation: 3 });
    expectLoaded(path, 3);
  },
);

test('a second load that waits long enough takes its turn when the first goes on', async () => {
  await loadLedger(path, { generation: 1 });
  const { child, ended } = await stopped({ failpoint: 'sqlite.rows_applied', at: 2, generation: 2 });
  const second = loadLedger({ path, lockTimeoutMs: 60_000 }, { generation: 3 });
  await sleep(200);
  child.kill('SIGCONT');
  expect(await ended).toMatchObject({ code: 0 });
  expect((await second).status).toBe('succeeded');
  expectLoaded(path, 3);
});

test('killed while it is stopped in a transaction, it frees the file at once', async () => {
  await loadLedger(path, { generation: 1 });
  const { child, ended } = await stopped({ failpoint: 'sqlite.rows_applied', at: 2, generation: 2 });
  child.kill('SIGKILL');
  expect(await ended).toMatchObject({ signal: 'SIGKILL' });
  await loadLedger({ path, lockTimeoutMs: 0, busyTimeoutMs: 0 }, { generation: 2 });
  expectLoaded(path, 2);
});

test('another program that holds a write transaction makes a load fail with DEST_BUSY, and lose nothing', async () => {
  await loadLedger(path, { generation: 1 });
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  await expect(loadLedger({ path, busyTimeoutMs: 200 }, { generation: 2 })).rejects.toMatchObject({
    code: 'DEST_BUSY',
  });
  other.exec('ROLLBACK');
  other.close();
  expectLoaded(path, 1);
  await loadLedger({ path, lockTimeoutMs: 0 }, { generation: 2 });
  expectLoaded(path, 2);
});
