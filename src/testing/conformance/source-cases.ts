/** The source conformance suite: what every source must do, whatever its vendor. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { inspect } from 'node:util';
import { isPlumbingError } from '../../errors/index.ts';
import { tableOf } from '../../model/index.ts';
import type { RowObject, Source } from '../../model/index.ts';
import { planRun, run } from '../../pipeline/index.ts';
import type { Pipeline, RunOptions, RunReport, WorkItem } from '../../pipeline/index.ts';
import { atFreshPlace } from './harness.ts';
import type { ConformanceCase, MakeDestination, Place } from './harness.ts';

/** A fault of the vendor. */
export interface SourceFault {
  readonly name: string;
  /** Brings it about; the function that is returned ends it. */
  begin(): (() => void) | Promise<() => void>;
  /** Codes of which one must be in the report. Default: any code of an error that was thrown on purpose. */
  readonly codes?: readonly string[];
  /** The source is expected to get over it by itself, so the run must succeed. */
  readonly isOvercome?: boolean;
}

/** A source under test. */
export interface SourceUnderTest {
  /** Makes the source. Called anew for each run; what the vendor has must stay the same between runs. */
  makeSource(): Source | Promise<Source>;
  /** Where rows are kept meanwhile, e.g. `(folder) => sqlite(join(folder, 'test.db'))`. */
  readonly makeDestination: MakeDestination;
  readonly faults?: readonly SourceFault[];
  /** Texts that must not appear in a report, an error or a stored cursor. */
  readonly secrets?: readonly string[];
}

/** The longest that a run may go on after it was aborted. */
const abortMs = 1_000;

/** One source at one place. */
class Trial {
  readonly #target: SourceUnderTest;
  readonly #place: Place;

  constructor(target: SourceUnderTest, place: Place) {
    this.#target = target;
    this.#place = place;
  }

  source(): Source | Promise<Source> {
    return this.#target.makeSource();
  }

