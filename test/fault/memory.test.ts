/** Many loads in one process hold no more memory and no more files than a few. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endOf, startWorker } from './child.ts';
import { useFolder } from './folder.ts';
import type { Footprint } from './memory-worker.ts';

const folder = useFolder();

test(
  'ten loads of 100,000 rows: the heap stays flat (20 %), and no file is left open',
  { timeout: 120_000 },
  async () => {
    const child = startWorker('./memory-worker.ts', join(folder(), 'memory.db'), '', {}, ['--expose-gc']);
    const seen: Footprint[] = [];
    child.on('message', (footprint) => seen.push(footprint as Footprint));
    expect(await endOf(child)).toMatchObject({ code: 0 });
    expect(seen.map(({ rows }) => rows)).toEqual(Array.from({ length: 10 }, () => 100_000));
    // The first loads compile what the later ones use.
    const [base, ...later] = seen.slice(2) as [Footprint, ...Footprint[]];
    for (const { heapBytes, openFiles } of later) {
      expect(heapBytes / base.heapBytes).toBeLessThan(1.2);
      expect(heapBytes / base.heapBytes).toBeGreaterThan(0.8);
      expect(openFiles).toBe(base.openFiles);
    }
    console.log(
      `heap after each load, MB: ${seen.map(({ heapBytes }) => (heapBytes / 1e6).toFixed(2)).join(' ')}`,
    );
  },
);
