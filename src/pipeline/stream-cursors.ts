/** The cursors of one stream in one run: where each partition begins, how far it came, and what may be stored of it. */
import { getLogger } from '../logging/index.ts';
import type {
  JsonObject,
  JsonValue,
  PartitionState,
  PipelineState,
  StateEntry,
  Stream,
  TableDefinition,
} from '../model/index.ts';
import { physicalKey } from '../model/table-layout.ts';
import { CursorTracker, momentOf, notAhead, startAfter } from './cursor.ts';
import type { CursorColumn } from './cursor.ts';
import type { Pipeline } from './define.ts';

const log = getLogger('pipeline');

/** What the run knows. */
export interface CursorContext {
  /** The state at the start of the run. */
  readonly state: PipelineState;
  readonly startedAt: Date;
  /** The day of `startedAt` in the source's time zone. */
  readonly day: string;
  readonly pipeline: Pick<Pipeline, 'since' | 'fullRefresh'>;
}

/** Where a partition begins. */
export interface PartitionStart {
  readonly from: JsonValue | undefined;
  readonly custom: JsonObject | undefined;
  readonly tracker: CursorTracker;
}

export class StreamCursors {
  readonly #stream: Stream;
  readonly #context: CursorContext;
  readonly #stored: Record<string, JsonValue> = {};
  /** What may be stored with the next commit. */
  #due: StateEntry[] = [];
  #column: CursorColumn | undefined;
  #index = -1;
  #hasWarned = false;

  constructor(stream: Stream, table: TableDefinition, context: CursorContext) {
    this.#stream = stream;
    this.#context = context;
    this.look(table);
    for (const { stream: name, partition, state } of context.state.entries()) {
      if (name === stream.name && state.cursor !== undefined) this.#stored[partition] = state.cursor;
    }
  }

  /** Looks the cursor column up: without a schema it comes with the rows, and may widen. */
  look(table: TableDefinition): void {
    this.#index = table.columns.findIndex(({ name }) => name === this.#stream.cursor?.column);
    const type = table.columns[this.#index]?.type;
    if (type === undefined) {
      this.#column = undefined;
      return;
    }
    // A row that comes twice must be known again: by a key without the day, as it may come on another day.
    const key = physicalKey(table);
    const isKnownAgain = key.length > 0 && !key.includes('_inserted_at_day');
    const { day, startedAt } = this.#context;
    this.#column = { type, ceiling: isKnownAgain ? momentOf(type, day, startedAt) : undefined };
  }

  /** Index of the cursor column in the table, or -1. */
  get index(): number {
    return this.#index;
  }

  /** The column that cursors are compared by. */
  get column(): CursorColumn | undefined {
    return this.#column;
  }

  /** The cursors that are stored, by partition. */
  get stored(): Readonly<Record<string, JsonValue>> {
    return { ...this.#stored };
  }

  /** Begins a partition. */
  begin(partition: string): PartitionStart {
    const { pipeline, state } = this.#context;
    const { cursor, custom }: PartitionState = pipeline.fullRefresh
      ? {}
      : state.get(this.#stream.name, partition);
    const tracker = new CursorTracker(cursor, this.#column);
    return { from: cursor === undefined ? pipeline.since : this.#startAt(cursor), custom, tracker };
  }

  #startAt(cursor: JsonValue): JsonValue {
    const options = this.#stream.cursor;
    if (!this.#column || !options) return cursor;
    const { type, ceiling } = this.#column;
    const begin = notAhead(cursor, ceiling, type);
    const from = startAfter(begin, type, options);
    if (from === begin && (options.lookback ?? 0) > 0) {
      log.warn('stream {stream}: its cursor is no number and no time, so the lookback has no effect', {
        stream: this.#stream.name,
      });
    }
    return from;
  }

  /** Notes what may be stored for a partition with the next commit. */
  set(partition: string, cursor: JsonValue | undefined, custom: JsonObject | undefined): void {
    if (cursor === undefined && custom === undefined) return;
    const state: PartitionState = { ...(cursor !== undefined && { cursor }), ...(custom && { custom }) };
    this.#due = this.#due.filter((entry) => entry.partition !== partition);
    this.#due.push({ stream: this.#stream.name, partition, state });
  }

  /** Hands out what may be stored; {@link commit} is told when it is. */
  take(): readonly StateEntry[] {
    const due = this.#due;
    this.#due = [];
    return due;
  }

  /** These are stored now. */
  commit(entries: readonly StateEntry[]): void {
    for (const { partition, state } of entries) {
      if (state.cursor === undefined) continue;
      this.#stored[partition] = state.cursor;
      this.#warnIfAhead(state.cursor);
    }
  }

  /** Where rows are not known again, one that is dated ahead takes the cursor along: held back, it would be added by each run. */
  #warnIfAhead(cursor: JsonValue): void {
    if (!this.#column || this.#hasWarned) return;
    const { type, ceiling } = this.#column;
    const moment =
      ceiling === undefined ? momentOf(type, this.#context.day, this.#context.startedAt) : undefined;
    if (moment === undefined || notAhead(cursor, moment, type) === cursor) return;
    this.#hasWarned = true;
    log.warn(
      'stream {stream}: its cursor is at {cursor}, after the moment of the run; rows that come before that are not read any more',
      { stream: this.#stream.name, cursor },
    );
  }
}
