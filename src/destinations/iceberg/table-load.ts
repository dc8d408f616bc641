/** What one load has taken for one table, and how it gets there. */
import { PlumbingError } from '../../errors/index.ts';
import type { LoadedTable, TableCommit } from '../../iceberg/catalog.ts';
import { applyUpdates, moveBranch } from '../../iceberg/metadata-update.ts';
import type { MetadataUpdate } from '../../iceberg/metadata-update.ts';
import { mainBranch, snapshotOf } from '../../iceberg/metadata.ts';
import type { TableMetadata } from '../../iceberg/metadata.ts';
import { produceSnapshot, removeQuietly } from '../../iceberg/snapshot-producer.ts';
import { isStagedMode } from '../../model/index.ts';
import type {
  Column,
  JsonObject,
  LoadInfo,
  QuarantinedRow,
  Row,
  RowFile,
  StateEntry,
  TableCounts,
  TableDefinition,
} from '../../model/index.ts';
import { evolveDefinition, mergeDefinition } from '../../model/merge-definition.ts';
import { SeenKeys } from '../../model/seen-keys.ts';
import { physicalKey } from '../../model/table-layout.ts';
import { takeFile } from './duckdb/take-file.ts';
import { canWriteFiles } from './duckdb/write-files.ts';
import { CursorGuard } from './cursor-guard.ts';
import { needsRebuild, rebuild, requireEvolvable, requirePartitions } from './evolve-schema.ts';
import type { Lakehouse } from './lakehouse.ts';
import { PendingRows } from './pending-rows.ts';
import type { CommitContext } from './table-commit.ts';
import { checkDefinition, ownDefinition } from './table-shape.ts';
import { TableUpdates } from './table-updates.ts';
import type { Tally } from './tally.ts';
import { WorkingTable } from './working-table.ts';
import type { EngineSource } from './working-table.ts';
import { writeRows } from './write-rows.ts';

const largeTableRows = 500_000;
const none: TableCounts = { inserted: 0, updated: 0, unchanged: 0, deleted: 0, quarantined: 0 };

/** A commit of one table that is ready, and how to give it up. */
export interface PreparedTable {
  /** Absent when there is nothing to change. */
  readonly commit: TableCommit | undefined;
  readonly counts: TableCounts;
  readonly discard: () => Promise<void>;
}

/** One table in one load. `prepare` makes its part of a commit; `committed` is told when that has succeeded. */
export class TableLoad {
  /** Rows become visible only all together. */
  readonly isStaged: boolean;
  /** All rows have been taken. */
  isFinished = false;
  /** State that may be stored only with the rows that are held back. */
  heldState: StateEntry[] = [];
  readonly quarantined: QuarantinedRow[] = [];
  readonly released = new Set<number>();
  /** Of the rows taken since the last commit. */
  readonly seen = new SeenKeys();
  readonly #house: Lakehouse;
  readonly #info: LoadInfo;
  readonly #name: string;
  readonly #updates: TableUpdates;
  readonly #pending: PendingRows;
  /** As the last commit, or the load's begin, has found it. */
  #table: LoadedTable | undefined;
  /** As the catalog had it when the load began, and as its own commits have left it. */
  #known: TableDefinition | undefined;
  #base: TableDefinition;
  #target: TableDefinition;
  readonly #removedKeys = new Set<bigint>();
  #counts = none;
  readonly #cursors: CursorGuard;
  /** To read files of the table: only where they are in a folder. */
  readonly #engine: EngineSource;

  private constructor(house: Lakehouse, info: LoadInfo, declared: TableDefinition, target: TableDefinition) {
    this.#house = house;
    this.#info = info;
    this.#name = declared.name;
    this.#target = target;
    this.#base = target;
    this.isStaged = info.staged || isStagedMode(declared);
    this.#pending = new PendingRows(target);
    this.#updates = new TableUpdates(house, info.pipeline, declared.name);
    this.#cursors = new CursorGuard(house.path, info.pipeline);
    this.#engine = async () => (house.isLocal ? house.engine() : undefined);
  }

