/** One load: takes rows, and commits them with their state in one transaction. */
import { PlumbingError } from '../../errors/index.ts';
import { failpoint } from '../../failpoints/index.ts';
import { getLogger } from '../../logging/index.ts';
import { toTimestamp } from '../../model/index.ts';
import type {
  AbortResult,
  Check,
  CheckResult,
  Column,
  Commit,
  JsonObject,
  Load,
  LoadInfo,
  LoadRecord,
  QuarantinedRow,
  Row,
  StateEntry,
  TableCounts,
  TableDefinition,
} from '../../model/index.ts';
import { LoadTables, requireOpen, requirePassed } from '../../model/load-tables.ts';
import { runChecks } from './audit.ts';
import { createBookkeeping } from './bookkeeping.ts';
import type { SqliteConnection } from './connection.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';
import { closeRecord, openRecord, updateRecord } from './load-records.ts';
import { deleteDefinition, readDefinition, requireOwnTable } from './schema-store.ts';
import { deleteState, writeState } from './state-store.ts';
import { checkDefinition } from './table-layout.ts';
import { TableLoad } from './table-load.ts';
import type { UndoLog } from './undo-log.ts';
import { forgetTable } from './undo-store.ts';

const log = getLogger('destinations');
const stagingPrefix = '_plumbing_staging__';
const done: Commit = { outcome: 'committed' };

/**
 * The load of a database file. Each commit is one transaction that begins and ends within one call; only an audit keeps
 * its transaction open until the load is published, so that what was checked is what becomes visible.
 */
export class SqliteLoad implements Load {
  readonly #connection: SqliteConnection;
  readonly #info: LoadInfo;
  readonly #undoLog: UndoLog;
  readonly #onEnd: () => Promise<void>;
  readonly #tables: LoadTables<TableLoad>;
  #isApplied = false;
  #checksFailed = false;
  #hasEnded = false;

