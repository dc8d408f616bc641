/** Loads one stream: partitions -> batches -> shaped rows -> checkpoints. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PlumbingError } from '../errors/index.ts';
import { failpoint } from '../failpoints/index.ts';
import { isStagedMode } from '../model/index.ts';
import type {
  Batch,
  Column,
  FileBatch,
  JsonObject,
  JsonValue,
  Load,
  Partition,
  PartitionState,
  PipelineState,
  RowFile,
  StateEntry,
  Stream,
} from '../model/index.ts';
import { physicalKey } from '../model/table-layout.ts';
import { requireCommitted } from './commit.ts';
import { CursorTracker, momentOf, notAhead, startAfter } from './cursor.ts';
import type { CheckpointOptions, Pipeline, RunOptions } from './define.ts';
import { lookAtLines } from './line-file.ts';
import type { StreamReport } from './report.ts';
import { RowShaper } from './row-shaper.ts';

/** What all streams of a run share. */
export interface RunContext {
  readonly pipeline: Pipeline;
  readonly load: Load;
  /** The state at the start of the run. */
  readonly state: PipelineState;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  readonly startedAt: Date;
  /** The day of `startedAt` in the source's time zone. */
  readonly day: string;
  readonly options: RunOptions;
}

const defaults: Required<CheckpointOptions> = { rows: 10_000, intervalMs: 5_000 };

/** The load of one stream in one run. */
export class StreamLoad {
  readonly #context: RunContext;
  readonly #stream: Stream;
  readonly #shaper: RowShaper;
  readonly #checkpointRows: number;
  readonly #checkpointMs: number;
  /** Rows may be committed before the stream's end. */
  readonly #direct: boolean;
  readonly #cursorColumn: Column | undefined;
  readonly #cursorIndex: number;
  /** The moment of the run, where rows that are read twice are known by their key. */
  readonly #ceiling: JsonValue | undefined;
  readonly #schemaChanges = new Map<string, string>();
  readonly #cursors: Record<string, JsonValue> = {};
  /** Cursors that may be stored with the next commit. */
  #dueState: StateEntry[] = [];
  #rowsSinceCommit = 0;
  #lastCommitMs = performance.now();
  #batches = 0;
  /** From the begin of a commit to its success: what failed once is not tried again with the same rows. */
  #isCommitting = false;
  #partitions = 0;

  constructor(context: RunContext, stream: Stream) {
    this.#context = context;
    this.#stream = stream;
    const table = context.load.table(stream.name);
    this.#shaper = new RowShaper(stream, table);
    const { checkpoint, destination } = context.pipeline;
    this.#checkpointRows = checkpoint?.rows ?? destination.checkpoint?.rows ?? defaults.rows;
    this.#checkpointMs = checkpoint?.intervalMs ?? destination.checkpoint?.intervalMs ?? defaults.intervalMs;
    this.#direct = !isStagedMode(table);
    this.#cursorIndex = table.columns.findIndex((column) => column.name === stream.cursor?.column);
    this.#cursorColumn = table.columns[this.#cursorIndex];
    // With the day in the key, a row that is read on another day is another row.
    const key = physicalKey(table);
    if (this.#cursorColumn && key.length > 0 && !key.includes('_inserted_at_day')) {
      this.#ceiling = momentOf(this.#cursorColumn.type, context.day, context.startedAt);
    }
    for (const entry of context.state.entries()) {
      if (entry.stream === stream.name && entry.state.cursor !== undefined) {
        this.#cursors[entry.partition] = entry.state.cursor;
      }
    }
  }

