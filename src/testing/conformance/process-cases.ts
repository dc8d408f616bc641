/** Cases 21, 27 and 29: kills, memory, and faults of everything around. They run children, or fail at every step. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isPlumbingError } from '../../errors/index.ts';
import { onFailpoint } from '../../failpoints/index.ts';
import { run } from '../../pipeline/index.ts';
import { sameRows } from './harness.ts';
import type { Place } from './harness.ts';
import { workload, workloadRows } from './workload.ts';
import type { WorkerReport } from './worker.ts';

type Case = readonly [id: number, title: string, run: (place: Place) => Promise<void>];

const workerPath = fileURLToPath(new URL(`worker${extname(import.meta.url)}`, import.meta.url));
const fewest = 40;
const memoryRows = 40_000;

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly report: WorkerReport | undefined;
}

async function child(place: Place, task: 'kill' | 'many', argument: number): Promise<Ended> {
  const { module } = place.options;
  if (module === undefined) {
    throw new Error(
      'this case runs the destination in a process of its own: pass destinationConformance the option module, the URL of a module that exports makeDestination',
    );
  }
  const process_ = fork(workerPath, [String(module), place.folder, task, String(argument)], {
    // A small heap: what the collector has not yet looked at would hide what is really kept.
    execArgv: task === 'many' ? ['--max-semi-space-size=2', '--max-old-space-size=64'] : [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let report: WorkerReport | undefined;
  process_.on('message', (message) => {
    report = message as WorkerReport;
  });
  const [, signal] = (await once(process_, 'exit')) as [number | null, NodeJS.Signals | null];
  return { signal, report };
}

/** Whatever happened before: nothing is half there. */
async function requireWholeSteps(place: Place): Promise<void> {
  const orders = await place.rows('orders');
  const cursor = (await place.state()).find(({ stream }) => stream === 'orders')?.state.cursor;
  const newest = Math.max(...orders.map(({ at }) => Number(at)));
  ok(Number(cursor) <= newest, `the cursor ${Number(cursor)} passed the newest row, ${newest}`);
  const stock = await place.rows('stock');
  const version = stock.some(({ note }) => note === workloadRows('stock', 2)[0]?.['note']) ? 2 : 1;
  sameRows(stock, workloadRows('stock', version));
}

/** What one run after another leaves, when nothing goes wrong. */
async function requireClean(place: Place): Promise<void> {
  strictEqual((await run(workload(place.destination(), 2))).status, 'succeeded');
  const kept = workloadRows('orders', 1).filter(({ id }) => Number(id) < 10);
  sameRows(await place.rows('orders'), [...kept, ...workloadRows('orders', 2)]);
  sameRows(await place.rows('stock'), workloadRows('stock', 2));
  sameRows(await place.rows('days'), workloadRows('days', 2));
  deepStrictEqual(
    (await place.state()).map(({ stream, state }) => [stream, Number(state.cursor)]),
    [['orders', 49]],
  );
}

async function subplace(place: Place, name: string): Promise<Place> {
  const folder = join(place.folder, name);
  await mkdir(folder);
  const made = place.at(folder);
  strictEqual((await run(workload(made.destination(), 1))).status, 'succeeded');
  return made;
}

/** See the module's title. */
export const processCases: readonly Case[] = [
  [
    21,
    'killed at every step and run again, it holds what one clean run gives',
    async (place) => {
      const first = await child(await subplace(place, 'all'), 'kill', 0);
      const points = first.report?.failpoints ?? [];
      strictEqual(first.report?.status, 'succeeded');
      ok(points.length >= fewest, `a run passes ${points.length} failpoints, ${fewest} are needed`);
      const due = points.map((name, index) => ({ name, number: index + 1 }));
      const kill = async ({ name, number }: { name: string; number: number }): Promise<void> => {
        const here = await subplace(place, String(number));
        const { signal } = await child(here, 'kill', number);
        strictEqual(signal, 'SIGKILL', `failpoint ${number}, ${name}`);
        try {
          await requireWholeSteps(here);
          await requireClean(here);
        } catch (error) {
          throw new Error(`killed at failpoint ${number}, ${name}: ${String(error)}`, { cause: error });
        }
      };
      const lane = async (): Promise<void> => {
        for (let next = due.shift(); next; next = due.shift()) await kill(next);
      };
      await Promise.all([lane(), lane()]);
    },
  ],
  [
    27,
    'ten times the rows need no more memory',
    async (place) => {
      const peak = async (rows: number, tries = 0): Promise<number> => {
        const folder = join(place.folder, `${rows}-${tries}`);
        await mkdir(folder);
        const { report } = await child(place.at(folder), 'many', rows);
        strictEqual(report?.status, 'succeeded');
        return report.peakBytes;
      };
      const few = await peak(memoryRows);
      // What else the machine does delays the collector, so one try says little; rows that are kept are there in each.
      let many = Infinity;
      for (let tries = 0; tries < 3 && many > 1.2 * few; tries++)
        many = Math.min(many, await peak(10 * memoryRows, tries));
      ok(many <= 1.2 * few, `peak memory grew from ${few} to ${many} bytes`);
    },
  ],
  [
    29,
    'an error at any step, or of anything around, leaves earlier commits intact, and the next run heals',
    async (place) => {
      for (let number = 1, passed = true; passed; number++) {
        const here = await subplace(place, String(number));
        passed = await failAt(here, number);
        if (passed) await requireWholeSteps(here);
        await requireClean(here);
      }
      for (const fault of place.options.faults ?? []) {
        const here = await subplace(place, `fault ${fault.name}`);
        const heal = await fault.begin(here.folder);
        try {
          await requireTypedError(here, fault.name);
        } finally {
          await heal();
        }
        await requireWholeSteps(here);
        await requireClean(here);
      }
    },
  ],
];

/** Runs with an error at the given failpoint; false when there are not so many. */
async function failAt(place: Place, number: number): Promise<boolean> {
  const fault = new Error('an injected fault');
  let passed = 0;
  const end = onFailpoint(() => {
    if (++passed === number) throw fault;
  });
  try {
    const report = await run(workload(place.destination(), 2));
    ok(passed < number || report.status === 'failed', `the error at failpoint ${number} was swallowed`);
  } catch (error) {
    ok(error === fault || isPlumbingError(error), `at failpoint ${number}: ${String(error)}`);
  } finally {
    end();
  }
  return passed >= number;
}

async function requireTypedError(place: Place, name: string): Promise<void> {
  const codes: string[] = [];
  try {
    const report = await run(workload(place.destination(), 2));
    codes.push(...report.streams.flatMap(({ error }) => (error ? [error.code] : [])));
  } catch (error) {
    codes.push(isPlumbingError(error) ? error.code : String(error));
  }
  ok(codes.length > 0, `with the fault "${name}" the run succeeded`);
  for (const code of codes) ok(/^(DEST|COMMIT)_/.test(code), `with the fault "${name}": ${code}`);
}
