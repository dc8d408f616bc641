/** The destination port: the same for every store. */
import type { Check, CheckResult } from './check.ts';
import type { PipelineState, StateEntry } from './state.ts';
import type { Column, TableDefinition } from './table.ts';
import type { JsonObject, Row, Value } from './value.ts';

/** A place where rows land. Made by a factory such as `sqlite('file.db')`. */
export interface Destination {
  /** Kind, e.g. `sqlite`. */
  readonly name: string;
  /** Where it is, fit for a log line. */
  readonly location: string;
  /** How often a pipeline should commit that does not say otherwise. Default: after 10,000 rows or 5 seconds. */
  readonly checkpoint?: { readonly rows?: number; readonly intervalMs?: number };
  /** Connects. `DEST_BUSY`, `DEST_CORRUPT`, `DEST_FOREIGN`, `DEST_READ_ONLY`, ... when that is impossible. */
  open(options?: OpenOptions): Promise<Session>;
}

/** Options of {@link Destination.open}. */
export interface OpenOptions {
  /** Only read: nothing is created or changed, and no lock is taken. */
  readonly readOnly?: boolean;
  readonly signal?: AbortSignal;
}

/** An open connection to a destination. */
export interface Session {
  /** The stored state of a pipeline; empty when it never ran. */
  readState(pipeline: string): Promise<PipelineState>;
  /** Starts a load: waits for its turn, creates the tables that are missing, widens what the definitions ask for. */
  begin(info: LoadInfo): Promise<Load>;
  /** Reads what is committed. */
  readonly reader: Reader;
  /**
   * Takes back a load that has ended: rows and cursors are what they were before it, in one commit. Waits for its turn as
   * `begin` does. `UNDO_REFUSED` when a later load has touched the same rows or cursors, or when nothing is known of how they were;
   * then nothing is changed. Absent where a destination can not do it.
   */
  undo?(loadId: string, signal: AbortSignal): Promise<UndoReport>;
  /** Ends the session. A load that is still open is aborted. */
  close(): Promise<void>;
}

/** What a load is told at its start. */
export interface LoadInfo {
  /** UUIDv7. */
  readonly loadId: string;
  readonly pipeline: string;
  /** ISO 8601 UTC; stored in `_inserted_at_ts`. */
  readonly startedAt: string;
  /** `YYYY-MM-DD` in the source's time zone; stored in `_inserted_at_day`. */
  readonly day: string;
  /** The tables as the streams declare them. */
  readonly tables: readonly TableDefinition[];
  /**
   * `true`: write-audit-publish. All rows are staged, and state, run record and rows become visible together in `publish`.
   * `false`: each checkpoint is visible at once, but for modes that swap whole sets (see `isStagedMode`), which are
   * visible when `finishTable` returns.
   */
  readonly staged: boolean;
  readonly signal: AbortSignal;
}

/**
 * One run's unit of work. Calls come one after another, never at the same time.
 *
 * Order: (`evolve` | `write` | `quarantine` | `checkpoint`)* for each table, then `finishTable` or `discardTable`,
 * at last `audit`, `publish`; or `abort` at any moment.
 */
export interface Load {
  /** The table as it is now: stored columns and declared ones. Rows for `write` follow this order. */
  table(name: string): TableDefinition;
  /** Adds columns at the end, or widens types (a column of the same name). Takes effect with the next commit. `SCHEMA_DRIFT` when a change would lose digits. */
  evolve(table: string, columns: readonly Column[]): Promise<TableDefinition>;
  /**
   * Takes rows, in the order of `table(name).columns`. Not visible before a commit.
   *
   * @throws MisfitError for rows that the store can't hold exactly. Then none of `rows` was taken: a pipeline sets those rows aside
   * and writes the others.
   */
  write(table: string, rows: readonly Row[], scopes?: readonly JsonObject[]): Promise<void>;
  /**
   * Takes the rows of a file as if they had been written, where the store can read the file by itself; gives their number.
   * `undefined`: nothing was taken, the rows have to be written one by one. `look` reads the file's first line.
   */
  writeFile?(table: string, look: () => Promise<RowFile | undefined>): Promise<number | undefined>;
  /** Takes rows that do not fit. Committed with the next commit. An `scd2` table then closes no absent keys in this load. */
  quarantine(table: string, rows: readonly QuarantinedRow[]): Promise<void>;
  /** Takes rows out of the quarantine, with the next commit: the one that stores them in their table. */
  releaseQuarantine(table: string, ids: readonly number[]): Promise<void>;
  /** Commits all that was taken, with the state that goes with it, in one transaction. Nothing in `state` is cleared by being absent. */
  checkpoint(state: readonly StateEntry[]): Promise<Commit>;
  /** The table's rows are complete: swaps them in (unless the whole load is staged), together with `state`. */
  finishTable(table: string, state: readonly StateEntry[]): Promise<Commit>;
  /** Drops what was taken for this table since its last commit, or all of it in a staged load. */
  discardTable(table: string): Promise<void>;
  /**
   * Runs checks on the tables as they will be after `publish`, in a staged load; else as they are.
   * Every check is run; nothing is published by it.
   */
  audit(checks: readonly Check[]): Promise<readonly CheckResult[]>;
  /** Makes a staged load visible, and closes the run record. */
  publish(): Promise<Commit>;
  /** Ends the load without publishing; committed checkpoints stay. Staged rows stay for inspection when `keepStaged`. */
  abort(reason: string, options?: { readonly keepStaged?: boolean }): Promise<AbortResult>;
  /** What was done to a table so far, by commits. */
  counts(table: string): TableCounts;
}

