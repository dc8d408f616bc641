/** What one load has taken for one table, and how it gets there. */
import { isStagedMode } from '../../model/index.ts';
import type {
  Column,
  JsonObject,
  LoadInfo,
  QuarantinedRow,
  Row,
  StateEntry,
  TableCounts,
  TableDefinition,
} from '../../model/index.ts';
import { PlumbingError } from '../../errors/index.ts';
import { KeyTexts } from '../../model/key-text.ts';
import { evolveDefinition, mergeDefinition } from '../../model/merge-definition.ts';
import type { SqliteConnection } from './connection.ts';
import { cellConverter, isStoredAlike } from './convert-cell.ts';
import type { ConvertCell } from './convert-cell.ts';
import { migrate, requireMigratable } from './migrate.ts';
import { isReferenced, needsRebuild } from './rebuild.ts';
import { QuarantineWatch } from './quarantine-watch.ts';
import { QuarantineWriter, encodeQuarantined } from './quarantine-store.ts';
import { RowBuffer, checkpointRows } from './row-buffer.ts';
import { RowEncoder } from '../../model/row-encoder.ts';
import { encodeScope, scopeIndexes } from '../../model/scope.ts';
import { codecOf } from './codec.ts';
import type { SqlRow, SqlValue } from './codec.ts';
import type { Tally } from './row-writers.ts';
import { writeSet } from './set-writers.ts';
import { checkDefinition, createTableSql } from './table-layout.ts';
import type { UndoLog } from './undo-log.ts';

const none: TableCounts = { inserted: 0, updated: 0, unchanged: 0, deleted: 0, quarantined: 0 };

/** One table in one load. `apply` runs in the load's transaction; `committed` is told when that has succeeded. */
export class TableLoad {
  /** Rows become visible only all together. */
  readonly isStaged: boolean;
  /** All rows have been taken. */
  isFinished = false;
  /** State that may be stored only with the rows that are held back. */
  heldState: StateEntry[] = [];
  readonly #connection: SqliteConnection;
  readonly #info: LoadInfo;
  readonly #undoLog: UndoLog;
  readonly #rows: RowBuffer;
  readonly #quarantined: RowBuffer;
  readonly #quarantine: QuarantineWriter;
  readonly #watch: QuarantineWatch;
  readonly #released = new Set<number>();
  #scopes: SqlRow[] = [];
  /** As the database has it. */
  #stored: TableDefinition | undefined;
  #storedSoon: TableDefinition | undefined;
  /** As the last commit left it, and what a discarded table falls back to. */
  #base: TableDefinition;
  #target: TableDefinition;
  #encoder: RowEncoder<SqlValue>;
  #taken = 0;
  #counts = none;
  #countsSoon = none;

