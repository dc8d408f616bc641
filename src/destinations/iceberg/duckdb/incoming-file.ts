/** A file of JSON lines that waits for its commit. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { PlumbingError } from '../../../errors/index.ts';
import { failpoint } from '../../../failpoints/index.ts';
import type { LogicalType, RowFile, TableDefinition } from '../../../model/index.ts';
import { quoteIdentifier, quoteText } from '../../../model/sql-text.ts';
import { codecOf } from '../cell-codec.ts';
import { duckTypeOf } from './duck-types.ts';
import type { DuckEngine } from './engine.ts';

/** Longest line, in bytes; lines that were looked at are shorter. */
const maxLineBytes = 16 * 1024 * 1024;

/** See the module's title. */
export class IncomingFile {
  readonly engine: DuckEngine;
  readonly #file: RowFile;
  #rows = 0;
  #staged: string | undefined;

  constructor(engine: DuckEngine, file: RowFile) {
    this.engine = engine;
    this.#file = file;
  }

  /** Number of rows, once it is known that they all fit. */
  get rows(): number {
    return this.#rows;
  }

  /** Reads the file; says whether each of its rows surely fits. */
  async allFit(signal: AbortSignal): Promise<boolean> {
    const rows = await this.#file.countFitting(signal);
    this.#rows = rows ?? 0;
    return rows !== undefined;
  }

  /**
   * Brings the rows into a private temporary file, from which they can be read again and again, while {@link allFit} reads
   * them as well.
   *
   * @returns whether each fits and has a key of its own; `keys` are places in the table's columns
   */
  async stage(definition: TableDefinition, keys: readonly number[], signal: AbortSignal): Promise<boolean> {
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    let fits = false;
    const fitting = this.allFit(signal)
      .then((allFit) => (fits = allFit))
      .finally(() => fits || stop.abort());
    const copying = this.#copy(definition, keys, either);
    const [fit, copied] = await Promise.allSettled([fitting, copying]);
    if (fit.status === 'rejected') throw fit.reason;
    // DuckDB may have failed at just the row that does not fit.
    if (!fit.value) return false;
    if (copied.status === 'rejected') throw copied.reason;
    this.#file.requireUnchanged();
    failpoint('iceberg.file_staged');
    const [rows, distinct] = copied.value;
    return rows === this.rows && rows === distinct;
  }

  /** Gives the number of rows, and of keys. */
  async #copy(
    definition: TableDefinition,
    keys: readonly number[],
    signal: AbortSignal,
  ): Promise<[rows: number, distinct: number]> {
    const path = join(mkdtempSync(join(tmpdir(), 'plumbing-rows-')), 'rows.parquet');
    this.#staged = path;
    const what = `reading ${this.#file.path}`;
    await this.engine.run(
      what,
      `COPY (${this.#linesSql(definition)}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION lz4_raw)`,
      signal,
    );
    const names = keys.map((column) => `c${column}`).join(', ');
    const [counted = []] = await this.engine.run(
      what,
      `SELECT coalesce(sum(n), 0)::BIGINT, count(*) FROM (SELECT count(*) AS n FROM read_parquet(${quoteText(path)}) GROUP BY ${names})`,
      signal,
    );
    const [rows = 0, distinct = 0] = counted.map(Number);
    return [rows, distinct];
  }

  /** The query for its rows: `n` tells them apart, once they are staged; columns go by `c` and their place in the definition. */
  sql(definition: TableDefinition): string {
    if (this.#staged === undefined) return this.#linesSql(definition);
    const own = new Set(this.#file.fields.map(({ column }) => column));
    const cells = definition.columns.map(({ type }, i) =>
      own.has(i) ? `CAST(c${i} AS ${columnType(type)}) AS c${i}` : nullSql(type, i),
    );
    const options = 'file_row_number = true';
    return `SELECT file_row_number AS n, ${cells.join(', ')} FROM read_parquet(${quoteText(this.#staged)}, ${options})`;
  }

  /** @throws PlumbingError `SOURCE_FAILED` when what was read, so many rows, is not what had been looked at. */
  requireUnchanged(rows: number): void {
    if (this.#staged === undefined) this.#file.requireUnchanged();
    if (rows === this.#rows) return;
    throw new PlumbingError(
      'SOURCE_FAILED',
      `${this.#file.path}: ${this.#rows} rows were looked at, and ${rows} read; nothing of it was stored`,
    );
  }

  /** Removes what was staged. */
  drop(): void {
    if (this.#staged !== undefined) rmSync(dirname(this.#staged), { recursive: true, force: true });
    this.#staged = undefined;
  }

  #linesSql({ columns }: TableDefinition): string {
    const keys = new Map(this.#file.fields.map(({ key, column }) => [column, key]));
    const types = columns.flatMap(({ type }, i) => {
      const key = keys.get(i);
      return key === undefined ? [] : [`${quoteIdentifier(key)}: ${quoteText(columnType(type))}`];
    });
    const cells = columns.map(({ type }, i) => {
      const key = keys.get(i);
      return key === undefined
        ? nullSql(type, i)
        : `CAST(${quoteIdentifier(key)} AS ${columnType(type)}) AS c${i}`;
    });
    // Names of folders (`year=2026`) are no columns. The whole path: `s3:` and `~` mean something to DuckDB.
    return (
      `SELECT ${cells.join(', ')} FROM read_json(${quoteText(resolve(this.#file.path))}, format = 'newline_delimited', ` +
      `hive_partitioning = false, compression = 'uncompressed', maximum_object_size = ${maxLineBytes}, columns = {${types.join(', ')}})`
    );
  }
}

function columnType(type: LogicalType): string {
  return duckTypeOf(codecOf(type).icebergType) ?? 'VARCHAR';
}

function nullSql(type: LogicalType, place: number): string {
  return `CAST(NULL AS ${columnType(type)}) AS c${place}`;
}
