/** DuckDB over SQLite files. */
import type { DuckDBConnection, DuckDBInstance, DuckDBResult } from '@duckdb/node-api';
import type { z } from 'zod';
import { PlumbingError } from '../errors/index.ts';
import { quoteIdentifier, quoteText } from '../destinations/sqlite/identifier.ts';
import type { TableShape } from '../destinations/sqlite/table-shapes.ts';
import { AttachedFile } from './attached-file.ts';
import { loadDuckDb } from './duckdb.ts';
import type { DuckDb } from './duckdb.ts';
import { makeScanFunction, scanName } from './scan-function.ts';
import { fromDuck, toParameter } from './values.ts';

/** Options of {@link openAnalytics}. */
export interface AnalyticsOptions {
  /** SQLite files by the name under which their tables are read: `{ bank: 'comdirect.db' }` gives `bank.account_balances`. */
  readonly attach: Readonly<Record<string, string>>;
  /**
   * What becomes of a column in a file of another program whose values do not fit its declared type: `error`, the default,
   * ends the query; `varchar` reads all columns of such files as text.
   */
  readonly mixedTypes?: 'error' | 'varchar';
}

/** Parameters: by position (`$1`, `?`) or by name (`$from`). They are bound, never part of the SQL. */
export type QueryParameters = readonly unknown[] | Readonly<Record<string, unknown>>;

/** Options of {@link Analytics.query}. */
export interface QueryOptions<S extends z.ZodObject = z.ZodObject> {
  /** Each row is parsed by it; a row that does not fit is `ROW_INVALID`. */
  readonly schema?: S;
  readonly signal?: AbortSignal;
}

/** Rows of a query: iterate over batches of them in bounded memory, or take them all. Asked once. */
export interface QueryResult<R> extends AsyncIterable<readonly R[]> {
  all(): Promise<R[]>;
}

/**
 * Opens an in-process DuckDB in which the tables of SQLite files can be read and joined. The files are only read; nothing
 * is downloaded. Each query sees one consistent snapshot of each file, also while a load is writing to it.
 *
 * @throws PlumbingError `OPTIONAL_PEER_MISSING` without the package `@duckdb/node-api`; `CONFIG_INVALID` for an alias that
 * is no name, or that two files share; as `openSqlite` does for files that can't be read.
 *
 * @example
 * ```ts
 * await using db = await openAnalytics({ attach: { bank: 'comdirect.db' } });
 * console.log(await db.query('SELECT count(*) AS n FROM bank.account_balances').all());
 * ```
 */
