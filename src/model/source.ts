/** Sources and their streams: what a connector offers to a pipeline. */
import type { z } from 'zod';
import type { DriftPolicy, WriteMode } from './table.ts';
import type { JsonObject, JsonValue } from './value.ts';

/** A part of a stream that is read on its own and has a cursor of its own. Plain JSON, so that it can travel. */
export interface Partition {
  /** Unique in its stream and stable over runs. Stored; must not be a secret. */
  readonly key: string;
  /** What `read` needs to know. */
  readonly params?: JsonObject;
}

/** What `partitions` is given. */
export interface PlanContext {
  readonly signal: AbortSignal;
  /** The time of the run. */
  readonly now: () => Date;
}

/** What `read` is given. */
export interface ReadContext<From extends JsonValue = JsonValue> extends PlanContext {
  /** The partition to read, for a stream that has partitions. */
  readonly partition?: Partition;
  /**
   * Where to begin, inclusive: the stored cursor less the stream's lookback, or the date the user gave for a first run.
   * Absent: from the very beginning.
   *
   * In a stream with a schema it has the type of the cursor's column. Where the source gives cursors of another kind in
   * {@link Batch.cursor}, tokens for one, say `ReadContext` for the parameter of `read`.
   */
  readonly from?: From;
  /** What the source remembered in `Batch.custom` of an earlier run. */
  readonly custom?: JsonObject;
}

/** Rows with something to say about them. A bare array of rows is a batch as well. */
export interface Batch {
  /** Rows as the vendor sent them. */
  readonly rows: readonly unknown[];
  /**
   * For `delete-insert`: scopes that this read covers completely, by column name. Their old rows are removed even
   * when no new row belongs to them.
   */
  readonly scopes?: readonly JsonObject[];
  /** Everything up to this cursor has been given. For sources that know better than the rows' own cursor field. */
  readonly cursor?: JsonValue;
  /** Remembered with the cursor, and handed back at the next run. */
  readonly custom?: JsonObject;
}

/**
 * Rows that lie in a file, as `jsonLines` of `plumbing-core/sources/json-lines` gives them. A destination that can read such
 * files by itself takes them as they are, as long as every line surely fits the stream's schema.
 */
export interface FileBatch {
  /** The path of a file with one JSON object a line. It must not change before the run ends. */
  readonly jsonLines: string;
  /** The rows of the same file, for everything else. */
  readonly read: () => AsyncIterable<readonly unknown[]>;
}

/** How a stream is read incrementally. */
export interface CursorOptions {
  /** Name of the column that orders the rows in time. */
  readonly column: string;
  /** How far before the cursor the next run begins: days for dates and timestamps, units for numbers. Default 0 (inclusive). */
  readonly lookback?: number;
  /**
   * `ascending`: rows arrive ordered by the cursor, so it may advance at every checkpoint.
   * `unordered` (the default): it advances only when the partition has been read to its end.
   */
  readonly order?: 'ascending' | 'unordered';
}

/** A table-shaped sequence of rows. Made by `defineStream`. */
export interface Stream {
  readonly name: string;
  /** Shape of one row as `read` yields it. Absent: columns are inferred. */
  readonly schema?: z.ZodObject;
  /** Column names. */
  readonly primaryKey?: readonly string[];
  /**
   * For rows without a natural key: a column `_plumbing_row_key` is added, made of a hash of the row and its occurrence
   * number among equal rows of the same partition, and is the primary key.
   */
  readonly rowKey?: 'hash';
  readonly cursor?: CursorOptions;
  readonly write: WriteMode;
  /** Default `evolve`. */
  readonly drift?: DriftPolicy;
  /** Splits the stream. Absent: one part with the key `''`. */
  partitions?(context: PlanContext): Promise<readonly Partition[]> | AsyncIterable<Partition>;
  /** Yields rows as the vendor sends them. Not asked for the next batch before the writer has taken this one. */
  read(context: ReadContext): AsyncIterable<Batch | FileBatch | readonly unknown[]>;
}

/** A connector. Made by `defineSource`. */
export interface Source {
  readonly name: string;
  readonly streams: readonly Stream[];
  /** IANA time zone in which the source's days begin. Default `UTC`. */
  readonly timeZone?: string;
  /** Called once after a run, also after a failed one. */
  close?(): Promise<void>;
}
