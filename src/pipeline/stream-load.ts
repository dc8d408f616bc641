/** Loads one stream: partitions -> batches -> shaped rows -> checkpoints. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PlumbingError } from '../errors/index.ts';
import { failpoint } from '../failpoints/index.ts';
import { getLogger, redact } from '../logging/index.ts';
import { MisfitError, isStagedMode } from '../model/index.ts';
import type {
  Batch,
  Commit,
  FileBatch,
  Load,
  Partition,
  PipelineState,
  QuarantinedRow,
  Row,
  RowFile,
  StateEntry,
  Stream,
} from '../model/index.ts';
import { untilAborted } from '../model/until-aborted.ts';
import { requireCommitted } from './commit.ts';
import type { CursorTracker } from './cursor.ts';
import type { Pipeline, RunOptions } from './define.ts';
import { isFile, requireBatch, requireIterable } from './given.ts';
import { lookAtLines } from './line-file.ts';
import { oneAhead } from './one-ahead.ts';
import type { StreamReport } from './report.ts';
import { RowShaper } from './row-shaper.ts';
import type { ShapedBatch } from './row-shaper.ts';
import { StreamCursors } from './stream-cursors.ts';

const log = getLogger('pipeline');

/** What all streams of a run share. */
export interface RunContext {
  readonly pipeline: Pipeline;
  readonly load: Load;
  /** All of it becomes visible at once, when it is published. */
  readonly isStaged: boolean;
  /** The state at the start of the run. */
  readonly state: PipelineState;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  readonly startedAt: Date;
  /** The day of `startedAt` in the source's time zone. */
  readonly day: string;
  readonly options: RunOptions;
}

const defaults = { rows: 10_000, intervalMs: 5_000 };

/** The load of one stream in one run. */
export class StreamLoad {
  readonly #context: RunContext;
  readonly #stream: Stream;
  readonly #shaper: RowShaper;
  readonly #checkpointRows: number;
  readonly #checkpointMs: number;
  /** Rows may be committed before the stream's end. */
  readonly #direct: boolean;
  readonly #cursors: StreamCursors;
  readonly #schemaChanges = new Map<string, string>();
  /** Taken by the load, but not visible before it is published. */
  readonly #held: StateEntry[] = [];
  #rowsSinceCommit = 0;
  #lastCommitMs = performance.now();
  #batches = 0;
  /** From the begin of a commit to its success: what failed once is not tried again with the same rows. */
  #isCommitting = false;
  #partitions = 0;
  #rejected = 0;

  constructor(context: RunContext, stream: Stream) {
    this.#context = context;
    this.#stream = stream;
    const table = context.load.table(stream.name);
    this.#shaper = new RowShaper(stream, table);
    const { checkpoint, destination } = context.pipeline;
    this.#checkpointRows = checkpoint?.rows ?? destination.checkpoint?.rows ?? defaults.rows;
    this.#checkpointMs = checkpoint?.intervalMs ?? destination.checkpoint?.intervalMs ?? defaults.intervalMs;
    this.#direct = !isStagedMode(table);
    this.#cursors = new StreamCursors(stream, table, context);
  }

  get stream(): Stream {
    return this.#stream;
  }

  /** The cursors that are stored, by partition. */
  get cursors(): StreamReport['cursors'] {
    return this.#cursors.stored;
  }

