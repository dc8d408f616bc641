/** The file that a query's rows are written to. */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { quoteText } from '../model/sql-text.ts';
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

  /** The statement that writes the rows of `sql`. Its parameters stay parameters. */
  copySql(sql: string): string {
    this.#tell(() => closeSync(openSync(this.#draft, 'wx', 0o600)));
    // On lines of its own, so that a comment at the end of the query hides nothing.
    const query = `(\n${sql.replace(statementEnd, '')}\n)`;
    const rows = this.#format === formats['.json'] ? `(SELECT ${jsonCells} FROM ${query})` : query;
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
