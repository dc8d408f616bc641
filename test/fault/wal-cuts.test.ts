/** What a power cut may leave of the write-ahead log: every length of it must open as one of the commits. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endOf, startWorker } from './child.ts';
import { useFolder } from './folder.ts';
import { contentOf, expectSound } from './ledger-database.ts';
import type { Progress } from './ledger-database.ts';
import { movementsPerGeneration, pageRows, pages } from './ledger-model.ts';
import { loadLedger } from './ledger-source.ts';

const headerBytes = 32;
const frameBytes = 24 + 4_096;

const folder = useFolder();

/** A database whose commits of one load are all in the log still: its process was killed when all was done. */
async function databaseWithLog(generation: number): Promise<{ file: Buffer; log: Buffer; clean: string }> {
  const path = join(folder(), 'ledger.db');
  const clean = join(folder(), 'clean.db');
  for (let earlier = 1; earlier < generation; earlier++) {
    await loadLedger(path, { generation: earlier });
    await loadLedger(clean, { generation: earlier });
  }
  await loadLedger(clean, { generation });
  const task = { generation, failpoint: 'run.published', at: 1 };
  expect(await endOf(startWorker('./ledger-worker.ts', path, 'load', task))).toMatchObject({
    signal: 'SIGKILL',
  });
  return { file: readFileSync(path), log: readFileSync(`${path}-wal`), clean };
}

/** Lengths to cut at: every frame's end, the middle of every frame, every 4 KiB. */
function cutsOf(log: Buffer): number[] {
  const frames = Math.floor((log.length - headerBytes) / frameBytes);
  const ends = Array.from({ length: frames + 1 }, (_, frame) => headerBytes + frame * frameBytes);
  const middles = ends.slice(0, -1).flatMap((end) => [end + 12, end + 24 + 1_777]);
  const pages = Array.from({ length: Math.ceil(log.length / 4_096) }, (_, page) => page * 4_096);
  return [...new Set([...ends, ...middles, ...pages, log.length])].toSorted((a, b) => a - b);
}

/** Where the commits of a load put the cursor: at the ends of its pages, the first of which begins at the old cursor. */
function cursorsOf(generation: number): number[] {
  const last = generation * movementsPerGeneration;
  const before = last - movementsPerGeneration;
  const first = Math.max(1, before);
  const ends = Array.from({ length: pages + 1 }, (_, page) => first + (page + 1) * pageRows - 1);
  return [before, ...ends.map((end) => Math.min(end, last))];
}

test.each([1, 2])(
  'load %i: a log cut at any place opens whole, as one of the commits, and later cuts keep more of them',
  { timeout: 120_000 },
  async (generation) => {
    const { file, log, clean } = await databaseWithLog(generation);
    const expected = contentOf(clean);
    const seen: Progress[] = [];
    const path = join(folder(), 'cut.db');
    const cuts = cutsOf(log);
    const commits = cursorsOf(generation);
    for (const [index, cut] of cuts.entries()) {
      writeFileSync(path, file);
      // What the disk never got may also be there as zeros.
      const rest = index % 2 === 0 ? Buffer.alloc(0) : Buffer.alloc(log.length - cut);
      writeFileSync(`${path}-wal`, Buffer.concat([log.subarray(0, cut), rest]));
      try {
        const progress = expectSound(path);
        expect(commits).toContain(progress.cursor);
        seen.push(progress);
        if (index % 20 === 0 || index === cuts.length - 1) {
          await loadLedger(path, { generation, minute: 1 });
          expect(contentOf(path)).toEqual(expected);
        }
      } catch (error) {
        throw new Error(`cut at byte ${cut} of ${log.length}`, { cause: error });
      }
    }
    const sums = seen.map(({ cursor, rates, orders, accounts }) => cursor + rates + orders + accounts);
    expect(sums).toEqual(sums.toSorted((a, b) => a - b));
    // Begun; five pages; three whole streams; ended.
    expect(new Set(seen.map((progress) => JSON.stringify(progress))).size).toBeGreaterThanOrEqual(10);
    expect(seen.at(-1)).toMatchObject({ rates: generation, accounts: generation, isRunning: false });
  },
);

test('without its log the file is as the load before has left it', async () => {
  const { file } = await databaseWithLog(2);
  const path = join(folder(), 'no-log.db');
  writeFileSync(path, file);
  expect(expectSound(path)).toMatchObject({ rates: 1, orders: 1, accounts: 1, isRunning: false });
});