  /** Reads everything and commits it. After an error, `keepProgress` decides what stays. */
  async run(): Promise<void> {
    for await (const partition of this.#plan()) {
      this.#partitions++;
      await this.#loadPartition(partition);
    }
    this.#isCommitting = true;
    requireCommitted(
      await this.#context.load.finishTable(this.#stream.name, this.#takeState()),
      this.#stream.name,
    );
    this.#isCommitting = false;
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
      batches: this.#batches,
      partitions: this.#partitions,
      ...this.#context.load.counts(this.#stream.name),
      schemaChanges: [...this.#schemaChanges.values()],
      cursors: { ...this.#cursors },
      durationMs,
    };
  }

  async *#plan(): AsyncIterable<Partition | undefined> {
    const { signal, now, options } = this.#context;
    const chosen = options.work?.filter((item) => item.stream === this.#stream.name);
    if (chosen) {
      for (const item of chosen) yield item.partition.key === '' ? undefined : item.partition;
    } else if (this.#stream.partitions) {
      yield* await this.#stream.partitions({ signal, now });
    } else {
      yield undefined;
    }
  }

  async #loadPartition(partition: Partition | undefined): Promise<void> {
    const { pipeline, signal, now } = this.#context;
    const key = partition?.key ?? '';
    const stored: PartitionState = pipeline.fullRefresh
      ? {}
      : this.#context.state.get(this.#stream.name, key);
    const tracker = new CursorTracker(this.#cursorColumn?.type ?? 'string', stored.cursor, this.#ceiling);
    let custom: JsonObject | undefined = stored.custom;
    const from = this.#startOf(stored);
    this.#shaper.startPartition(key);
    const batches = this.#stream.read({
      signal,
      now,
      ...(partition && { partition }),
      ...(from !== undefined && { from }),
      ...(custom && { custom }),
    });
    for await (const given of oneAhead(batches, signal)) {
      if (isFile(given)) {
        await this.#takeFile(given, tracker, key);
        continue;
      }
      const batch: Batch = isRows(given) ? { rows: given } : given;
      await this.#take(batch, tracker);
      if (batch.custom) custom = batch.custom;
      if (batch.cursor !== undefined) tracker.take(batch.cursor);
      const settled = batch.cursor !== undefined || this.#stream.cursor?.order === 'ascending';
      if (settled) this.#setState(key, tracker.value, custom);
      await this.#afterBatch(key);
    }
    // Only now has everything up to the cursor been read, whatever the order of the rows.
    this.#setState(key, tracker.value, custom);
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
    for await (const rows of batch.read()) {
      await this.#take({ rows }, tracker);
      await this.#afterBatch(partition);
    }
  }

  #startOf(stored: PartitionState): JsonValue | undefined {
    if (stored.cursor === undefined) return this.#context.pipeline.since;
    if (!this.#cursorColumn || !this.#stream.cursor) return stored.cursor;
    const { type } = this.#cursorColumn;
    return startAfter(notAhead(stored.cursor, this.#ceiling, type), type, this.#stream.cursor);
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
      for (const { column, kind } of shaped.changes) {
        if (kind === 'added' || !this.#schemaChanges.has(column.name)) {
          this.#schemaChanges.set(column.name, `${kind} ${column.name}: ${column.type}`);
        }
      }
    }
    if (shaped.rejected.length > 0) await load.quarantine(name, shaped.rejected);
    if (shaped.rows.length > 0 || batch.scopes) await load.write(name, shaped.rows, batch.scopes);
    if (this.#cursorIndex >= 0) for (const row of shaped.rows) tracker.takeRow(row[this.#cursorIndex]);
    this.#rowsSinceCommit += batch.rows.length;
    failpoint('batch.written');
  }

  #setState(partition: string, cursor: JsonValue | undefined, custom: JsonObject | undefined): void {
    if (cursor === undefined && custom === undefined) return;
    const state: PartitionState = { ...(cursor !== undefined && { cursor }), ...(custom && { custom }) };
    this.#dueState = this.#dueState.filter((entry) => entry.partition !== partition);
    this.#dueState.push({ stream: this.#stream.name, partition, state });
  }

  #isCheckpointDue(): boolean {
    return (
      this.#rowsSinceCommit >= this.#checkpointRows ||
      performance.now() - this.#lastCommitMs >= this.#checkpointMs
    );
  }

  async #commit(): Promise<void> {
    this.#isCommitting = true;
    requireCommitted(await this.#context.load.checkpoint(this.#takeState()), this.#stream.name);
    this.#isCommitting = false;
    this.#rowsSinceCommit = 0;
    this.#lastCommitMs = performance.now();
    this.#context.options.onProgress?.({ type: 'committed', stream: this.#stream.name });
  }

  #takeState(): StateEntry[] {
    const due = this.#dueState;
    this.#dueState = [];
    for (const { partition, state } of due) {
      if (state.cursor !== undefined) this.#cursors[partition] = state.cursor;
    }
    return due;
  }
}

function isFile(given: Batch | FileBatch | readonly unknown[]): given is FileBatch {
  return 'jsonLines' in given;
}

function isRows(given: Batch | readonly unknown[]): given is readonly unknown[] {
  return Array.isArray(given);
}

/**
 * Asks for the next item while the current one is worked on: never more than one ahead. Ends with the signal's reason
 * at once, also when the source does not heed the signal.
 */
async function* oneAhead<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const iterator = items[Symbol.asyncIterator]();
  let done = false;
  try {
    signal.throwIfAborted();
    let next = iterator.next();
    for (;;) {
      const result = await untilAborted(next, signal);
      if (result.done) {
        done = true;
        return;
      }
      next = iterator.next();
      // The rejection is seen at the next await; without this the process would end before.
      next.catch(() => undefined);
      yield result.value;
      signal.throwIfAborted();
    }
  } catch (error) {
    // A failed iterator has ended by itself; one that is aborted may never answer.
    done = true;
    if (signal.aborted) void iterator.return?.()?.catch(() => undefined);
    throw error;
  } finally {
    if (!done) await iterator.return?.();
  }
}

/**
 * Waits for `work`, or rejects with the signal's reason. Not a race with one promise for the whole read: up to Node 24 that
 * promise would hold on to every batch that it raced with.
 */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  return promise;
}
