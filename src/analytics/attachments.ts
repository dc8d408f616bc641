/** All that is attached in DuckDB: one state of each for a query, and views on their tables. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteIdentifier, quoteText } from '../model/sql-text.ts';
import { PlumbingError } from '../errors/index.ts';
import type { LogicalType } from '../model/index.ts';
import type { Attachment, View } from './attachment.ts';

/** A table that can be read. */
export interface AttachedTable {
  /** The name under which its file or warehouse is attached. */
  readonly alias: string;
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: LogicalType }[];
}

/** What an attachment shows in DuckDB. */
interface Shown {
  readonly views: readonly View[];
  /** Why tables can't be read. */
  readonly flaws: readonly PlumbingError[];
  /** Whether some of them were met only here, in making views: the next query may do better. */
  readonly isRetried: boolean;
}

/** The attachments of one connection. */
export class Attachments {
  readonly #connection: DuckDBConnection;
  readonly #all: readonly Attachment[];
  readonly #shown = new Map<Attachment, Shown>();

  constructor(connection: DuckDBConnection, all: readonly Attachment[]) {
    this.#connection = connection;
    this.#all = all;
  }

  /** All tables as they are now, outside of any query. */
  async readTables(): Promise<AttachedTable[]> {
    const tables: AttachedTable[] = [];
    for (const attachment of this.#all) {
      for (const { name, columns } of await attachment.readTables()) {
        const plain = columns.map((column) => ({ name: column.name, type: column.type }));
        tables.push({ alias: attachment.alias, table: name, columns: plain });
      }
    }
    return tables;
  }

  /** Takes one state of each, for a query; views follow where tables changed. */
  async beginSnapshots(signal: AbortSignal | undefined, sql: string): Promise<void> {
    for (const attachment of this.#all) {
      const views = await attachment.begin(signal, sql);
      const shown = this.#shown.get(attachment);
      if (shown?.views === views && !shown.isRetried) continue;
      const flaws = await this.#show(attachment.alias, views);
      // Noted only now: what failed half-way is done again by the next query.
      const known = new Set(views.map(({ rows }) => rows));
      const isRetried = flaws.some((flaw) => !known.has(flaw));
      this.#shown.set(attachment, { views, flaws, isRetried });
    }
  }

  endSnapshots(): void {
    for (const attachment of this.#all) attachment.end();
  }

  /** Throws away copies that can't be read; what a query that needed one has failed with, if there was any. */
  async dropDamagedCopies(): Promise<PlumbingError | undefined> {
    const dropped: string[] = [];
    for (const attachment of this.#all) {
      const path = await attachment.dropDamagedCopy?.();
      if (path !== undefined) dropped.push(path);
    }
    if (dropped.length === 0) return undefined;
    return new PlumbingError(
      'QUERY_FAILED',
      `${dropped.join(', ')}: the columnar copy was damaged and is thrown away, the file itself is not; ask again, and it is made anew`,
      { retryable: true },
    );
  }

  /** Why a query has failed for which DuckDB gives the reason `text`. */
  failure(text: string): PlumbingError {
    const flaws = [...this.#shown.values()].flatMap((shown) => shown.flaws);
    const own = flaws.find(({ message }) => text.includes(textOf(message)));
    if (own) return own;
    // Where not even the columns are known, DuckDB misses those that the query names.
    const notes = text.startsWith('Binder Error') ? flaws.map(({ message }) => `\n${message}`) : [];
    return new PlumbingError('QUERY_FAILED', `DuckDB: ${text}${notes.join('')}`);
  }

  /** Lets others use what DuckDB holds of the attachments. */
  async detach(): Promise<void> {
    for (const attachment of this.#all) await attachment.detach();
  }

  /** Closes all that is attached. */
  async close(): Promise<void> {
    for (const attachment of this.#all) await attachment.close();
  }

  async #show(alias: string, views: readonly View[]): Promise<PlumbingError[]> {
    const schema = quoteIdentifier(alias);
    await this.#connection.run(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}`);
    const flaws: PlumbingError[] = [];
    for (const { name, rows, nulls } of views) {
      const create = `CREATE OR REPLACE VIEW ${schema}.${quoteIdentifier(name)} AS`;
      const flaw =
        rows instanceof PlumbingError ? rows : await this.#create(alias, name, `${create} ${rows}`, nulls);
      if (!flaw) continue;
      flaws.push(flaw);
      await this.#connection.run(
        `${create} ${nulls} WHERE error(${quoteText(textOf(flaw.message))}) IS NULL`,
      );
    }
    return flaws;
  }

  async #create(
    alias: string,
    name: string,
    sql: string,
    nulls: string | undefined,
  ): Promise<PlumbingError | undefined> {
    try {
      await this.#connection.run(sql);
      return undefined;
    } catch (error) {
      if (nulls === undefined || !(error instanceof Error)) throw error;
      const [reason] = error.message.split('\n');
      return new PlumbingError(
        'DEST_CORRUPT',
        `${alias}.${name}: ${reason}; restore what is missing from a backup`,
        { cause: error },
      );
    }
  }
}

/** What DuckDB takes for a text. */
function textOf(message: string): string {
  return message.replaceAll('\0', '').toWellFormed();
}
