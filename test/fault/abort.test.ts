/** An AbortSignal that fires at every named moment of a load. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onFailpoint } from '../../src/failpoints/index.ts';
import { contentOf, expectSound } from './ledger-database.ts';
import { loadLedger } from './ledger-source.ts';
import { useFolder } from './folder.ts';

const folder = useFolder();

/** The failpoints that `work` passes. */
async function failpointsOf(work: () => Promise<unknown>): Promise<string[]> {
  const passed: string[] = [];
  const end = onFailpoint((name) => passed.push(name));
  await work().finally(end);
  return passed;
}

/** Open files of this process; elsewhere than on Linux they can't be counted. */
const openFiles = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);

test.each([false, true])(
  'aborted at every failpoint (staged: %s), a run rejects with the reason at once, keeps whole commits and leaves no file open',
  async (staged) => {
    const load = { generation: 1, staged };
    const clean = join(folder(), 'clean.db');
    const failpoints = await failpointsOf(() => loadLedger(clean, load));
    expect(failpoints.length).toBeGreaterThanOrEqual(40);
    // From here on all that is left is to publish, which is not interrupted.
    const lastChance = failpoints.indexOf('run.audited') + 1;
    const expected = contentOf(clean);
    const files = openFiles();

    for (let nth = 1; nth <= failpoints.length; nth++) {
      const where = `failpoint ${nth}, ${failpoints[nth - 1]}`;
      const path = join(folder(), `${nth}.db`);
      const controller = new AbortController();
      const reason = new Error('the test aborts');
      let passed = 0;
      let abortedMs = 0;
      const end = onFailpoint(() => {
        if (++passed !== nth) return;
        abortedMs = performance.now();
        controller.abort(reason);
      });
      const outcome = await loadLedger(path, load, controller.signal).then(
        ({ status }) => status,
        (error: unknown) => error,
      );
      end();
      expect(performance.now() - abortedMs, where).toBeLessThan(1_000);
      expect(outcome, where).toBe(nth <= lastChance ? reason : 'succeeded');
      expect(openFiles(), where).toBe(files);
      expect(expectSound(path, () => staged).isRunning, where).toBe(false);
      await loadLedger({ path, lockTimeoutMs: 0 }, { ...load, minute: 1 });
      expect(contentOf(path), where).toEqual(expected);
      rmSync(path);
    }
  },
);
