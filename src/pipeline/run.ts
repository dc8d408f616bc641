/** One run of a pipeline, from plan to report. */
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import { failpoint } from '../failpoints/index.ts';
import { getLogger, redact, redactError } from '../logging/index.ts';
import { createLoadId, dayIn, tableOf, takesWholeSets, toTimestamp } from '../model/index.ts';
import type { CheckResult, Load, Session, Stream } from '../model/index.ts';
import { requireCommitted } from './commit.ts';
import { definePipeline, selectStreams } from './define.ts';
import type { Pipeline, RunOptions, WorkItem } from './define.ts';
import type { ReportedError, RunReport, StreamReport } from './report.ts';
import { StreamLoad } from './stream-load.ts';
import type { RunContext } from './stream-load.ts';

const log = getLogger('pipeline');

/**
 * Runs a pipeline once: reads each stream from its cursor, and commits rows, cursors and run record together.
 *
 * A stream that fails does not stop the others; its error is in the report, and `status` is `failed`. With checks, all
 * rows are staged and become visible at once when every check holds; else nothing is published and `status` is
 * `checks_failed`. A run that was killed at any moment is made good by the next one.
 *
 * @returns the report; also when streams failed.
 * @throws PlumbingError when the run could not start or its outcome could not be stored (`CONFIG_INVALID`, `SCHEMA_*`,
 * `DEST_*`, `STATE_CORRUPT`, `COMMIT_UNKNOWN`, ...); `signal.reason` when aborted (committed progress stays).
 *
 * @example
 * ```ts
 * const report = await run({ source: comdirect(), destination: sqlite('comdirect.db') });
 * for (const stream of report.streams) console.log(stream.stream, stream.inserted);
 * ```
 */
export async function run(pipeline: Pipeline, options: RunOptions = {}): Promise<RunReport> {
  definePipeline(pipeline);
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  try {
    const session = await pipeline.destination.open({ signal });
    failpoint('run.opened');
    try {
      return await new Run(pipeline, options, signal, session).execute();
    } finally {
      await session.close();
    }
  } finally {
    await pipeline.source.close?.();
  }
}

/**
 * Lists the parts of a run: one item for each stream and partition, plain JSON. Run them anywhere, in any order, with
 * `run(pipeline, { work: [item] })`; each part has its own cursor and commits on its own. Parts of a `delete-insert` stream must
 * not share a scope: what one part writes, the next one would delete. Streams of which each read takes the place of all rows
 * can't be split (`CONFIG_INVALID`).
 */
export async function planRun(pipeline: Pipeline, options: RunOptions = {}): Promise<readonly WorkItem[]> {
  const signal = options.signal ?? new AbortController().signal;
  const now = options.now ?? (() => new Date());
  const items: WorkItem[] = [];
  try {
    for (const stream of selectStreams(pipeline)) {
      if (!stream.partitions) items.push({ stream: stream.name, partition: { key: '' } });
      else {
        for await (const partition of await stream.partitions({ signal, now })) {
          items.push({ stream: stream.name, partition });
        }
      }
    }
  } finally {
    await pipeline.source.close?.();
  }
  return items;
}

class Run {
  readonly #pipeline: Pipeline;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  readonly #session: Session;
  readonly #now: () => Date;
  readonly #startedAt: Date;
  readonly #loadId: string;
  readonly #startedMs = performance.now();

  constructor(pipeline: Pipeline, options: RunOptions, signal: AbortSignal, session: Session) {
    this.#pipeline = pipeline;
    this.#options = options;
    this.#signal = signal;
    this.#session = session;
    this.#now = options.now ?? (() => new Date());
    this.#startedAt = this.#now();
    this.#loadId = createLoadId(this.#startedAt);
  }

  async execute(): Promise<RunReport> {
    const streams = this.#streams();
    const day = dayIn(this.#pipeline.source.timeZone ?? 'UTC', this.#startedAt);
    const load = await this.#session.begin({
      loadId: this.#loadId,
      pipeline: this.#name,
      startedAt: toTimestamp(this.#startedAt) as string,
      day,
      tables: streams.map(tableOf),
      staged: this.#isStaged,
      signal: this.#signal,
    });
    failpoint('run.begun');
    try {
      // Read after the load has its turn: an earlier run may have moved the cursors while this one waited.
      const state = await this.#session.readState(this.#name);
      const context: RunContext = {
        pipeline: this.#pipeline,
        load,
        isStaged: this.#isStaged,
        state,
        signal: this.#signal,
        now: this.#now,
        startedAt: this.#startedAt,
        day,
        options: this.#options,
      };
      const loads = streams.map((stream) => new StreamLoad(context, stream));
      const reports = await this.#loadStreams(context, loads);
      return await this.#publish(load, loads, reports);
    } catch (error) {
      await load.abort(messageOf(error));
      throw error;
    }
  }

