/** DuckDB as the tool that reads and writes many rows at once; it keeps nothing. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from '@duckdb/node-api';
import { BrokenResultError, resultChunks } from '../../../duckdb/result-chunks.ts';
import { isPlumbingError, PlumbingError } from '../../../errors/index.ts';
import { loadPeer } from '../../../errors/optional-peer.ts';
import { quoteText } from '../../../model/sql-text.ts';

/** What rows, indexes of joins and compressed pages may take; what does not fit goes to a temporary folder. */
const memoryLimit = '320MB';
const maxThreads = 4;

/** A database in memory. Statements run one after another, in the order in which they are given. */
export class DuckEngine {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #folder: string;
  #last: Promise<void> = Promise.resolve();
  /** The path of a Parquet file without rows; gone when the engine is closed. */
  readonly emptyFile: string;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, folder: string) {
    this.#instance = instance;
    this.#connection = connection;
    this.#folder = folder;
    this.emptyFile = join(folder, 'empty.parquet');
  }

  /** `undefined` where the package is not installed. */
  static async open(): Promise<DuckEngine | undefined> {
    try {
      const { DuckDBInstance: Instance } = await loadPeer(
        '@duckdb/node-api',
        () => import('@duckdb/node-api'),
      );
      const folder = join(tmpdir(), `plumbing-duckdb-${randomBytes(8).toString('hex')}`);
      const instance = await Instance.create(':memory:', {
        threads: String(Math.min(availableParallelism(), maxThreads)),
        memory_limit: memoryLimit,
        temp_directory: folder,
        preserve_insertion_order: 'false',
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
      });
      const connection = await instance.connect();
      // What a file of a table holds is not known to the optimizer: the smaller side of a join is always written second.
      await connection.run(
        "SET TimeZone = 'UTC'; SET disabled_optimizers = 'join_order,build_side_probe_side'",
      );
      const engine = new DuckEngine(instance, connection, folder);
      try {
        await engine.#makeEmptyFile();
      } catch (error) {
        engine.close();
        throw error;
      }
      return engine;
    } catch (error) {
      if (isPlumbingError(error, 'OPTIONAL_PEER_MISSING')) return undefined;
      throw error;
    }
  }

  /**
   * Runs a statement; gives its rows, of which there are few.
   *
   * @throws PlumbingError `DEST_FULL` (retryable) when a disk is full, else `DEST_FAILED`; the signal's reason once it is aborted.
   */
  async run(what: string, sql: string, signal?: AbortSignal): Promise<DuckDBValue[][]> {
    const rows: DuckDBValue[][] = [];
    for await (const chunk of this.stream(what, sql, signal)) rows.push(...chunk);
    return rows;
  }

  /**
   * Runs a statement; gives its rows in lists of some thousands. The next statement waits for the end of the list. Errors as
   * {@link run}.
   */
  async *stream(what: string, sql: string, signal?: AbortSignal): AsyncGenerator<DuckDBValue[][]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = promise;
    let interrupting: NodeJS.Timeout | undefined;
    const interrupt = (): void => {
      this.#connection.interrupt();
      // One that comes before the statement runs is lost.
      interrupting ??= setInterval(() => this.#connection.interrupt(), 20).unref();
    };
    try {
      await before;
      signal?.throwIfAborted();
      signal?.addEventListener('abort', interrupt);
      const result = await this.#connection.stream(sql);
      signal?.throwIfAborted();
      for await (const chunk of resultChunks(result, signal)) yield chunk.getRows();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw engineError(what, error);
    } finally {
      signal?.removeEventListener('abort', interrupt);
      clearInterval(interrupting);
      resolve();
    }
  }

  async #makeEmptyFile(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const sql = `COPY (SELECT 0 AS nothing WHERE false) TO ${quoteText(this.emptyFile)} (FORMAT parquet)`;
    await this.run('preparing to read files', sql);
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The engine's message may quote rows: only its kind, before the first colon, is passed on. */
function engineError(what: string, error: unknown): PlumbingError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof BrokenResultError)
    return new PlumbingError('DEST_FAILED', `${what}: DuckDB ${message} and does not say why`, {
      cause: error,
    });
  if (/no space left|disk quota/i.test(message))
    return new PlumbingError('DEST_FULL', `${what}: the disk is full; make room and run again`, {
      retryable: true,
    });
  const kind = /^[A-Za-z ]{1,40}(?=:)/.exec(message)?.[0] ?? 'an error without a kind';
  return new PlumbingError('DEST_FAILED', `${what}: DuckDB reports ${kind}`, { cause: error });
}