/** A file of rows whose first line fits. */
export interface RowFile {
  readonly path: string;
  /** The fields of the first line. */
  readonly fields: readonly RowFileField[];
  /**
   * Reads the file: the number of its lines when it is UTF-8 and each of them is a JSON object with no other fields, in which every
   * value is null or a form that has but one reading as a value of the column's type; `undefined` when a line may not be, and
   * the file must not be taken. `SOURCE_FAILED` as {@link requireUnchanged}.
   */
  readonly countFitting: (signal: AbortSignal) => Promise<number | undefined>;
  /** Throws `SOURCE_FAILED` when the file is no longer the one that was looked at. */
  readonly requireUnchanged: () => void;
}

/** A field of the lines of a {@link RowFile}. */
export interface RowFileField {
  readonly key: string;
  /** Index in `table(name).columns`. */
  readonly column: number;
  /** A line may lack the field, or have null in it. */
  readonly nullable: boolean;
}

/** What {@link Session.undo} did. */
export interface UndoReport {
  readonly loadId: string;
  readonly pipeline: string;
  readonly tables: readonly UndoneTable[];
  /** The cursors that the load had moved, as they are again; without one the partition is read from its beginning. */
  readonly state: readonly StateEntry[];
}

/** A table from which a load was taken back. */
export interface UndoneTable {
  readonly table: string;
  /** Rows that the load had added. */
  readonly removed: number;
  /** Rows that the load had changed or deleted. */
  readonly restored: number;
}

/** What {@link Load.abort} left behind. */
export interface AbortResult {
  /** Names under which staged rows can be looked at, e.g. a table or a branch. */
  readonly staged: readonly string[];
}

/** Rows of a table, counted by what became of them. */
export interface TableCounts {
  readonly inserted: number;
  readonly updated: number;
  /** Present already, with equal values. */
  readonly unchanged: number;
  readonly deleted: number;
  readonly quarantined: number;
}

/** A row that did not fit. */
export interface QuarantinedRow {
  /** Position in the stream's read, from 0. */
  readonly index: number;
  /** Why, e.g. `amount.value: expected a decimal`. Without the row's data. */
  readonly reason: string;
  /** The row as the source gave it. */
  readonly raw: unknown;
}

/**
 * A row in quarantine. `raw` is what the source gave, parsed back without loss; a `Date` is its ISO text. A row with values
 * that JSON does not have (NaN, bytes, a `Map`) is a list of that one row, with `{ $unstorable: … }` in their places, and
 * is not replayed.
 */
export interface StoredQuarantinedRow extends QuarantinedRow {
  readonly id: number;
  readonly loadId: string;
  /** ISO 8601 UTC. */
  readonly quarantinedAt: string;
  /**
   * Its key as the source gave it: the text of each part, together a JSON array. Absent where a part is no plain value, and where the
   * store does not watch for keys.
   */
  readonly key?: string;
  /** A later load has taken a row of this key, whether or not it changed the table. */
  readonly isSuperseded?: boolean;
}

/** How a commit ended. `unknown` is a third outcome: it may have happened, and must be looked up, not repeated. */
export interface Commit {
  readonly outcome: 'committed' | 'conflict' | 'unknown';
}

/** A condition on one column, joined to others by AND. */
export interface Condition<Name extends string = string> {
  readonly column: Name;
  readonly op: '=' | '!=' | '<' | '<=' | '>' | '>=' | 'is null' | 'is not null';
  readonly value?: Value;
}

/** What {@link Reader.readRows} selects. */
export interface RowQuery {
  /** Default: all, bookkeeping ones included. */
  readonly columns?: readonly string[];
  readonly where?: readonly Condition[];
  /** Column names; a leading `-` sorts descending. */
  readonly orderBy?: readonly string[];
  readonly limit?: number;
}

/** A row as it is read: an object by column name. */
export type RowObject = Record<string, Value>;

/** Reads committed rows. */
export interface Reader {
  /** Names of the tables that hold rows of streams. */
  tables(): Promise<readonly string[]>;
  /** Columns of a table, bookkeeping ones included; `undefined` when there is no such table. */
  columns(table: string): Promise<readonly Column[] | undefined>;
  /** Streams rows with their exact logical values, from one consistent snapshot. */
  readRows(table: string, query?: RowQuery): AsyncIterable<RowObject>;
  /** The largest value of a column, `null` for an empty table or column. */
  getMax(table: string, column: string): Promise<Value>;
  /** Rows of a table that wait in quarantine, in the order in which sources gave them last: oldest first. */
  quarantined(table: string): AsyncIterable<StoredQuarantinedRow>;
  /** Runs, cursors, counts. */
  status(): Promise<DestinationStatus>;
}

/** What `plumbing status` shows. */
export interface DestinationStatus {
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly quarantined: number }[];
  readonly state: readonly (StateEntry & { readonly pipeline: string; readonly updatedAt: string })[];
  /** Latest first, at most 20. */
  readonly loads: readonly LoadRecord[];
}

/** The record of one run. */
export interface LoadRecord {
  readonly loadId: string;
  readonly pipeline: string;
  /** `running` also stands for a run that was killed. */
  readonly status: 'running' | 'succeeded' | 'failed' | 'checks_failed' | 'undone';
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly counts: Readonly<Record<string, TableCounts>>;
  readonly error: string | null;
}
