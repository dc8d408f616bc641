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
    return `COPY (\n${sql.replace(/;\s*$/, '')}\n) TO ${quoteText(this.#draft)} (${this.#format}, USE_TMP_FILE false)`;
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
