/** SIGKILL at random moments, again and again on the same files, so that damage would add up. */
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endOf, startWorker } from './child.ts';
import { useFolder } from './folder.ts';
import { expectLoaded, expectSound } from './ledger-database.ts';
import type { Progress } from './ledger-database.ts';
import { movementsPerGeneration } from './ledger-model.ts';
import { loadLedger } from './ledger-source.ts';

const kills = Number(process.env['PLUMBING_KILLS'] ?? 100);
const seed = Number(process.env['PLUMBING_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
/** So many loads a child may do before it is killed: at any part of one, or between two. */
const maxLoads = 1.6;

const folder = useFolder('disk');

/** The generator "mulberry32": numbers from 0 to 1 that follow from a seed. */
function randomNumbers(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** As the worker does it. */
const isStaged = (generation: number): boolean => generation % 3 === 0;

/** How long a child takes for one load, on this machine and at this moment. */
async function loadMs(): Promise<number> {
  const child = startWorker('./ledger-worker.ts', join(folder(), 'timed.db'), 'endless');
  const ended = endOf(child);
  await once(child, 'message');
  const startedMs = performance.now();
  await once(child, 'message');
  const tookMs = performance.now() - startedMs;
  child.kill('SIGKILL');
  await ended;
  return tookMs;
}

test(
  `after each of ${kills} kills the file is whole and the next load goes on; at the end nothing is missing or doubled`,
  { timeout: 60_000 + kills * 2_000 },
  async () => {
    const path = join(folder(), 'ledger.db');
    const maxDelayMs = maxLoads * (await loadMs());
    const random = randomNumbers(seed);
    const seen: Progress[] = [];
    for (let kill = 1; kill <= kills; kill++) {
      const delayMs = random() * maxDelayMs;
      const where = `kill ${kill} after ${delayMs.toFixed(1)} ms (PLUMBING_SEED=${seed})`;
      const child = startWorker('./ledger-worker.ts', path, 'endless', { minute: kill % 60 });
      const ended = endOf(child);
      await once(child, 'message');
      setTimeout(() => child.kill('SIGKILL'), delayMs);
      expect(await ended, where).toMatchObject({ signal: 'SIGKILL' });
      try {
        seen.push(expectSound(path, isStaged));
      } catch (error) {
        throw new Error(where, { cause: error });
      }
    }

    const generation = Math.max(1, Math.ceil((seen.at(-1)?.cursor ?? 0) / movementsPerGeneration));
    await loadLedger({ path, lockTimeoutMs: 0 }, { generation });
    expectLoaded(path, generation);
    await loadLedger(path, { generation: generation + 1 });
    expectLoaded(path, generation + 1);
    expectVariety(seen);
  },
);

/** The kills must have met loads under way, and at different places of them. */
function expectVariety(seen: readonly Progress[]): void {
  const running = seen.filter(({ isRunning }) => isRunning);
  expect(running.length).toBeGreaterThanOrEqual(kills / 3);
  const places = running.map(({ cursor, rates, orders, accounts }) =>
    [
      cursor % movementsPerGeneration,
      ...[rates, orders, accounts].map((n) => n * movementsPerGeneration < cursor),
    ].join(),
  );
  expect(new Set(places).size).toBeGreaterThanOrEqual(Math.min(4, kills / 10));
  expect(seen.at(-1)?.cursor).toBeGreaterThan((kills / 20) * movementsPerGeneration);
  console.log(
    `${running.length} of ${kills} kills met a load under way, at ${new Set(places).size} places; seed ${seed}`,
  );
}
