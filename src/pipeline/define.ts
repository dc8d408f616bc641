/** The parts of a pipeline, put together. */
import { PlumbingError } from '../errors/index.ts';
import type { Check, Destination, JsonValue, Source, Stream } from '../model/index.ts';
import type { ProgressEvent } from './report.ts';

/** When rows and cursors are committed. Whichever comes first. */
export interface CheckpointOptions {
  /** Default: the destination's, else 10,000. Also bounds the rows held in memory. */
  readonly rows?: number | undefined;
  /** Default: the destination's, else 5,000. */
  readonly intervalMs?: number | undefined;
}

/** A source, a destination, and what lies between. */
export interface Pipeline {
  /** Under this name state and run records are kept. Default: the source's name. */
  readonly name?: string | undefined;
  readonly source: Source;
  readonly destination: Destination;
  /** Names of streams to load. Default: all. */
  readonly streams?: readonly string[] | undefined;
  /** With checks the load is staged: all of it becomes visible at once, and only if every check holds. */
  readonly checks?: readonly Check[] | undefined;
  /** `true` stages the load even without checks. */
  readonly staged?: boolean | undefined;
  readonly checkpoint?: CheckpointOptions | undefined;
  /**
   * How many rows of a stream may not fit in one run. With more the stream fails (`ROW_INVALID`); what was rejected so far
   * stays in quarantine, unless the load is staged. Default: no limit; rows that do not fit are only counted and warned of.
   */
  readonly maxRejected?: number | undefined;
  /** Where a stream begins that has no cursor yet, e.g. a date. */
  readonly since?: JsonValue | undefined;
  /** Ignores stored cursors and reads everything again (from `since`, when given). */
  readonly fullRefresh?: boolean | undefined;
}

/** Options of one run. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** The clock. Default: the real one. */
  readonly now?: (() => Date) | undefined;
  /** Load only these parts, as `planRun` lists them: one stream's partition each. */
  readonly work?: readonly WorkItem[] | undefined;
}

/** One part of a run: a partition of a stream. Plain JSON, so that an orchestrator can carry it anywhere. */
export interface WorkItem {
  readonly stream: string;
  readonly partition: { readonly key: string; readonly params?: { readonly [name: string]: JsonValue } };
}

/**
 * Puts a pipeline together, for `run` or for `plumbing run my-pipeline.ts` (as the file's default export).
 *
 * @throws PlumbingError `CONFIG_INVALID` when a stream or a check's table is not one of the source's, or a number is out of range.
 *
 * @example
 * ```ts
 * export default definePipeline({
 *   source: comdirect(),
 *   destination: sqlite('comdirect.db'),
 *   checks: [noNulls('account_transactions__booked', 'amount__value')],
 * });
 * ```
 */
export function definePipeline(pipeline: Pipeline): Pipeline {
  const { checkpoint = {}, maxRejected = 0 } = pipeline;
  requireAtLeast(1, { 'checkpoint.rows': checkpoint.rows });
  requireAtLeast(0, { 'checkpoint.intervalMs': checkpoint.intervalMs, maxRejected });
  const selected = selectStreams(pipeline);
  for (const check of pipeline.checks ?? []) {
    if (!selected.some((stream) => stream.name === check.table)) {
      throw new PlumbingError(
        'CONFIG_INVALID',
        `check "${check.name}": the run loads no table "${check.table}"; it loads ${namesOf(selected)}`,
      );
    }
  }
  return pipeline;
}

function requireAtLeast(least: number, values: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || (typeof value === 'number' && value >= least)) continue;
    throw new PlumbingError('CONFIG_INVALID', `${name}: expected a number, ${least} or more`);
  }
}

/** The streams that a pipeline loads. */
export function selectStreams(pipeline: Pipeline): readonly Stream[] {
  const { source, streams } = pipeline;
  if (!streams) return source.streams;
  return streams.map((name) => {
    const stream = source.streams.find((candidate) => candidate.name === name);
    if (stream) return stream;
    throw new PlumbingError(
      'CONFIG_INVALID',
      `source "${source.name}" has no stream "${name}"; it has ${namesOf(source.streams)}`,
    );
  });
}

function namesOf(streams: readonly Stream[]): string {
  return streams.map((stream) => stream.name).join(', ');
}