  constructor(
    connection: SqliteConnection,
    info: LoadInfo,
    undoLog: UndoLog,
    declared: TableDefinition,
    stored: TableDefinition | undefined,
  ) {
    this.#connection = connection;
    this.#info = info;
    this.#undoLog = undoLog;
    this.#stored = stored;
    this.#target = mergeDefinition(stored, declared, checkDefinition);
    this.#base = this.#target;
    if (stored) connection.run(() => requireMigratable(connection.db, stored, this.#target));
    this.isStaged = info.staged || isStagedMode(declared);
    this.#encoder = new RowEncoder(this.#target, codecOf);
    this.#rows = new RowBuffer(connection.db, this.isStaged ? undefined : checkpointRows);
    this.#quarantined = new RowBuffer(connection.db);
    this.#quarantine = new QuarantineWriter(connection.db, declared.name, info);
    this.#watch = new QuarantineWatch(connection.db, declared.name, info.loadId);
  }

  get definition(): TableDefinition {
    return this.#target;
  }

  /** By commits. */
  get counts(): TableCounts {
    return this.#counts;
  }

  /** With what `apply` did last. */
  get countsSoon(): TableCounts {
    return this.#countsSoon;
  }

  /** Whether the next commit has something to do here. */
  get hasPending(): boolean {
    return (
      this.#rows.length > 0 ||
      this.#scopes.length > 0 ||
      this.#quarantined.length > 0 ||
      this.#released.size > 0 ||
      this.#target !== this.#base
    );
  }

  /** Whether the next commit writes a table anew that other tables point to. */
  get replacesReferenced(): boolean {
    const stored = this.#stored;
    return (
      stored !== undefined &&
      needsRebuild(stored, this.#target) &&
      isReferenced(this.#connection.db, stored.name)
    );
  }

  /** Creates the table when it is missing, empty, in the caller's transaction. */
  create(): void {
    if (this.#stored || this.#target.columns.length === 0) return;
    this.#stored = migrate(this.#connection.db, undefined, this.#target);
  }

  evolve(changes: readonly Column[]): TableDefinition {
    const next = evolveDefinition(this.#target, changes, checkDefinition);
    const stored = this.#stored;
    if (stored) this.#connection.run(() => requireMigratable(this.#connection.db, stored, next));
    this.#convertTaken(next);
    this.#target = next;
    this.#encoder = new RowEncoder(next, codecOf);
    return next;
  }

  /** Rows and scopes that were taken before a column widened get its new form. */
  #convertTaken(next: TableDefinition): void {
    if (this.#rows.length === 0 && this.#scopes.length === 0) return;
    const converters = this.#target.columns.map(({ name, type }, index): ConvertCell | undefined => {
      const to = (next.columns[index] as Column).type;
      return isStoredAlike(type, to) ? undefined : cellConverter(next.name, name, type, to);
    });
    if (converters.every((convert) => convert === undefined)) return;
    const places = scopeIndexes(this.#target);
    this.#connection.run(() => {
      this.#rows.rewrite((row) => row.map((cell, index) => converters[index]?.(cell) ?? cell));
      this.#scopes = this.#scopes.map((cells) =>
        cells.map((cell, i) => converters[places[i] as number]?.(cell) ?? cell),
      );
    });
  }

  write(rows: readonly Row[], scopes: readonly JsonObject[]): void {
    if (rows.length > 0 && this.#target.columns.length === 0) {
      throw new PlumbingError(
        'SCHEMA_INVALID',
        `table "${this.#target.name}": rows came, but it has no columns`,
      );
    }
    const encoded = this.#encoder.encode(rows, this.#taken);
    const encodedScopes = scopes.map((scope) => encodeScope(this.#target, scope, codecOf));
    this.#connection.run(() => {
      this.#rows.push(encoded);
      this.#watch.see(this.#target, rows);
    });
    this.#scopes.push(...encodedScopes);
    this.#taken += rows.length;
  }

  quarantine(rows: readonly QuarantinedRow[]): void {
    const keys = new KeyTexts(this.#target);
    this.#connection.run(() => this.#quarantined.push(rows.map((row) => encodeQuarantined(row, keys))));
  }

  release(ids: readonly number[]): void {
    for (const id of ids) this.#released.add(id);
  }

  /** Writes all that was taken. */
  apply(): void {
    const { db } = this.#connection;
    const tally: Tally = { inserted: 0, updated: 0, unchanged: 0, deleted: 0 };
    this.#storedSoon = this.#stored;
    if (this.#target.columns.length > 0) {
      this.#storedSoon = migrate(db, this.#stored, this.#target);
      const set = {
        length: this.#rows.length,
        quarantined: this.#counts.quarantined + this.#quarantined.length,
        rows: this.#rows.rows(),
        scopes: this.#scopes,
      };
      this.#undoLog.keepRows(this.#target, tally, () => writeSet(db, this.#target, this.#info, set, tally));
    }
    this.#undoLog.keepQuarantined(this.#target.name, this.#released);
    // Rows that a replay takes out of quarantine are as old as they were, and say nothing about those that stay.
    if (this.#released.size === 0) this.#watch.note();
    this.#quarantine.release(this.#released);
    this.#quarantine.write(this.#quarantined.rows());
    this.#countsSoon = {
      inserted: this.#counts.inserted + tally.inserted,
      updated: this.#counts.updated + tally.updated,
      unchanged: this.#counts.unchanged + tally.unchanged,
      deleted: this.#counts.deleted + tally.deleted,
      quarantined: this.#counts.quarantined + this.#quarantined.length,
    };
  }

  /** The transaction of the last `apply` is durable. */
  committed(): void {
    this.#stored = this.#storedSoon;
    this.#base = this.#target;
    this.#counts = this.#countsSoon;
    this.#clear();
  }

  /** Drops what was taken since the last commit. */
  discard(): void {
    this.#target = this.#base;
    this.#encoder = new RowEncoder(this.#target, codecOf);
    this.#clear();
  }

  /** Writes what was taken to a table of its own, for inspection, in the caller's transaction. */
  keepStaged(name: string): boolean {
    if (this.#rows.length === 0) return false;
    const { db } = this.#connection;
    const staging = { ...this.#target, name, write: { mode: 'append' as const } };
    db.exec(createTableSql(staging, name, []));
    const tally: Tally = { inserted: 0, updated: 0, unchanged: 0, deleted: 0 };
    writeSet(
      db,
      staging,
      this.#info,
      { length: this.#rows.length, quarantined: 0, rows: this.#rows.rows(), scopes: [] },
      tally,
    );
    return true;
  }

  #clear(): void {
    this.heldState = [];
    this.#scopes = [];
    this.#released.clear();
    this.#watch.clear();
    this.#connection.run(() => {
      this.#rows.clear();
      this.#quarantined.clear();
    });
  }
}
