/** Reads committed rows, beside any load that is running. */
import type { StatementSync } from 'node:sqlite';
import { PlumbingError } from '../../errors/index.ts';
import type {
  Column,
  Condition,
  DestinationStatus,
  PipelineState,
  Reader,
  RowObject,
  RowQuery,
  StoredQuarantinedRow,
  TableDefinition,
  Value,
} from '../../model/index.ts';
import { hasBookkeeping } from './bookkeeping.ts';
import { decimalSortKey } from './codec.ts';
import type { SqlValue } from './codec.ts';
import { openSqlite } from './connection.ts';
import type { SqliteConnection } from './connection.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';
import { iterate } from './iterate.ts';
import { readRecords } from './load-records.ts';
import type { SqliteTarget } from './options.ts';
import { readQuarantined } from './quarantine-store.ts';
import { listTables, physicalTable, readDefinition } from './schema-store.ts';
import { selectMax, selectRows, sortKeyFunction } from './select.ts';
import type { Select } from './select.ts';
import { sqliteError } from '../../errors/sqlite-error.ts';
import { readAllState, readPipelineState } from './state-store.ts';
import { absentColumns } from '../../model/merge-definition.ts';
import { physicalColumns } from '../../model/table-layout.ts';

const shownLoads = 20;

/**
 * The {@link Reader} of a database file. Each call, and each stream of rows, has a read-only connection and one
 * snapshot of its own: what a load commits meanwhile is not seen by it.
 */
export class SqliteReader implements Reader {
  readonly #target: SqliteTarget;
  readonly #open = new Set<SqliteConnection>();

  constructor(target: SqliteTarget) {
    this.#target = target;
  }

  async tables(): Promise<readonly string[]> {
    return this.#read(({ db }) => listTables(db));
  }

  async columns(table: string): Promise<readonly Column[] | undefined> {
    return this.#read((connection) => {
      const definition = ownTable(connection, table);
      return definition && physicalColumns(definition);
    });
  }

  /**
   * Streams rows. Conditions are bound, never part of the SQL text. Columns of `declared` that the table does not have are
   * read as if it had them, and no row a value in them.
   *
   * @throws PlumbingError `SCHEMA_INVALID` for a table or column that does not exist, `ROW_INVALID` for the value of a
   * condition that does not fit its column.
   */
  async *readRows(
    table: string,
    query: RowQuery = {},
    declared: readonly Column[] = [],
  ): AsyncIterable<RowObject> {
    const connection = await this.#connect();
    try {
      const definition = connection.run(() => ownTable(connection, table));
      if (!definition)
        throw new PlumbingError('SCHEMA_INVALID', `${connection.path}: there is no table "${table}"`);
      const absent = absentColumns(definition.columns, declared);
      yield* answersOf(connection, selectRows(definition, query, connection.endsTextAtNul, absent));
    } finally {
      this.#close(connection);
    }
  }

  /** The largest value of a column among the rows that meet `where`; `null` when there is none, or no such table yet. */
  async getMax(table: string, column: string, where: readonly Condition[] = []): Promise<Value> {
    return this.#read((connection) => {
      const definition = ownTable(connection, table);
      if (!definition) return null;
      const [row] = answersOf(connection, selectMax(definition, column, where));
      return row?.['value'] ?? null;
    });
  }

  async *quarantined(table: string): AsyncIterable<StoredQuarantinedRow> {
    const connection = await this.#connect();
    try {
      if (connection.run(() => hasBookkeeping(connection.db))) yield* readQuarantined(connection.db, table);
    } finally {
      this.#close(connection);
    }
  }

  async status(): Promise<DestinationStatus> {
    return this.#read(({ db, path }) => {
      const count = (sql: string, ...parameters: SqlValue[]): number =>
        Number(db.prepare(sql).get(...parameters)?.['n']);
      const tables = listTables(db).map((table) => ({
        table,
        rows: count(`SELECT count(*) AS n FROM ${quoteIdentifier(table)}`),
        quarantined: count('SELECT count(*) AS n FROM _plumbing_quarantine WHERE table_name = ?', table),
      }));
      return { tables, state: readAllState(db, path), loads: readRecords(db, shownLoads) };
    });
  }

  /** The stored state of a pipeline. */
  async readState(pipeline: string): Promise<PipelineState> {
    return this.#read(({ db, path }) => readPipelineState(db, pipeline, path));
  }

  /** Ends every stream of rows that is still being read. */
  async close(): Promise<void> {
    for (const connection of this.#open) this.#close(connection);
  }

  async #read<T>(work: (connection: SqliteConnection) => T): Promise<T> {
    const connection = await this.#connect();
    try {
      return connection.run(() => work(connection));
    } finally {
      this.#close(connection);
    }
  }

  async #connect(): Promise<SqliteConnection> {
    const connection = await openSqlite(this.#target, { readOnly: true });
    this.#open.add(connection);
    // All statements that follow see one snapshot, taken by the first of them.
    connection.run(() => connection.db.exec('BEGIN'));
    connection.db.function(sortKeyFunction, { deterministic: true }, (value) =>
      typeof value === 'string' ? decimalSortKey(value) : value,
    );
    return connection;
  }

  #close(connection: SqliteConnection): void {
    this.#open.delete(connection);
    connection.close();
  }
}

/** All rows of a table as the connection sees them, an open transaction included; `undefined` when there is no such table. */
export function allRows(
  connection: SqliteConnection,
  table: string,
): { readonly columns: readonly Column[]; readonly rows: Iterable<RowObject> } | undefined {
  const definition = ownTable(connection, table);
  if (!definition) return undefined;
  const select = selectRows(definition, {}, connection.endsTextAtNul);
  return { columns: physicalColumns(definition), rows: answersOf(connection, select) };
}

function ownTable({ db, path }: SqliteConnection, table: string): TableDefinition | undefined {
  const definition = readDefinition(db, table, path);
  return definition?.name === table && physicalTable(db, table) ? definition : undefined;
}

function* answersOf(connection: SqliteConnection, select: Select): Iterable<RowObject> {
  const statement = connection.run(() => connection.db.prepare(select.sql));
  statement.setReadBigInts(select.needsBigInts);
  const cellsOf = arrayReader(statement);
  try {
    for (const answer of iterate(statement, ...select.parameters)) yield select.toRow(cellsOf(answer));
  } catch (error) {
    throw sqliteError(error, connection.path);
  }
}

/** Newer versions of Node give arrays, which is faster. */
function arrayReader(statement: StatementSync): (answer: object) => readonly SqlValue[] {
  if (typeof (statement as Partial<StatementSync>).setReturnArrays !== 'function') return Object.values;
  statement.setReturnArrays(true);
  return (answer) => answer as unknown as SqlValue[];
}
