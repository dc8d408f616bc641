/** SIGKILL at every named moment of a load, one child process each; then the next run must make everything good. */
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { atOnce, endOf, startWorker } from './child.ts';
import { useFolder } from './folder.ts';
import { contentOf, expectSound } from './ledger-database.ts';
import type { Progress } from './ledger-database.ts';
import { loadLedger } from './ledger-source.ts';

const folder = useFolder();

/** A folder with the database as an earlier load left it, or without one. */
function place(name: string, earlier: string | undefined): string {
  mkdirSync(join(folder(), name));
  const path = join(folder(), name, 'ledger.db');
  // Keeps the mode of the file.
  if (earlier) copyFileSync(earlier, path);
  return path;
}

const always = [
  'batch.read',
  'batch.written',
  'sqlite.rows_spilled',
  'sqlite.rows_applied',
  'sqlite.state_written',
  'sqlite.committing',
  'sqlite.committed',
  'run.published',
];
// The second generation has another column and a wider one.
const earlier = { on: 'one with an earlier load', generation: 2, passes: [...always, 'sqlite.table_copied'] };
const cases = [
  { on: 'an absent database', generation: 1, staged: false, passes: [...always, 'sqlite.file_in_place'] },
  { ...earlier, staged: false },
  { ...earlier, staged: true },
];

test.each(cases)(
  'killed at every failpoint on $on (staged: $staged), the next run gives what a run without a kill gives',
  { timeout: 180_000 },
  async ({ generation, staged, passes }) => {
    let before: string | undefined;
    if (generation > 1) {
      before = place('before', undefined);
      await loadLedger(before, { generation: generation - 1 });
    }
    const load = { generation, staged };
    const clean = place('clean', before);
    const listing = await endOf(startWorker('./ledger-worker.ts', clean, 'load', load));
    expect(listing.code).toBe(0);
    const failpoints = listing.message as string[];
    const expected = contentOf(clean);
    const progress: Progress[] = [];

    await atOnce(Math.min(4, availableParallelism()), [...failpoints.entries()], async ([index, name]) => {
      const path = place(`${index}`, before);
      const where = `failpoint ${index + 1} of ${failpoints.length}, ${name}`;
      const end = await endOf(startWorker('./ledger-worker.ts', path, 'load', { ...load, at: index + 1 }));
      expect(end, where).toMatchObject({ signal: 'SIGKILL' });
      try {
        for (const file of readdirSync(dirname(path))) {
          expect(statSync(join(dirname(path), file)).mode & 0o077, file).toBe(0);
        }
        progress[index] = expectSound(path, () => staged);
        await loadLedger({ path, lockTimeoutMs: 0 }, { ...load, minute: 1 });
        expect(contentOf(path)).toEqual(expected);
        // A draft that had no place yet holds no data, and might be another process's.
        const left = readdirSync(dirname(path)).filter(
          (file) => !isDraft(file) || name !== 'sqlite.file_drafted',
        );
        expect(left.toSorted()).toEqual(['ledger.db', 'ledger.db.lock']);
        expect(statSync(path).nlink).toBe(1);
      } catch (error) {
        throw new Error(where, { cause: error });
      }
      rmSync(join(folder(), `${index}`), { recursive: true });
    });

    expect(failpoints.length).toBeGreaterThanOrEqual(40);
    expect(failpoints).toEqual(expect.arrayContaining(passes));
    expectKept(progress, staged);
  },
);

const isDraft = (file: string): boolean => file.endsWith('.new');

/** What was committed at one failpoint is there at all later ones; and there was something to keep. */
function expectKept(progress: readonly Progress[], staged: boolean): void {
  for (const [index, now] of progress.entries()) {
    const before = progress[index - 1];
    if (before) {
      expect(now.cursor).toBeGreaterThanOrEqual(before.cursor);
      expect(now.rates + now.orders + now.accounts).toBeGreaterThanOrEqual(
        before.rates + before.orders + before.accounts,
      );
    }
  }
  expect(new Set(progress.map(({ cursor }) => cursor)).size).toBeGreaterThanOrEqual(staged ? 2 : 6);
}