  async run(more: Partial<Pipeline> = {}, options: RunOptions = {}): Promise<RunReport> {
    const source = await this.source();
    const destination = this.#place.destination();
    const report = await run({ name: 'conformance', source, destination, ...more }, options);
    this.requireNoSecret(report);
    this.requireNoSecret(await this.#place.state());
    return report;
  }

  async plan(): Promise<readonly WorkItem[]> {
    return planRun({ source: await this.source(), destination: this.#place.destination() });
  }

  /** All rows, by stream. */
  async rows(): Promise<Record<string, RowObject[]>> {
    const found: Record<string, RowObject[]> = {};
    for (const { name } of (await this.source()).streams) found[name] = await this.#place.rows(name);
    return found;
  }

  requireNoSecret(given: unknown): void {
    const text = `${JSON.stringify(given)} ${inspect(given, { depth: 10 })}`;
    for (const secret of this.#target.secrets ?? []) {
      ok(!text.includes(secret), 'a secret appears in a report, an error or a cursor');
    }
  }
}

type Case = readonly [
  title: string,
  run: (trial: Trial, target: SourceUnderTest, place: Place) => Promise<void>,
];

function requireSuccess(report: RunReport): void {
  const errors = report.streams.flatMap(({ stream, error }) =>
    error ? [`${stream}: ${error.message}`] : [],
  );
  deepStrictEqual(errors, []);
}

const cases: readonly Case[] = [
  [
    'every stream gives a table, and says how it is written',
    async (trial) => {
      const { streams } = await trial.source();
      ok(streams.length > 0, 'the source has no stream');
      for (const stream of streams) ok(tableOf(stream).name !== '');
    },
  ],
  [
    'every row fits its stream: none is quarantined, no field is unknown',
    async (trial) => {
      const report = await trial.run();
      requireSuccess(report);
      for (const { stream, quarantined, read, schemaChanges } of report.streams) {
        strictEqual(quarantined, 0, `stream "${stream}" quarantined rows`);
        ok(read > 0, `stream "${stream}" gave no row, so nothing is proven of it`);
        deepStrictEqual(schemaChanges, []);
      }
    },
  ],
  [
    'run again, it adds nothing and changes nothing',
    async (trial) => {
      requireSuccess(await trial.run());
      const before = await trial.rows();
      for (let i = 0; i < 2; i++) requireSuccess(await trial.run());
      deepStrictEqual(await trial.rows(), before);
    },
  ],
  [
    'a full refresh gives what the first run gave',
    async (trial) => {
      requireSuccess(await trial.run());
      const before = await trial.rows();
      requireSuccess(await trial.run({ fullRefresh: true }));
      deepStrictEqual(await trial.rows(), before);
    },
  ],
  [
    'its parts, sent as JSON and read in another order, give what a whole run gives',
    async (trial, target, place) => {
      const items = JSON.parse(JSON.stringify(await trial.plan())) as WorkItem[];
      const keys = items.map(({ stream, partition }) => `${stream}\n${partition.key}`);
      strictEqual(new Set(keys).size, keys.length, 'two partitions of a stream have one key');
      for (const item of items.toReversed()) requireSuccess(await trial.run({}, { work: [item] }));
      await atFreshPlace(target.makeDestination, place.options, async (other) => {
        const whole = new Trial(target, other);
        requireSuccess(await whole.run());
        deepStrictEqual(await trial.rows(), await whole.rows());
      });
    },
  ],
  [
    'aborted at any batch, it ends at once with the reason, and the next run completes it',
    async (trial, target, place) => {
      requireSuccess(await trial.run());
      const expected = await trial.rows();
      const tryAt = async (number: number): Promise<boolean> => {
        let wasAborted = false;
        await atFreshPlace(target.makeDestination, place.options, async (other) => {
          const here = new Trial(target, other);
          wasAborted = await abortAt(here, number);
          requireSuccess(await here.run());
          deepStrictEqual(await here.rows(), expected);
        });
        return wasAborted;
      };
      let number = 1;
      while (await tryAt(number)) number++;
      ok(number > 1, 'the source gave no batch');
    },
  ],
  [
    'every fault of the vendor is a typed error or is overcome, and the next run completes it',
    async (trial, target, place) => {
      requireSuccess(await trial.run());
      const expected = await trial.rows();
      for (const fault of target.faults ?? []) {
        await atFreshPlace(target.makeDestination, place.options, async (other) => {
          const here = new Trial(target, other);
          const end = await fault.begin();
          try {
            await requireFaultNamed(here, fault);
          } finally {
            end();
          }
          requireSuccess(await here.run());
          deepStrictEqual(await here.rows(), expected, fault.name);
        });
      }
    },
  ],
];

/** Aborts at the n-th batch; false when there are not so many. */
async function abortAt(trial: Trial, number: number): Promise<boolean> {
  const reason = new Error('the test aborts the run');
  const controller = new AbortController();
  let batches = 0;
  let abortedAtMs = 0;
  const running = trial.run(
    {},
    {
      signal: controller.signal,
      onProgress({ type }) {
        if (type !== 'batch' || ++batches !== number) return;
        abortedAtMs = performance.now();
        controller.abort(reason);
      },
    },
  );
  // A run whose last batch it was may have ended before it looked at the signal again.
  await running.catch((error: unknown) => strictEqual(error, reason));
  if (batches < number) return false;
  const tookMs = performance.now() - abortedAtMs;
  ok(tookMs < abortMs, `aborted at batch ${number}, the run went on for ${Math.round(tookMs)} ms`);
  return true;
}

async function requireFaultNamed(trial: Trial, fault: SourceFault): Promise<void> {
  const codes: string[] = [];
  try {
    const report = await trial.run();
    codes.push(...report.streams.flatMap(({ error }) => (error ? [error.code] : [])));
  } catch (error) {
    trial.requireNoSecret(error);
    codes.push(isPlumbingError(error) ? error.code : 'UNEXPECTED');
  }
  if (fault.isOvercome) deepStrictEqual(codes, [], fault.name);
  else ok(codes.length > 0, `${fault.name}: the run succeeded, as if nothing had happened`);
  ok(!codes.includes('UNEXPECTED'), `${fault.name}: an error that nobody typed`);
  if (fault.codes)
    ok(
      codes.some((code) => fault.codes?.includes(code)),
      `${fault.name}: ${codes.join(', ')}`,
    );
}

/**
 * The cases for a source, for any test runner: rows fit their streams, runs repeat without change, parts give the whole,
 * aborts and faults lose nothing, secrets stay in. Compares rows value by value.
 *
 * @example
 * ```ts
 * const target = { makeSource: () => mySource({ baseUrl: server.url }), makeDestination: (folder) => sqlite(`${folder}/t.db`) };
 * for (const { id, title, run } of sourceConformance(target)) test(`${id}: ${title}`, run, 60_000);
 * ```
 */
export function sourceConformance(target: SourceUnderTest): readonly ConformanceCase[] {
  return cases.map(([title, runCase], index) => ({
    id: index + 1,
    title,
    run: () =>
      atFreshPlace(target.makeDestination, {}, (place) => runCase(new Trial(target, place), target, place)),
  }));
}
