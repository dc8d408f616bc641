/** What a run says of itself. */
import type { CheckResult, JsonValue, TableCounts } from '../model/index.ts';
import type { ErrorCode } from '../errors/index.ts';

/** The result of a run: plain JSON, but for cursors above 2^53, which are bigints: `stringifyJson` writes it exactly. */
export interface RunReport {
  readonly loadId: string;
  readonly pipeline: string;
  /** Where the rows went, e.g. `sqlite:comdirect.db`. */
  readonly destination: string;
  /**
   * `succeeded`: all streams are stored and all checks hold. `failed`: at least one stream failed; the progress of the
   * others, and what the failed one had committed, stays. `checks_failed`: nothing was published.
   */
  readonly status: 'succeeded' | 'failed' | 'checks_failed';
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly durationMs: number;
  /** In the order in which they ran. */
  readonly streams: readonly StreamReport[];
  readonly checks: readonly CheckResult[];
  /** Where staged rows of a load with failed checks can be looked at. */
  readonly staged: readonly string[];
}

/** What became of one stream. */
export interface StreamReport extends TableCounts {
  readonly stream: string;
  readonly status: 'succeeded' | 'failed' | 'skipped';
  /** Rows that the source gave. */
  readonly read: number;
  /** Of these, the ones that did not fit. They are in quarantine, unless the load was not published. */
  readonly rejected: number;
  /** Batches that the source gave; for paged sources: pages. */
  readonly batches: number;
  readonly partitions: number;
  /** Columns that were added or widened in this run, e.g. `note: string`. */
  readonly schemaChanges: readonly string[];
  /** The cursors that are stored after the run, by partition. A stream without partitions has the one key `''`. */
  readonly cursors: Readonly<Record<string, JsonValue>>;
  readonly durationMs: number;
  readonly error?: ReportedError;
}

/** An error in a report, without stack and secrets. */
export interface ReportedError {
  readonly code: ErrorCode | 'UNEXPECTED';
  readonly message: string;
  readonly retryable: boolean;
}

/** Told while a run goes on; never more than once a batch. */
export type ProgressEvent =
  | { readonly type: 'stream_started'; readonly stream: string }
  | {
      readonly type: 'batch';
      readonly stream: string;
      readonly partition: string;
      /** Rows of the stream read so far in this run. */
      readonly rows: number;
      readonly batches: number;
    }
  | { readonly type: 'committed'; readonly stream: string }
  | { readonly type: 'stream_finished'; readonly report: StreamReport };
