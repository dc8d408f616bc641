/** An in-memory DuckDB for checks, thrown away after them. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from '@duckdb/node-api';
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import { loadPeer } from '../errors/optional-peer.ts';
import { stringifyJson } from '../model/index.ts';
import type { CheckQuery, Column, RowObject, Value } from '../model/index.ts';
import { readOnlyQuery } from '../model/run-check.ts';
import { quoteIdentifier, quoteText } from '../model/sql-text.ts';

type DuckDb = typeof import('@duckdb/node-api');

/** What tables and queries may take; what does not fit goes to a temporary folder. */
const memoryLimit = '320MB';
const maxThreads = 4;
/** DuckDB takes rows in lists of at most so many. */
const chunkRows = 2_048;

/** See the module's title. Tables come first, then {@link CheckDatabase.seal}, then queries. */
export class CheckDatabase {
  readonly #duck: DuckDb;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #folder: string;

  private constructor(duck: DuckDb, instance: DuckDBInstance, connection: DuckDBConnection, folder: string) {
    this.#duck = duck;
    this.#instance = instance;
    this.#connection = connection;
    this.#folder = folder;
  }

  /** @throws PlumbingError `OPTIONAL_PEER_MISSING` without the package `@duckdb/node-api`. */
  static async open(): Promise<CheckDatabase> {
    const duck = await loadPeer('@duckdb/node-api', () => import('@duckdb/node-api'));
    const folder = join(tmpdir(), `plumbing-checks-${randomBytes(8).toString('hex')}`);
    const instance = await duck.DuckDBInstance.create(':memory:', {
      threads: String(Math.min(availableParallelism(), maxThreads)),
      memory_limit: memoryLimit,
      temp_directory: folder,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    // A check must not depend on the zone of the machine that runs it.
    await connection.run("SET TimeZone = 'UTC'");

    return new CheckDatabase(duck, instance, connection, folder);
  }

  /** Makes a table of rows, which come by the names of its columns. Values arrive as text, so that none loses a digit. */
  async fill(
    table: string,
    columns: readonly Column[],
    rows: AsyncIterable<RowObject> | Iterable<RowObject>,
  ): Promise<void> {
    const { VARCHAR, BLOB, DuckDBDataChunk, DuckDBBlobValue } = this.#duck;
    const types = columns.map(({ type }) => (type === 'binary' ? BLOB : VARCHAR));
    const cellOf = (value: Value): DuckDBValue => {
      if (value === null) return null;
      return value instanceof Uint8Array ? new DuckDBBlobValue(value) : textOf(value);
    };
    const [name, texts] = [quoteIdentifier(table), quoteIdentifier('_plumbing_texts')];
    const list = (typeOf: (index: number) => string): string =>
      columns.map((column, index) => `${quoteIdentifier(column.name)} ${typeOf(index)}`).join(', ');
    await this.#run(`CREATE TABLE ${texts} (${list((index) => String(types[index]))})`);
    const appender = await this.#connection.createAppender('_plumbing_texts');
    let waiting: DuckDBValue[][] = [];
    const append = (): void => {
      if (waiting.length === 0) return;
      try {
        const chunk = DuckDBDataChunk.create(types);
        chunk.setRows(waiting);
        appender.appendDataChunk(chunk);
      } catch (error) {
        throw queryError(error);
      }
      waiting = [];
    };
    for await (const row of rows) {
      waiting.push(
        columns.map(({ name: column, type }) => {
          const value = row[column] ?? null;
          return type === 'json' && value !== null ? stringifyJson(value) : cellOf(value);
        }),
      );
      if (waiting.length === chunkRows) append();
    }
    append();
    appender.closeSync();
    const casts = columns.map(
      ({ name: column, type }) =>
        `CAST(${quoteIdentifier(column)} AS ${checkType(type)}) AS ${quoteIdentifier(column)}`,
    );
    await this.#run(`CREATE TABLE ${name} AS SELECT ${casts.join(', ')} FROM ${texts}`);
    await this.#run(`DROP TABLE ${texts}`);
  }

  /** Shows the rows of a query as a table. */
  async show(table: string, columns: readonly Column[], sql: string): Promise<void> {
    const casts = columns.map(
      ({ name, type }) => `CAST(${quoteIdentifier(name)} AS ${checkType(type)}) AS ${quoteIdentifier(name)}`,
    );
    await this.#run(`CREATE VIEW ${quoteIdentifier(table)} AS SELECT ${casts.join(', ')} FROM (${sql})`);
  }

  /** Ends the making of tables: queries read nothing but them, and `files`, on which views stand. */
  async seal(files: readonly string[]): Promise<void> {
    await this.#run(`SET allowed_paths = [${files.map(quoteText).join(', ')}]`);
    await this.#run('SET enable_external_access = false');
    await this.#run('SET lock_configuration = true');
  }

  /** Runs a SELECT of a check. Values that JavaScript has no type for come as DuckDB writes them. */
  get query(): CheckQuery {
    return readOnlyQuery(async (sql) => {
      try {
        const statements = await this.#connection.extractStatements(sql);
        if (statements.count !== 1)
          throw new PlumbingError('QUERY_FAILED', 'a check runs one SELECT at a time');
        const statement = await statements.prepare(0);
        const reader = await statement.runAndReadAll();
        const names = reader.deduplicatedColumnNames();
        return reader
          .getRows()
          .map((cells) => Object.fromEntries(names.map((name, i) => [name, plain(cells[i] ?? null)])));
      } catch (error) {
        throw queryError(error);
      }
    });
  }

  async #run(sql: string): Promise<void> {
    try {
      await this.#connection.run(sql);
    } catch (error) {
      throw queryError(error);
    }
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Tables for checks in DuckDB's SQL, and what asks them. */
export interface DuckChecks {
  readonly query: CheckQuery;
  close(): void;
}

/**
 * Makes the database for the checks that name `tables`, unless there are none; `fill` makes the tables, and gives the files on which views
 * stand. Without DuckDB each check fails that asks, and so it does when DuckDB can not make the tables.
 */
export async function openDuckChecks(
  tables: readonly string[],
  fill: (db: CheckDatabase) => Promise<readonly string[]>,
): Promise<DuckChecks> {
  if (tables.length === 0) return noDuckDb(new Error('there is no check for DuckDB'));
  let db: CheckDatabase;
  try {
    db = await CheckDatabase.open();
  } catch (error) {
    if (isPlumbingError(error, 'OPTIONAL_PEER_MISSING')) return noDuckDb(error);
    throw error;
  }
  try {
    await db.seal(await fill(db));
    return { query: db.query, close: () => db.close() };
  } catch (error) {
    db.close();
    if (isPlumbingError(error, 'QUERY_FAILED')) return noDuckDb(error);
    throw error;
  }
}

function noDuckDb(error: Error): DuckChecks {
  const query: CheckQuery = async () => {
    throw error;
  };
  return {
    query,
    close() {
      // Nothing was opened.
    },
  };
}

/** What is wrong with the SQL is told in full; other messages may quote rows, and only their kind is passed on. */
function queryError(error: unknown): PlumbingError {
  if (isPlumbingError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  const kind = /^[A-Za-z ]{1,40}(?=:)/.exec(message)?.[0] ?? 'an error without a kind';
  const isAboutSql = /^(Binder|Parser|Catalog|Permission) Error$/.test(kind);
  return new PlumbingError('QUERY_FAILED', `DuckDB reports ${isAboutSql ? message : kind}`);
}

/** How a logical type looks to checks. */
function checkType(type: Column['type']): string {
  switch (type) {
    case 'boolean':
      return 'BOOLEAN';
    case 'int64':
      return 'BIGINT';
    case 'float64':
      return 'DOUBLE';
    case 'date':
      return 'DATE';
    case 'time':
      return 'TIME';
    case 'timestamp':
      return 'TIMESTAMPTZ';
    case 'uuid':
      return 'UUID';
    case 'binary':
      return 'BLOB';
    case 'json':
      return 'JSON';
    case 'string':
      return 'VARCHAR';
    default:
      return type.toUpperCase();
  }
}

function textOf(value: Exclude<Value, null | Uint8Array>): string {
  return typeof value === 'object' ? stringifyJson(value) : String(value);
}

function plain(value: DuckDBValue): unknown {
  return typeof value === 'object' && value !== null ? String(value) : value;
}