  /** Looks at the table as it is. */
  static async open(
    house: Lakehouse,
    info: LoadInfo,
    declared: TableDefinition,
    kind: 'own' | 'bookkeeping' = 'own',
  ): Promise<TableLoad> {
    if (kind === 'own') checkDefinition(declared, declared.columns.length === 0);
    const check = kind === 'own' ? checkDefinition : (): void => undefined;
    const table = await house.load(declared.name);
    const stored = table && ownDefinition(house, declared.name, table.metadata);
    const load = new TableLoad(house, info, declared, mergeDefinition(stored, declared, check));
    load.#take(table);
    load.#known = stored;
    await load.#requireEvolvable(load.#target);
    return load;
  }

  get definition(): TableDefinition {
    return this.#target;
  }

  /** By commits. */
  get counts(): TableCounts {
    return this.#counts;
  }

  get loaded(): LoadedTable | undefined {
    return this.#table;
  }

  /** Whether rows are merged into so many others that DuckDB will most likely be needed. */
  get isLarge(): boolean {
    const snapshot = this.#table && snapshotOf(this.#table.metadata);
    const rows = Number(snapshot?.summary['total-records'] ?? 0);
    return rows >= largeTableRows && physicalKey(this.#target).length > 0;
  }

  /** Whether the next commit has something to do here. */
  get hasPending(): boolean {
    return (
      !this.#pending.isEmpty ||
      this.quarantined.length > 0 ||
      this.released.size > 0 ||
      this.#removedKeys.size > 0 ||
      this.#target !== this.#base
    );
  }

  async evolve(changes: readonly Column[]): Promise<TableDefinition> {
    const next = evolveDefinition(this.#target, changes, checkDefinition);
    await this.#requireEvolvable(next);
    this.#pending.evolve(next);
    this.#target = next;
    return next;
  }

  write(rows: readonly Row[], scopes: readonly JsonObject[]): void {
    this.#pending.write(rows, scopes);
    this.seen.see(this.#target, rows);
  }

  /** Takes a file of rows that fit, where DuckDB can bring them in. */
  async writeFile(look: () => Promise<RowFile | undefined>): Promise<number | undefined> {
    const { metadata } = this.#table ?? {};
    // Files come before rows when a commit is made; what came in another order stays in it.
    if (!metadata || this.#pending.hasRows) return undefined;
    // Keys are looked for row by row.
    if (this.seen.isWatching) return undefined;
    const incoming = await takeFile(this.#house, this.#target, metadata, look, this.#info.signal);
    if (incoming) this.#pending.addFile(incoming);
    return incoming?.rows;
  }

  /** Deletes rows by their key, one integer, with the next commit. */
  removeKeys(keys: Iterable<number>): void {
    for (const key of keys) this.#removedKeys.add(BigInt(key));
  }

  /**
   * Makes this table's part of a commit, on top of `base`: writes its files, changes nothing that anybody sees.
   *
   * @throws PlumbingError `COMMIT_CONFLICT` (retryable) when another run has moved the cursors that this one goes on from, or has
   * given the table other columns than this one has.
   */
  async prepare(base: LoadedTable | undefined, context: CommitContext): Promise<PreparedTable> {
    this.#cursors.require(base?.metadata, context.state);
    const { columns } = this.#target;
    if (columns.length === 0) return { commit: undefined, counts: this.#counts, discard: async () => {} };
    const { metadata: before } = base ?? {};
    const stored = before && ownDefinition(this.#house, this.#name, before);
    if (stored) this.#requireColumns(stored);
    const location = base ? undefined : await this.#house.newLocation(this.#name);
    const shape = this.#updates.shape(this.#target, before, stored, location);
    const metadata = applyUpdates(before, shape, Date.now());
    const tally: Tally = { inserted: 0, updated: 0, unchanged: 0, deleted: 0 };
    const work = this.#workOn(metadata, before);
    const written: string[] = [];
    const discard = async (): Promise<void> => {
      await work.discard();
      await removeQuietly(this.#house.io, written);
    };
    try {
      if (before && stored && needsRebuild(stored, this.#target)) {
        await rebuild(this.#workOn(before, before), work, stored, this.#target);
      }
      await work.deleteKeys(this.#target.primaryKey, this.#removedKeys);
      if (this.#pending.files.length > 0 && !canWriteFiles(this.#target, metadata)) {
        throw new PlumbingError(
          'COMMIT_CONFLICT',
          `table "${this.#name}": another program has changed its columns or partitions meanwhile; run again`,
          { retryable: true },
        );
      }
      const set = this.#pending.set(this.#counts.quarantined + this.quarantined.length, this.#info.signal);
      await writeRows(work, this.#target, this.#info, set, tally);
      const changes = await work.finish();
      const updates: MetadataUpdate[] = [...shape];
      if (changes.added.length > 0 || changes.removed.length > 0) {
        const summary = {
          'plumbing.load-id': this.#info.loadId,
          'plumbing.pipeline': this.#info.pipeline,
          'plumbing.commit-token': context.token,
        };
        const { io, manifests } = this.#house;
        const produced = await produceSnapshot(io, manifests, metadata, mainBranch, { ...changes, summary });
        written.push(...produced.written);
        updates.push(
          { action: 'add-snapshot', snapshot: produced.snapshot },
          moveBranch(metadata, context.branch, produced.snapshot['snapshot-id']),
        );
      }
      const commit = this.#updates.commit(this.#target, base, updates, context);
      return { commit, counts: this.#countsWith(tally), discard };
    } catch (error) {
      await discard();
      throw error;
    }
  }

  /**
   * The changes that make visible what was put on a branch.
   *
   * @throws PlumbingError `COMMIT_CONFLICT` as {@link prepare}
   */
  publication(base: LoadedTable, branch: string, context: CommitContext): TableCommit {
    this.#cursors.require(base.metadata, context.state);
    return this.#updates.publication(this.#target, base, branch, context);
  }

  /** Stores cursors of rows that are there already; `undefined` when there are none. */
  stateCommit(context: CommitContext): TableCommit | undefined {
    const base = this.#table;
    if (!base) return undefined;
    this.#cursors.require(base.metadata, context.state);
    return this.#updates.state(this.#target, base, context);
  }

  /** A commit has succeeded. */
  committed(table: LoadedTable | undefined, counts: TableCounts): void {
    if (table) this.#take(table);
    this.#base = this.#target;
    this.#known = this.#target;
    this.#counts = counts;
    this.#clear();
  }

  /** The catalog shows a newer state of the table, with the same cursors. */
  saw(table: LoadedTable | undefined): void {
    this.#table = table;
  }

  /** The state of the table that the run goes on from has been read now. */
  expectState(metadata: TableMetadata | undefined): void {
    this.#cursors.expect(metadata);
  }

  /** Drops what was taken since the last commit. */
  discard(): void {
    this.#target = this.#base;
    this.#clear();
  }

  #take(table: LoadedTable | undefined): void {
    this.#table = table;
    this.expectState(table?.metadata);
  }

  #clear(): void {
    this.heldState = [];
    this.#pending.clear(this.#target);
    this.quarantined.length = 0;
    this.released.clear();
    this.seen.keys.clear();
    this.#removedKeys.clear();
  }

  /** The rows of this load are in the order of its own columns: it can't go on from a table that others have given more. */
  #requireColumns(stored: TableDefinition): void {
    const fits = stored.columns.every(({ name, type }, i) => {
      const own = this.#target.columns[i];
      const before = this.#known?.columns[i];
      return own?.name === name && (own.type === type || (before?.name === name && before.type === type));
    });
    if (fits) return;
    throw new PlumbingError(
      'COMMIT_CONFLICT',
      `table "${this.#name}": another run has changed its columns meanwhile; run again`,
      { retryable: true },
    );
  }

  #workOn(metadata: TableMetadata, before: TableMetadata | undefined): WorkingTable {
    const { io, manifests, filePolicy } = this.#house;
    return new WorkingTable(io, manifests, metadata, before && snapshotOf(before), filePolicy, this.#engine);
  }

  #countsWith(tally: Tally): TableCounts {
    return {
      inserted: this.#counts.inserted + tally.inserted,
      updated: this.#counts.updated + tally.updated,
      unchanged: this.#counts.unchanged + tally.unchanged,
      deleted: this.#counts.deleted + tally.deleted,
      quarantined: this.#counts.quarantined + this.quarantined.length,
    };
  }

  async #requireEvolvable(next: TableDefinition): Promise<void> {
    const table = this.#table;
    const stored = table && ownDefinition(this.#house, this.#name, table.metadata);
    if (!stored) return;
    requirePartitions(table.metadata, stored, next);
    const work = this.#workOn(table.metadata, table.metadata);
    await requireEvolvable(work, stored, next, this.#engine);
  }
}
