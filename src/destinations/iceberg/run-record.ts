/** The record of one run, a part of each of its commits. */
import type { LoadedTable, TableCommit } from '../../iceberg/catalog.ts';
import type { MetadataUpdate } from '../../iceberg/metadata-update.ts';
import { toTimestamp } from '../../model/index.ts';
import type { LoadInfo, LoadRecord, StateEntry, TableCounts } from '../../model/index.ts';
import type { Lakehouse } from './lakehouse.ts';
import { loadsTable, readNotes, readRecords, recordUpdates } from './load-records.ts';
import type { StoredRecord } from './load-records.ts';
import { writeState } from './state-properties.ts';
import { noteCommits } from './undo-notes.ts';

/** How a load stands. */
export interface LoadEnd {
  readonly status: LoadRecord['status'];
  readonly error?: string;
}

/** See the module's title. Cursors that have no table to lie in are kept here as well. */
export class RunRecord {
  readonly #house: Lakehouse;
  readonly #info: LoadInfo;
  #table: LoadedTable | undefined;

  constructor(house: Lakehouse, info: LoadInfo) {
    this.#house = house;
    this.#info = info;
  }

  /** The table of all records; `undefined` before the first one. */
  get table(): LoadedTable | undefined {
    return this.#table;
  }

  /** Looks at the table as it is now. */
  async refresh(): Promise<void> {
    this.#table = await this.#house.load(loadsTable);
  }

  /** A commit has succeeded. */
  settle(committed: readonly LoadedTable[]): void {
    this.#table = committed.find(({ identifier }) => identifier.name === loadsTable) ?? this.#table;
  }

  /** All records, latest first. */
  all(): StoredRecord[] {
    return readRecords(this.#table?.metadata);
  }

  /** The record's part of a commit; `others` are the parts that undo has to know of. */
  commit(
    token: string,
    end: LoadEnd,
    counts: Readonly<Record<string, TableCounts>>,
    state: readonly StateEntry[],
    others: readonly TableCommit[],
  ): TableCommit {
    const { loadId, pipeline, startedAt } = this.#info;
    const now = toTimestamp(new Date()) as string;
    const cursors = this.#cursors(state, now);
    const known = readNotes(this.#table?.metadata, loadId) ?? [];
    const record: StoredRecord = {
      loadId,
      pipeline,
      status: end.status,
      startedAt,
      finishedAt: end.status === 'running' ? null : now,
      counts,
      error: end.error ?? null,
      commitToken: token,
    };
    const notes = noteCommits(known, pipeline, [...others, cursors]);
    const updates = recordUpdates(this.#table?.metadata, record, notes);
    return { ...cursors, updates: [...cursors.updates, ...updates] };
  }

  /** What makes the table where it is missing, and puts cursors there. */
  #cursors(state: readonly StateEntry[], now: string): TableCommit {
    const base = this.#table;
    const identifier = this.#house.identifier(loadsTable);
    const properties = writeState(base?.metadata, this.#info.pipeline, state, now);
    const updates: MetadataUpdate[] = properties ? [{ action: 'set-properties', updates: properties }] : [];
    if (base) {
      const uuid = base.metadata['table-uuid'];
      return { identifier, base, requirements: [{ type: 'assert-table-uuid', uuid }], updates };
    }
    const creation = this.#house.creation(loadsTable, [{ name: 'load_id', type: 'string' }], [], {});
    return {
      identifier,
      base: undefined,
      requirements: [{ type: 'assert-create' }],
      updates: [...creation, ...updates],
    };
  }

  /** Whether the commit of a token is in the catalog: all of a commit is, or nothing. */
  async isThere(token: string): Promise<boolean> {
    const table = await this.#house.load(loadsTable);
    return readRecords(table?.metadata).some(({ commitToken }) => commitToken === token);
  }
}