export async function openAnalytics(options: AnalyticsOptions): Promise<Analytics> {
  const duck = await loadDuckDb();
  const files = new Map<string, AttachedFile>();
  try {
    for (const [alias, path] of Object.entries(options.attach)) {
      if (/^(main|temp|system|information_schema|pg_catalog)$/i.test(alias)) {
        throw new PlumbingError(
          'CONFIG_INVALID',
          `attach: "${alias}" is a name of DuckDB's own; take another`,
        );
      }
      quoteIdentifier(alias);
      if ([...files.keys()].some((other) => other.toLowerCase() === alias.toLowerCase())) {
        throw new PlumbingError(
          'CONFIG_INVALID',
          `attach: two files are called "${alias}" (case does not count)`,
        );
      }
      files.set(alias, await AttachedFile.open(alias, path, options.mixedTypes ?? 'error'));
    }
    const instance = await duck.DuckDBInstance.create(':memory:', {
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    return new Analytics(duck, instance, connection, files);
  } catch (error) {
    for (const file of files.values()) file.close();
    throw error;
  }
}

/** An open connection. Made by {@link openAnalytics}. Queries run one after the other. */
export class Analytics implements AsyncDisposable {
  readonly #duck: DuckDb;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #files: ReadonlyMap<string, AttachedFile>;
  /** The tables for which there are views. */
  readonly #shown = new Map<AttachedFile, readonly TableShape[]>();
  #turn: Promise<unknown> = Promise.resolve();
  #scanError: unknown;
  #isOpen = true;

  /** @internal */
  constructor(
    duck: DuckDb,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    files: ReadonlyMap<string, AttachedFile>,
  ) {
    this.#duck = duck;
    this.#instance = instance;
    this.#connection = connection;
    this.#files = files;
    connection.registerTableFunction(makeScanFunction(duck, files, (error) => (this.#scanError = error)));
  }

  /**
   * Runs DuckDB SQL. DECIMAL comes as text with its scale, BIGINT as `number` where safe and `bigint` beyond, dates and
   * times as ISO text, BLOB as bytes, nested values as arrays and objects.
   *
   * @throws PlumbingError `QUERY_FAILED` with DuckDB's words; `ROW_INVALID` for rows that do not fit `schema`, or a column of a foreign file
   * that does not hold to its type; `signal.reason` when aborted.
   */
  query<S extends z.ZodObject>(
    sql: string,
    params: QueryParameters | undefined,
    options: QueryOptions<S> & { readonly schema: S },
  ): QueryResult<z.output<S>>;
  query(sql: string, params?: QueryParameters, options?: QueryOptions): QueryResult<Record<string, unknown>>;
  query(
    sql: string,
    params: QueryParameters = [],
    options: QueryOptions = {},
  ): QueryResult<Record<string, unknown>> {
    const batches = (): AsyncGenerator<Record<string, unknown>[]> => this.#batches(sql, params, options);
    return {
      [Symbol.asyncIterator]: batches,
      async all() {
        const rows: Record<string, unknown>[] = [];
        for await (const batch of batches()) for (const row of batch) rows.push(row);
        return rows;
      },
    };
  }

  /** Tables and views that can be read now, with the logical types of their columns. */
  async tables(): Promise<readonly AttachedTable[]> {
    return this.#inTurn(async () =>
      [...this.#files.values()].flatMap(({ alias, tables }) =>
        tables.map(({ name, columns }) => ({
          alias,
          table: name,
          columns: columns.map((column) => ({ name: column.name, type: column.type })),
        })),
      ),
    );
  }

  /** Ends the connection, after the queries that are under way. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#turn;
    this.#connection.closeSync();
    this.#instance.closeSync();
    for (const file of this.#files.values()) file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#batches(
    sql: string,
    params: QueryParameters,
    { schema, signal }: QueryOptions,
  ): AsyncGenerator<Record<string, unknown>[]> {
    const release = await this.#takeTurn();
    let again: NodeJS.Timeout | undefined;
    const interrupt = (): void => {
      this.#connection.interrupt();
      // DuckDB forgets one that comes while the query is only being prepared.
      again = setTimeout(interrupt, 20);
    };
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      signal?.throwIfAborted();
      await this.#beginSnapshots();
      this.#scanError = undefined;
      const result = await this.#connection.stream(sql, this.#bound(params) as never);
      signal?.throwIfAborted();
      yield* this.#rowsOf(result, schema);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#typed(error);
    } finally {
      signal?.removeEventListener('abort', interrupt);
      clearTimeout(again);
      for (const file of this.#files.values()) file.endSnapshot();
      release();
    }
  }

  async *#rowsOf(
    result: DuckDBResult,
    schema: z.ZodObject | undefined,
  ): AsyncGenerator<Record<string, unknown>[]> {
    const names = result.deduplicatedColumnNames();
    for (
      let chunk = await result.fetchChunk();
      chunk && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      yield chunk.getRows().map((cells) => {
        // Not by assignment: a column may be named __proto__.
        const row = Object.fromEntries(
          names.map((name, i) => [name, fromDuck(this.#duck, cells[i] ?? null)]),
        );
        if (!schema) return row;
        const parsed = schema.safeParse(row);
        if (parsed.success) return parsed.data;
        const fields = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
        throw new PlumbingError(
          'ROW_INVALID',
          `a row of the result does not fit: ${fields.slice(0, 5).join('; ')}`,
        );
      });
    }
  }

  #bound(params: QueryParameters): unknown {
    if (Array.isArray(params)) return params.map((value) => toParameter(this.#duck, value));
    return Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, toParameter(this.#duck, value)]),
    );
  }

  /** One snapshot of each file; views follow where its tables changed. */
  async #beginSnapshots(): Promise<void> {
    for (const file of this.#files.values()) {
      file.beginSnapshot();
      if (this.#shown.get(file) === file.tables) continue;
      const schema = quoteIdentifier(file.alias);
      await this.#connection.run(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}`);
      for (const { name } of file.tables) {
        await this.#connection.run(
          `CREATE VIEW ${schema}.${quoteIdentifier(name)} AS SELECT * FROM ${scanName}(${quoteText(file.alias)}, ${quoteText(name)})`,
        );
      }
      // Noted only now: what failed half-way is done again by the next query.
      this.#shown.set(file, file.tables);
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.#takeTurn();
    try {
      await this.#beginSnapshots();
      return await work();
    } finally {
      for (const file of this.#files.values()) file.endSnapshot();
      release();
    }
  }

  async #takeTurn(): Promise<() => void> {
    if (!this.#isOpen) throw new PlumbingError('QUERY_FAILED', 'the connection is closed');
    const before = this.#turn;
    const turn = Promise.withResolvers<void>();
    this.#turn = turn.promise;
    await before;
    return turn.resolve;
  }

  #typed(error: unknown): unknown {
    if (error instanceof PlumbingError) return error;
    if (this.#scanError instanceof PlumbingError) return this.#scanError;
    const text = error instanceof Error ? error.message : String(error);
    return new PlumbingError('QUERY_FAILED', `DuckDB: ${text}`);
  }
}

/** A table that a query can name. */
export interface AttachedTable {
  readonly alias: string;
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}
