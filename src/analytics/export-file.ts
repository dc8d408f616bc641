/** The file that a query's rows are written to. */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { quoteIdentifier, quoteText } from '../model/sql-text.ts';
import { PlumbingError } from '../errors/index.ts';

const formats: Readonly<Record<string, string>> = {
  '.parquet': 'FORMAT parquet, COMPRESSION zstd',
  '.csv': 'FORMAT csv, HEADER',
  '.json': 'FORMAT json, ARRAY true',
};

/**
 * The end of a statement. Comments behind it have no mark that could end a quotation or a comment in which the semicolon
 * itself is.
 */
const statementEnd = /;(?:\s|--[^\n'"$*]*(?:\n|$))*$/;

/**
 * All columns, for JSON, which has no NaN and no infinity: NULL for them, as JSON.stringify has it. Inside of nested values they
 * are an error.
 */
const jsonCells = `CASE
  WHEN typeof(COLUMNS(*)) IN ('DOUBLE', 'FLOAT') AND CAST(COLUMNS(*) AS VARCHAR) IN ('nan', 'inf', '-inf') THEN NULL
  WHEN regexp_matches(typeof(COLUMNS(*)), '\\b(DOUBLE|FLOAT)\\b.') AND regexp_matches(
    regexp_replace(CAST(to_json(COLUMNS(*)) AS VARCHAR), '"(\\\\.|[^"\\\\])*"', '', 'g'), 'NaN|Infinity'
  ) THEN error('JSON has no NaN and no infinity, and a nested value holds one: replace it in the query')
  ELSE COLUMNS(*)
END`;

/** A column as DESCRIBE tells it. */
export interface ExportColumn {
  readonly name: string;
  readonly type: string;
}

/** On lines of its own, so that a comment at the end of the query hides nothing. */
function inBrackets(sql: string): string {
  return `(\n${sql.replace(statementEnd, '')}\n)`;
}

/** Integers of 128 bits, such as sums of BIGINT are: DuckDB would write doubles for them. */
function isHuge(type: string): boolean {
  return type === 'HUGEINT' || type === 'UHUGEINT';
}

/** The query with decimals in their place; one that does not fit is an error. */
function exactSql(query: string, columns: readonly ExportColumn[]): string {
  const cells = columns.map(
    ({ name, type }, i) =>
      `${isHuge(type) ? `CAST(c${i} AS DECIMAL(38, 0))` : `c${i}`} AS ${quoteIdentifier(name)}`,
  );
  return `SELECT ${cells.join(', ')} FROM ${query} AS q(${columns.map((_, i) => `c${i}`).join(', ')})`;
}

/** An export under way. It is written beside its place, so that nobody sees half a file. */
export class ExportFile {
  readonly #file: string;
  readonly #draft: string;
  readonly #format: string;

  /** @throws PlumbingError `CONFIG_INVALID` for an extension that no format has. */
  constructor(file: string) {
    const format = formats[extname(file).toLowerCase()];
    if (format === undefined) {
      throw new PlumbingError('CONFIG_INVALID', `${file}: give a file that ends in .parquet, .csv or .json`);
    }
    this.#format = format;
    this.#file = resolve(file);
    this.#draft = `${this.#file}.${randomUUID()}.new`;
  }

  /** The statement that tells names and types of the columns, where they have to be known. Its parameters stay parameters. */
  describeSql(sql: string): string | undefined {
    return this.#format === formats['.parquet'] ? `DESCRIBE ${inBrackets(sql)}` : undefined;
  }

  /** The statement that writes the rows of `sql`. Its parameters stay parameters. */
  copySql(sql: string, columns: readonly ExportColumn[]): string {
    this.#tell(() => closeSync(openSync(this.#draft, 'wx', 0o600)));
    const query = inBrackets(sql);
    let rows = query;
    if (this.#format === formats['.json']) rows = `(SELECT ${jsonCells} FROM ${query})`;
    else if (columns.some(({ type }) => isHuge(type))) rows = `(${exactSql(query, columns)})`;
    return `COPY ${rows} TO ${quoteText(this.#draft)} (${this.#format}, USE_TMP_FILE false)`;
  }

  /** Puts the file in its place. */
  finish(): void {
    this.#tell(() => {
      const handle = openSync(this.#draft, 'r+');
      try {
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(this.#draft, this.#file);
    });
  }

  /** Takes away what is not complete. */
  cleanUp(): void {
    rmSync(this.#draft, { force: true });
  }

  #tell(work: () => void): void {
    try {
      work();
    } catch (cause) {
      const { code = 'unknown' } = cause as NodeJS.ErrnoException;
      throw new PlumbingError('QUERY_FAILED', `${this.#file}: can not be written (${code})`, { cause });
    }
  }
}
