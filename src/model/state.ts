/** Cursors, and where they are kept: in the destination, beside the rows. */
import type { JsonObject, JsonValue } from './value.ts';

/** How far one partition of a stream has been read. */
export interface StateEntry {
  readonly stream: string;
  /** The partition's key; `''` for a stream without partitions. */
  readonly partition: string;
  readonly state: PartitionState;
}

/** The state of one partition: JSON, bounded in size. */
export interface PartitionState {
  /** All rows up to this value, and including rows that tie with it at that time, are stored. */
  readonly cursor?: JsonValue;
  /** What the source itself wants to remember. */
  readonly custom?: JsonObject;
}

/** All cursors of a pipeline. */
export class PipelineState {
  readonly #entries = new Map<string, StateEntry>();

  constructor(entries: Iterable<StateEntry> = []) {
    for (const entry of entries) this.set(entry);
  }

  /** The state of one partition; empty when it was never read. */
  get(stream: string, partition = ''): PartitionState {
    return this.#entries.get(keyOf(stream, partition))?.state ?? {};
  }

  /** Replaces the state of one partition. */
  set(entry: StateEntry): void {
    this.#entries.set(keyOf(entry.stream, entry.partition), entry);
  }

  /** All entries, ordered by stream and partition. */
  entries(): StateEntry[] {
    return [...this.#entries.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  }
}

function keyOf(stream: string, partition: string): string {
  return JSON.stringify([stream, partition]);
}