  get #name(): string {
    return this.#pipeline.name ?? this.#pipeline.source.name;
  }

  get #isStaged(): boolean {
    return this.#pipeline.staged === true || (this.#pipeline.checks?.length ?? 0) > 0;
  }

  #streams(): readonly Stream[] {
    const { work } = this.#options;
    const selected = selectStreams(this.#pipeline);
    if (!work) return selected;
    const chosen = selected.filter((stream) => work.some((item) => item.stream === stream.name));
    for (const stream of chosen) {
      const { name, write } = stream;
      if (stream.partitions && takesWholeSets(write))
        throw new PlumbingError(
          'CONFIG_INVALID',
          `stream "${name}": what is read takes the place of all rows, so its parts can't be loaded one at a time; run it whole`,
        );
    }
    return chosen;
  }

  async #loadStreams(context: RunContext, loads: readonly StreamLoad[]): Promise<StreamReport[]> {
    const reports: StreamReport[] = [];
    let stop: unknown;
    for (const loading of loads) {
      const { stream } = loading;
      const startedMs = performance.now();
      const finish = (status: StreamReport['status'], error?: unknown): void => {
        const report = loading.report(status, Math.round(performance.now() - startedMs));
        reports.push(error === undefined ? report : { ...report, error: reportError(error) });
        this.#options.onProgress?.({ type: 'stream_finished', report: reports.at(-1) as StreamReport });
      };
      if (stop !== undefined) {
        await context.load.discardTable(stream.name);
        finish('skipped', stop);
        continue;
      }
      this.#options.onProgress?.({ type: 'stream_started', stream: stream.name });
      try {
        await loading.run();
        finish('succeeded');
      } catch (error) {
        if (this.#signal.aborted) throw this.#signal.reason;
        // Of one that nobody has foreseen the stack tells where it comes from.
        log.error('stream {stream} failed: {error}', {
          stream: stream.name,
          error: isPlumbingError(error) ? messageOf(error) : redactError(error),
        });
        await loading.keepProgress(error);
        finish('failed', error);
        if (endsTheRun(error)) stop = error;
      }
    }
    return reports;
  }

  async #publish(
    load: Load,
    loads: readonly StreamLoad[],
    streams: readonly StreamReport[],
  ): Promise<RunReport> {
    const checks = this.#pipeline.checks ?? [];
    failpoint('run.loaded');
    this.#signal.throwIfAborted();
    const results = checks.length > 0 ? await load.audit(checks) : [];
    failpoint('run.audited');
    this.#signal.throwIfAborted();
    if (results.some((result) => !result.passed)) {
      const { staged } = await load.abort('checks failed', { keepStaged: true });
      return this.#report('checks_failed', streams, results, staged);
    }
    requireCommitted(await load.publish(), this.#name);
    failpoint('run.published');
    const failed = streams.some((stream) => stream.status !== 'succeeded');
    for (const each of loads) each.published();
    // Only publishing gives a staged load its final counts and cursors.
    const counted = streams.map((stream, i) => ({
      ...stream,
      ...load.counts(stream.stream),
      cursors: (loads[i] as StreamLoad).cursors,
    }));
    return this.#report(failed ? 'failed' : 'succeeded', counted, results, []);
  }

  #report(
    status: RunReport['status'],
    streams: readonly StreamReport[],
    checks: readonly CheckResult[],
    staged: readonly string[],
  ): RunReport {
    const { destination } = this.#pipeline;
    return {
      loadId: this.#loadId,
      pipeline: this.#name,
      destination: `${destination.name}:${destination.location}`,
      status,
      startedAt: this.#startedAt.toISOString(),
      finishedAt: this.#now().toISOString(),
      durationMs: Math.round(performance.now() - this.#startedMs),
      streams,
      checks,
      staged,
    };
  }
}

/** Errors after which other streams must not even try: they would ask the same account again, or write in vain. */
function endsTheRun(error: unknown): boolean {
  return error instanceof PlumbingError && /^(AUTH_|TOKEN_STORE_|DEST_|COMMIT_|CONFIG_)/.test(error.code);
}

/** Redacted: a source of somebody else may quote what it sent. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return redact(String(error));
  // What fetch throws says nothing by itself.
  const cause = !isPlumbingError(error) && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return redact(error.message + cause);
}

function reportError(error: unknown): ReportedError {
  return isPlumbingError(error)
    ? { code: error.code, message: messageOf(error), retryable: error.retryable }
    : { code: 'UNEXPECTED', message: messageOf(error), retryable: false };
}