  /** Opens the run record and creates the tables that are missing. `onEnd` is called once, when the load is over. */
  constructor(connection: SqliteConnection, info: LoadInfo, undoLog: UndoLog, onEnd: () => Promise<void>) {
    const startedAt = toTimestamp(info.startedAt);
    if (startedAt === undefined) {
      throw new PlumbingError(
        'SCHEMA_INVALID',
        'startedAt of a load is an ISO 8601 timestamp with a time zone',
      );
    }
    this.#connection = connection;
    this.#info = { ...info, startedAt };
    this.#undoLog = undoLog;
    this.#onEnd = onEnd;
    this.#tables = new LoadTables(info.staged);
    connection.transaction(() => {
      createBookkeeping(connection.db);
      openRecord(connection.db, this.#info, now());
      for (const declared of info.tables) this.#addTable(declared);
    });
  }

  #addTable(declared: TableDefinition): void {
    const { db, path } = this.#connection;
    const { name } = declared;
    checkDefinition(declared, declared.columns.length === 0);
    this.#tables.requireNew(name);
    const stored = requireOwnTable(db, name, path);
    if (!stored && readDefinition(db, name, path)) {
      // Someone dropped the table. Its cursors would leave a gap: it is loaded anew, from the beginning.
      deleteDefinition(db, name);
      deleteState(db, name);
      forgetTable(db, name);
    }
    db.exec(`DROP TABLE IF EXISTS ${quoteIdentifier(stagingPrefix + name)}`);
    const table = new TableLoad(this.#connection, this.#info, this.#undoLog, declared, stored);
    table.create();
    this.#tables.add(name, table);
  }

  table(name: string): TableDefinition {
    return this.#tables.get(name).definition;
  }

  counts(table: string): TableCounts {
    return this.#tables.get(table).counts;
  }

  async evolve(table: string, columns: readonly Column[]): Promise<TableDefinition> {
    return this.#taking(table).evolve(columns);
  }

  async write(table: string, rows: readonly Row[], scopes: readonly JsonObject[] = []): Promise<void> {
    this.#taking(table).write(rows, scopes);
  }

  async quarantine(table: string, rows: readonly QuarantinedRow[]): Promise<void> {
    this.#taking(table).quarantine(rows);
  }

  async releaseQuarantine(table: string, ids: readonly number[]): Promise<void> {
    this.#taking(table).release(ids);
  }

  async checkpoint(state: readonly StateEntry[]): Promise<Commit> {
    this.#requireOpen();
    const due = this.#tables.hold(state);
    const tables = this.#tables.all().filter((table) => !table.isStaged && table.hasPending);
    if (tables.length > 0 || due.length > 0) this.#commit(tables, due);
    return done;
  }

  async finishTable(name: string, state: readonly StateEntry[]): Promise<Commit> {
    this.#requireOpen();
    const table = this.#tables.finish(name);
    const due = this.#tables.hold(state);
    if (!this.#info.staged) this.#commit([table], [...table.heldState, ...due]);
    return done;
  }

  async discardTable(name: string): Promise<void> {
    this.#requireOpen();
    this.#tables.discard(name);
  }

  async audit(checks: readonly Check[]): Promise<readonly CheckResult[]> {
    this.#requireOpen(true);
    if (this.#info.staged) this.#applyStaged();
    try {
      const results = await runChecks(this.#connection, checks, this.#info.signal);
      this.#checksFailed = results.some((result) => !result.passed);
      if (this.#checksFailed) this.#undo();
      return results;
    } catch (error) {
      this.#undo();
      throw error;
    }
  }

  async publish(): Promise<Commit> {
    this.#requireOpen(true);
    requirePassed(this.#checksFailed);
    this.#tables.requireComplete();
    if (this.#info.staged) this.#applyStaged();
    else this.#connection.begin();
    try {
      this.#connection.run(() => {
        this.#undoLog.open();
        this.#closeRecord();
      });
      this.#connection.commit();
    } catch (error) {
      this.#undo();
      throw error;
    }
    if (this.#isApplied) for (const table of this.#tables.finished()) table.committed();
    await this.#end();
    return done;
  }

  async abort(reason: string, options: { readonly keepStaged?: boolean } = {}): Promise<AbortResult> {
    if (this.#hasEnded) return { staged: [] };
    this.#undo();
    let staged: string[] = [];
    try {
      staged = this.#connection.transaction(() => {
        const status = this.#checksFailed ? 'checks_failed' : 'failed';
        this.#closeRecord(status, reason);
        return options.keepStaged === true ? this.#keepStaged() : [];
      });
    } catch (error) {
      // The reason of the abort matters more, and is on its way to the caller.
      log.warn('the end of load {loadId} could not be noted: {message}', {
        loadId: this.#info.loadId,
        message: error instanceof Error ? error.message : String(error),
      });
    }
    await this.#end();
    return { staged };
  }

  #commit(tables: readonly TableLoad[], state: readonly StateEntry[]): void {
    this.#connection.transaction(() => this.#apply(tables, state), foreignKeysFor(tables));
    for (const table of tables) table.committed();
  }

  #apply(tables: readonly TableLoad[], state: readonly StateEntry[]): void {
    const { db } = this.#connection;
    const { pipeline, loadId } = this.#info;
    this.#undoLog.open();
    for (const table of tables) {
      table.apply();
      failpoint('sqlite.rows_applied');
    }
    this.#undoLog.keepState(state, () => writeState(db, pipeline, loadId, now(), state));
    const applied = new Set(tables);
    const counts = [...this.#tables].map(([name, table]) => [
      name,
      applied.has(table) ? table.countsSoon : table.counts,
    ]);
    failpoint('sqlite.state_written');
    updateRecord(db, loadId, Object.fromEntries(counts) as Record<string, TableCounts>);
  }

  /** Writes a staged load in a transaction that stays open until it is published or undone. */
  #applyStaged(): void {
    if (this.#isApplied) return;
    this.#connection.begin(foreignKeysFor(this.#tables.finished()));
    try {
      const state = this.#tables.stagedState();
      this.#connection.run(() => this.#apply(this.#tables.finished(), state));
      this.#isApplied = true;
    } catch (error) {
      this.#undo();
      throw error;
    }
  }

  #undo(): void {
    this.#connection.rollback();
    this.#isApplied = false;
  }

  #closeRecord(status?: LoadRecord['status'], error?: string): void {
    const incomplete = this.#tables.incomplete();
    closeRecord(this.#connection.db, this.#info.loadId, {
      status: status ?? (incomplete === undefined ? 'succeeded' : 'failed'),
      finishedAt: now(),
      error: error ?? incomplete,
    });
  }

  #keepStaged(): string[] {
    const names: string[] = [];
    for (const [name, table] of this.#tables) {
      const staging = stagingPrefix + name;
      if (table.isStaged && table.keepStaged(staging)) names.push(staging);
    }
    return names;
  }

  async #end(): Promise<void> {
    this.#hasEnded = true;
    try {
      for (const table of this.#tables.all()) table.discard();
    } finally {
      await this.#onEnd();
    }
  }

  #taking(name: string): TableLoad {
    this.#requireOpen();
    return this.#tables.get(name);
  }

  #requireOpen(isLast = false): void {
    requireOpen({ hasEnded: this.#hasEnded, isAudited: this.#isApplied }, isLast);
  }
}

function foreignKeysFor(tables: readonly TableLoad[]): 'on' | 'off' {
  return tables.some((table) => table.replacesReferenced) ? 'off' : 'on';
}

function now(): string {
  return toTimestamp(new Date()) as string;
}
