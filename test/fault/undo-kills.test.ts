/** SIGKILL at every named moment of a load that can be taken back, and of the taking back: all or nothing. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createSqliteReader } from '../../src/destinations/sqlite/readers.ts';
import { sqlite } from '../../src/destinations/sqlite/destination.ts';
import { undoLoad } from '../../src/pipeline/index.ts';
import { atOnce, endOf, startWorker } from './child.ts';
import { useFolder } from './folder.ts';
import { contentOf, expectLoaded } from './ledger-database.ts';
import { loadLedger } from './ledger-source.ts';

const folder = useFolder();
const undoLoads = 2;

function place(name: string, earlier?: string): string {
  mkdirSync(join(folder(), name));
  const path = join(folder(), name, 'ledger.db');
  if (earlier) copyFileSync(earlier, path);
  return path;
}

async function latestLoad(path: string): Promise<{ loadId: string; status: string }> {
  const [latest] = (await createSqliteReader(path).status()).loads;
  return { loadId: latest?.loadId ?? '', status: latest?.status ?? 'none' };
}

const withoutMemo = (content: Record<string, string[]>): unknown =>
  // The column that the second generation added, and that stays.
  JSON.parse(JSON.stringify(content).replaceAll(',\\"memo\\":null', ''));

test('a load that was killed at any failpoint is taken back', { timeout: 180_000 }, async () => {
  const before = place('before');
  await loadLedger({ path: before, undoLoads }, { generation: 1 });
  const clean = place('clean', before);
  const load = { generation: 2, undoLoads };
  const failpoints = (await endOf(startWorker('./ledger-worker.ts', clean, 'load', load)))
    .message as string[];
  const [first, expected] = [contentOf(before), contentOf(clean)];
  let taken = 0;
  await atOnce(Math.min(4, availableParallelism()), [...failpoints.entries()], async ([index, name]) => {
    const path = place(`${index}`, before);
    const end = await endOf(startWorker('./ledger-worker.ts', path, 'load', { ...load, at: index + 1 }));
    const where = `failpoint ${index + 1} of ${failpoints.length}, ${name}`;
    expect(end, where).toMatchObject({ signal: 'SIGKILL' });
    const { loadId, status } = await latestLoad(path);
    const killed = loadId !== (await latestLoad(before)).loadId;
    try {
      if (killed) {
        const undone = undoLoad(sqlite(path), loadId);
        // Before its first commit there is nothing to take back.
        const refused = await undone.then(
          () => false,
          (error: { code?: string }) => error.code === 'UNDO_REFUSED',
        );
        if (!refused) {
          taken++;
          expect(await latestLoad(path)).toEqual({ loadId, status: 'undone' });
        } else expect(status).toBe('running');
      }
      expect(withoutMemo(contentOf(path))).toEqual(first);
      await loadLedger({ path, undoLoads, lockTimeoutMs: 0 }, { generation: 2, minute: 1 });
      expect(contentOf(path)).toEqual(expected);
    } catch (error) {
      throw new Error(where, { cause: error });
    }
  });
  expect(taken).toBeGreaterThan(failpoints.length / 2);
});

test(
  'killed at any failpoint of the taking back, all of it was done or nothing',
  { timeout: 60_000 },
  async () => {
    const before = place('before');
    await loadLedger({ path: before, undoLoads }, { generation: 1 });
    const { loadId } = await loadLedger({ path: before, undoLoads }, { generation: 2 });
    const after = contentOf(before);
    const clean = place('clean', before);
    const end = await endOf(startWorker('./ledger-worker.ts', clean, 'undo', { loadId }));
    const failpoints = end.message as string[];
    expect(failpoints).toEqual(
      expect.arrayContaining([
        'sqlite.undo_checked',
        'sqlite.undo_rows_restored',
        'sqlite.undo_state_restored',
        'sqlite.committing',
        'sqlite.committed',
      ]),
    );
    const undone = contentOf(clean);
    expect(undone).not.toEqual(after);
    for (const [index, name] of failpoints.entries()) {
      const path = place(`${index}`, before);
      const killed = await endOf(startWorker('./ledger-worker.ts', path, 'undo', { loadId, at: index + 1 }));
      expect(killed, name).toMatchObject({ signal: 'SIGKILL' });
      const isDone = name === 'sqlite.committed';
      expect(await latestLoad(path)).toEqual({ loadId, status: isDone ? 'undone' : 'succeeded' });
      expect(contentOf(path), name).toEqual(isDone ? undone : after);
      if (!isDone) await undoLoad(sqlite(path), loadId);
      expect(contentOf(path), name).toEqual(undone);
      await loadLedger(path, { generation: 2, minute: 1 });
      expectLoaded(path, 2);
      expect(contentOf(path), name).toEqual(after);
    }
  },
);
