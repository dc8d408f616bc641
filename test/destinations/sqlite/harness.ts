/** What the tests of the SQLite destination share: a folder of their own, and loads in few words. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach } from 'vitest';
import { createSqliteReader, sqlite } from '../../../src/destinations/sqlite/index.ts';
import type {
  Column,
  Load,
  LoadInfo,
  LogicalType,
  Row,
  RowObject,
  RowQuery,
  Session,
  StateEntry,
  TableCounts,
  TableDefinition,
  WriteMode,
} from '../../../src/model/index.ts';

export const upsert: WriteMode = { mode: 'merge', strategy: 'upsert' };
export const append: WriteMode = { mode: 'append' };
export const replace: WriteMode = { mode: 'replace' };
export const scopedBy = (...scope: string[]): WriteMode => ({
  mode: 'merge',
  strategy: 'delete-insert',
  scope,
});

/** A column whose path is its name. */
export function column(name: string, type: LogicalType = 'string', more: Partial<Column> = {}): Column {
  return { name, type, nullable: true, path: [name], ...more };
}

/** Table `t`. Columns as `'name:type'`. */
export function tableOf(
  columns: readonly (string | Column)[],
  write: WriteMode = append,
  primaryKey: readonly string[] = [],
  name = 't',
): TableDefinition {
  const parsed = columns.map((item) => {
    if (typeof item !== 'string') return item;
    const [columnName = '', type = 'string'] = item.split(':');
    return column(columnName, type as LogicalType);
  });
  return { name, columns: parsed, write, primaryKey };
}

export const entry = (
  cursor: NonNullable<StateEntry['state']['cursor']>,
  stream = 't',
  partition = '',
): StateEntry => ({
  stream,
  partition,
  state: { cursor },
});

let loads = 0;

/** A database in a folder that is removed after the test. */
export class TestDatabase {
  readonly folder = mkdtempSync(join(tmpdir(), 'plumbing-sqlite-'));
  readonly path = join(this.folder, 'test.db');
  readonly #sessions: Session[] = [];
  /** Of all sessions from now on. */
  undoLoads = 0;

  async session(
    options: { readOnly?: boolean; lockTimeoutMs?: number; busyTimeoutMs?: number } = {},
  ): Promise<Session> {
    const { readOnly = false, ...timeouts } = options;
    const { path, undoLoads } = this;
    const session = await sqlite({ path, undoLoads, ...timeouts }).open({ readOnly });
    this.#sessions.push(session);
    return session;
  }

  info(tables: readonly TableDefinition[], more: Partial<LoadInfo> = {}): LoadInfo {
    loads++;
    return {
      loadId: `019a0000-0000-7000-8000-${loads.toString(16).padStart(12, '0')}`,
      pipeline: 'p',
      startedAt: '2026-11-23T07:00:00.000000Z',
      day: '2026-11-23',
      staged: false,
      signal: new AbortController().signal,
      tables,
      ...more,
    };
  }

  /** Begins a load on a session of its own. */
  async begin(tables: readonly TableDefinition[], more: Partial<LoadInfo> = {}): Promise<Load> {
    return (await this.session()).begin(this.info(tables, more));
  }

  /** One whole load of one table; gives its counts. */
  async load(
    table: TableDefinition,
    rows: readonly Row[],
    more: Partial<LoadInfo> = {},
    state: readonly StateEntry[] = [],
  ): Promise<TableCounts> {
    const session = await this.session();
    const load = await session.begin(this.info([table], more));
    try {
      await load.write(table.name, rows);
      await load.finishTable(table.name, state);
      await load.publish();
      return load.counts(table.name);
    } finally {
      await session.close();
    }
  }

  /** Rows with the columns that are asked for, in the order that is asked for. */
  async rows(columns?: readonly string[], query: RowQuery = {}, table = 't'): Promise<RowObject[]> {
    const rows = createSqliteReader(this.path).readRows(table, { ...query, ...(columns && { columns }) });
    return Array.fromAsync(rows);
  }

  async state(): Promise<StateEntry[]> {
    const session = await this.session({ readOnly: true });
    return (await session.readState('p')).entries();
  }

  /** Runs plain SQL on a connection of its own, as another program would. */
  sql(text: string, ...parameters: (string | number | null)[]): Record<string, unknown>[] {
    const db = new DatabaseSync(this.path);
    try {
      db.exec('PRAGMA busy_timeout = 2000');
      return db
        .prepare(text)
        .all(...parameters)
        .map((row) => ({ ...row }));
    } finally {
      db.close();
    }
  }

  /** Runs SQL statements that give no rows. */
  exec(text: string): void {
    const db = new DatabaseSync(this.path);
    try {
      db.exec('PRAGMA busy_timeout = 2000');
      db.exec(text);
    } finally {
      db.close();
    }
  }

  /** Ends the sessions, and with them the locks, of loads that a test left open. */
  async close(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await session.close();
  }

  async remove(): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A fresh database for each test of the file. */
export function useDatabase(): () => TestDatabase {
  let database: TestDatabase | undefined;
  beforeEach(() => {
    database = new TestDatabase();
  });
  afterEach(async () => {
    await database?.remove();
  });
  return () => database as TestDatabase;
}
