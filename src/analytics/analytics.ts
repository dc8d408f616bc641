/** Queries over attached files. */
import type { DuckDBConnection, DuckDBInstance, DuckDBResult, DuckDBValue } from '@duckdb/node-api';
import type { z } from 'zod';
import { BrokenResultError, resultChunks } from '../duckdb/result-chunks.ts';
import { PlumbingError } from '../errors/index.ts';
import { untilAborted } from '../model/until-aborted.ts';
import type { AttachedTable, Attachments } from './attachments.ts';
import type { DuckDb } from './duckdb.ts';
import { ExportFile } from './export-file.ts';
import type { ExportColumn } from './export-file.ts';
import type { ScanErrors } from './scan-function.ts';
import { fromDuck, toParameter } from './values.ts';

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

/** An open connection. Made by {@link openAnalytics}. Queries run one after the other. */
export class Analytics implements AsyncDisposable {
  readonly #duck: DuckDb;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #attachments: Attachments;
  readonly #scanErrors: ScanErrors;
  #turn: Promise<void> = Promise.resolve();
  #isOpen = true;

  /** @internal */
  constructor(
    duck: DuckDb,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    attachments: Attachments,
    scanErrors: ScanErrors,
  ) {
    this.#duck = duck;
    this.#instance = instance;
    this.#connection = connection;
    this.#attachments = attachments;
    this.#scanErrors = scanErrors;
  }

  /**
   * Runs DuckDB SQL. DECIMAL comes as text with its scale, BIGINT as `number` where safe and `bigint` beyond, dates and
   * times as ISO text, BLOB as bytes, nested values as arrays and objects.
   *
   * The next query waits until the loop over this one ends: one that is awaited inside of that loop would wait for ever.
   *
   * @throws PlumbingError `QUERY_FAILED` with DuckDB's words, which are not known when it fails after its first rows; `ROW_INVALID` for rows that do not fit `schema`, or a column of a foreign file
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

  /**
   * Writes the rows of a query to a file: `.parquet` (zstd), `.csv` (with a header) or `.json` (one array; decimals are numbers
   * with all their digits). The file appears when it is complete, readable by its owner only, and takes the place of an older one.
   *
   * @throws PlumbingError `CONFIG_INVALID` for another extension; `QUERY_FAILED` when the file can't be written; else as `query`.
   *
   * @example
   * ```ts
   * const { rows } = await db.exportTo('2026.parquet', 'FROM bank.account_balances WHERE _inserted_at_day >= $1', ['2026-01-01']);
   * ```
   */
  async exportTo(
    file: string,
    sql: string,
    params: QueryParameters = [],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly rows: number }> {
    const target = new ExportFile(file);
    const end = await this.#begin(sql, signal);
    try {
      const columns = await this.#describe(target.describeSql(sql), params);
      signal?.throwIfAborted();
      const result = await this.#connection.run(target.copySql(sql, columns), this.#bound(params));
      signal?.throwIfAborted();
      target.finish();
      return { rows: result.rowsChanged };
    } catch (error) {
      signal?.throwIfAborted();
      throw (await this.#copyError(error)) ?? this.#typed(error);
    } finally {
      target.cleanUp();
      end();
    }
  }

  /** What a statement that is no query has no answer to is said by the one that comes after it. */
  async #describe(sql: string | undefined, params: QueryParameters): Promise<ExportColumn[]> {
    if (sql === undefined) return [];
    const result = await this.#connection.runAndReadAll(sql, this.#bound(params)).catch(() => undefined);
    return (result?.getRows() ?? []).map(([name, type]) => ({ name: String(name), type: String(type) }));
  }

  /** Tables and views that can be read now, with the logical types of their columns. */
  async tables(): Promise<readonly AttachedTable[]> {
    const release = await this.#takeTurn();
    try {
      return await this.#attachments.readTables();
    } finally {
      release();
    }
  }

  /** Ends the connection, after the queries that are under way. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#turn;
    await this.#attachments.detach();
    this.#connection.closeSync();
    this.#instance.closeSync();
    await this.#attachments.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#batches(
    sql: string,
    params: QueryParameters,
    { schema, signal }: QueryOptions,
  ): AsyncGenerator<Record<string, unknown>[]> {
    const end = await this.#begin(sql, signal);
    try {
      const result = await this.#connection.stream(sql, this.#bound(params));
      signal?.throwIfAborted();
      yield* this.#rowsOf(result, schema, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw (await this.#copyError(error)) ?? this.#typed(error);
    } finally {
      end();
    }
  }

  /** Waits for the turn, and takes the snapshots of one query. Gives what ends it. */
  async #begin(sql: string, signal: AbortSignal | undefined): Promise<() => void> {
    const release = await this.#takeTurn(signal);
    let again: NodeJS.Timeout | undefined;
    const interrupt = (): void => {
      this.#connection.interrupt();
      // DuckDB forgets one that comes while the query is only being prepared.
      again = setTimeout(interrupt, 20);
    };
    const end = (): void => {
      signal?.removeEventListener('abort', interrupt);
      clearTimeout(again);
      this.#attachments.endSnapshots();
      release();
    };
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      signal?.throwIfAborted();
      this.#scanErrors.last = undefined;
      await this.#attachments.beginSnapshots(signal, sql);
      return end;
    } catch (error) {
      end();
      signal?.throwIfAborted();
      throw this.#typed(error);
    }
  }

  async *#rowsOf(
    result: DuckDBResult,
    schema: z.ZodObject | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Record<string, unknown>[]> {
    const names = result.deduplicatedColumnNames();
    for await (const chunk of resultChunks(result, signal)) {
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

  #bound(params: QueryParameters): DuckDBValue[] | Record<string, DuckDBValue> {
    if (Array.isArray(params)) return params.map((value) => toParameter(this.#duck, value));
    return Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, toParameter(this.#duck, value)]),
    );
  }

  async #takeTurn(signal?: AbortSignal): Promise<() => void> {
    if (!this.#isOpen) throw new PlumbingError('QUERY_FAILED', 'the connection is closed');
    const before = this.#turn;
    const turn = Promise.withResolvers<void>();
    this.#turn = turn.promise;
    try {
      await (signal ? untilAborted(before, signal) : before);
    } catch (error) {
      // Whoever comes after this one still waits for those before it.
      void before.then(turn.resolve);
      throw error;
    }
    return turn.resolve;
  }

  /** The error of a damaged copy, where `error` may come of one. */
  async #copyError(error: unknown): Promise<PlumbingError | undefined> {
    const isSuspect =
      error instanceof BrokenResultError || (error instanceof Error && error.message.includes('IO Error'));
    return isSuspect && !this.#scanErrors.last ? this.#attachments.dropDamagedCopies() : undefined;
  }

  #typed(error: unknown): unknown {
    if (error instanceof PlumbingError) return error;
    if (this.#scanErrors.last instanceof PlumbingError) return this.#scanErrors.last;
    if (error instanceof BrokenResultError) {
      const hint = 'DuckDB gives the reason where it writes the rows to a file: exportTo, or --parquet FILE';
      return new PlumbingError('QUERY_FAILED', `the query ${error.message}; ${hint}`, { cause: error });
    }
    return this.#attachments.failure(error instanceof Error ? error.message : String(error));
  }
}