  /** Reads everything and commits it. After an error, `keepProgress` decides what stays. */
  async run(): Promise<void> {
    this.#lastCommitMs = performance.now();
    for await (const partition of this.#plan()) {
      this.#partitions++;
      await this.#loadPartition(partition);
    }
    const { load } = this.#context;
    await this.#commitWith((state) => load.finishTable(this.#stream.name, state));
    if (this.#rejected === 0) return;
    log.warn('stream {stream}: {rejected} of {read} rows did not fit', {
      stream: this.#stream.name,
      rejected: this.#rejected,
      read: this.#shaper.rowsRead,
    });
  }

  /** A staged load has been published. */
  published(): void {
    this.#cursors.commit(this.#held);
    if (this.#context.isStaged)
      this.#context.options.onProgress?.({ type: 'committed', stream: this.#stream.name });
  }

  /** After an error: commits complete progress where rows may be visible early, drops the rest. */
  async keepProgress(error: unknown): Promise<void> {
    const { load } = this.#context;
    const lost = error instanceof PlumbingError && /^(DEST_|COMMIT_|SCHEMA_DRIFT|STATE_)/.test(error.code);
    if (this.#direct && !lost && !this.#isCommitting && !this.#context.signal.aborted) await this.#commit();
    await load.discardTable(this.#stream.name);
  }

  /** What happened so far. */
  report(status: StreamReport['status'], durationMs: number): StreamReport {
    return {
      stream: this.#stream.name,
      status,
      read: this.#shaper.rowsRead,
      rejected: this.#rejected,
      batches: this.#batches,
      partitions: this.#partitions,
      ...this.#context.load.counts(this.#stream.name),
      schemaChanges: [...this.#schemaChanges.values()],
      cursors: this.#cursors.stored,
      durationMs,
    };
  }

  async *#plan(): AsyncIterable<Partition | undefined> {
    const { signal, now, options } = this.#context;
    const chosen = options.work?.filter((item) => item.stream === this.#stream.name);
    if (chosen) {
      // Without partitions the whole stream has the empty key; with them that is a part like any other.
      const isWhole = ({ key }: Partition): boolean => key === '' && !this.#stream.partitions;
      for (const { partition } of chosen) yield isWhole(partition) ? undefined : partition;
      return;
    }
    if (!this.#stream.partitions) {
      yield undefined;
      return;
    }
    const planned = await untilAborted(Promise.resolve(this.#stream.partitions({ signal, now })), signal);
    if (Symbol.asyncIterator in planned) yield* oneAhead(planned, signal);
    else yield* planned;
  }

  async #loadPartition(partition: Partition | undefined): Promise<void> {
    const { signal, now } = this.#context;
    const key = partition?.key ?? '';
    const { from, custom: remembered, tracker } = this.#cursors.begin(key);
    let custom = remembered;
    this.#shaper.startPartition(key);
    const given = this.#stream.read({
      signal,
      now,
      ...(partition && { partition }),
      ...(from !== undefined && { from }),
      ...(custom && { custom }),
    });
    const isAscending = this.#stream.cursor?.order === 'ascending';
    for await (const item of oneAhead(requireIterable(given, this.#stream.name), signal)) {
      if (isFile(item)) {
        await this.#takeFile(item, tracker, key);
        continue;
      }
      const batch = requireBatch(item, this.#stream.name);
      await this.#take(batch, tracker);
      if (batch.custom) custom = batch.custom;
      if (batch.cursor !== undefined) tracker.take(batch.cursor);
      if (batch.cursor !== undefined || isAscending)
        this.#cursors.set(key, tracker.settled(isAscending), custom);
      await this.#afterBatch(key);
    }
    // Only now has everything up to the cursor been read, whatever the order of the rows.
    this.#cursors.set(key, tracker.value, custom);
  }

  async #afterBatch(partition: string): Promise<void> {
    this.#batches++;
    this.#context.options.onProgress?.({
      type: 'batch',
      stream: this.#stream.name,
      partition,
      rows: this.#shaper.rowsRead,
      batches: this.#batches,
    });
    if (this.#direct && this.#isCheckpointDue()) await this.#commit();
    // A source that never waits for anything would keep Ctrl-C and timers out until its end.
    await nextTurn();
  }

  /** By the destination itself where it can and every row surely fits; else row by row. */
  async #takeFile(batch: FileBatch, tracker: CursorTracker, partition: string): Promise<void> {
    const { load } = this.#context;
    const { name } = this.#stream;
    const look = (): Promise<RowFile | undefined> =>
      lookAtLines(batch.jsonLines, this.#stream, load.table(name));
    const taken = await load.writeFile?.(name, look);
    if (taken !== undefined) {
      this.#shaper.passedBy(taken);
      this.#rowsSinceCommit += taken;
      await this.#afterBatch(partition);
      return;
    }
    for await (const rows of oneAhead(batch.read(), this.#context.signal)) {
      await this.#take({ rows }, tracker);
      await this.#afterBatch(partition);
    }
  }

  async #take(batch: Batch, tracker: CursorTracker): Promise<void> {
    failpoint('batch.read');
    const { load } = this.#context;
    const { name } = this.#stream;
    const shaped = this.#shaper.shape(batch.rows);
    if (shaped.changes.length > 0) {
      await load.evolve(
        name,
        shaped.changes.map((change) => change.column),
      );
      this.#cursors.look(load.table(name));
      tracker.follow(this.#cursors.column);
      for (const { column, kind } of shaped.changes) {
        if (kind === 'added' || !this.#schemaChanges.has(column.name)) {
          this.#schemaChanges.set(column.name, `${kind} ${column.name}: ${column.type}`);
        }
      }
    }
    await this.#reject(shaped.rejected);
    const rows = await this.#write(batch, shaped);
    const { index } = this.#cursors;
    if (index >= 0) for (const row of rows) tracker.takeRow(row[index]);
    this.#rowsSinceCommit += batch.rows.length;
    failpoint('batch.written');
  }

  /** Gives the rows to the load; those that its store can't hold exactly are rejected as well. */
  async #write(batch: Batch, shaped: ShapedBatch): Promise<readonly Row[]> {
    const { load } = this.#context;
    const { rows } = shaped;
    if (rows.length === 0 && !batch.scopes) return rows;
    try {
      await load.write(this.#stream.name, rows, batch.scopes);
      return rows;
    } catch (error) {
      // Nothing of the batch was taken.
      if (!(error instanceof MisfitError)) throw error;
      const misfits = new Set(error.misfits.map(({ offset }) => offset));
      await this.#reject(this.#shaper.misfits(batch.rows, shaped, error.misfits));
      const fitting = rows.filter((_, offset) => !misfits.has(offset));
      if (fitting.length > 0 || batch.scopes) await load.write(this.#stream.name, fitting, batch.scopes);
      return fitting;
    }
  }

  async #reject(rows: readonly QuarantinedRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#context.load.quarantine(this.#stream.name, rows);
    this.#rejected += rows.length;
    const { maxRejected = Infinity } = this.#context.pipeline;
    if (this.#rejected <= maxRejected) return;
    throw new PlumbingError(
      'ROW_INVALID',
      `stream "${this.#stream.name}": ${this.#rejected} rows did not fit, more than maxRejected (${maxRejected}); mend the schema, or raise it. The last one: ${redact(rows.at(-1)?.reason ?? '')}`,
    );
  }

  #isCheckpointDue(): boolean {
    return (
      this.#rowsSinceCommit >= this.#checkpointRows ||
      performance.now() - this.#lastCommitMs >= this.#checkpointMs
    );
  }

  async #commit(): Promise<void> {
    const { load } = this.#context;
    await this.#commitWith((state) => load.checkpoint(state));
    this.#rowsSinceCommit = 0;
    this.#lastCommitMs = performance.now();
  }

  async #commitWith(commit: (state: readonly StateEntry[]) => Promise<Commit>): Promise<void> {
    const { isStaged, options } = this.#context;
    const state = this.#cursors.take();
    this.#isCommitting = true;
    requireCommitted(await commit(state), this.#stream.name);
    this.#isCommitting = false;
    if (isStaged) {
      this.#held.push(...state);
      return;
    }
    this.#cursors.commit(state);
    options.onProgress?.({ type: 'committed', stream: this.#stream.name });
  }
}
