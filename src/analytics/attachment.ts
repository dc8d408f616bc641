/** What can be attached under a name: something with tables, of which each query sees one state. */
import type { PlumbingError } from '../errors/index.ts';
import type { LogicalType } from '../model/index.ts';

/** A kind of attachment. */
export interface Attachment {
  readonly alias: string;
  /**
   * Takes the state that all reads see until `end`, and gives its tables as views: the same list while nothing has changed. `sql` is the
   * query that they are for.
   */
  begin(signal: AbortSignal | undefined, sql: string): Promise<readonly View[]>;
  end(): void;
  /** The tables as they are now, outside of any query. */
  readTables(): Promise<readonly ShownTable[]>;
  /** Throws away a copy of its rows that can't be read, and gives its path. Called between `begin` and `end`. */
  dropDamagedCopy?(): Promise<string | undefined>;
  /** Gives up what it has inside of DuckDB, before DuckDB ends. */
  detach(): Promise<void>;
  /** Closes its files, after DuckDB has ended. */
  close(): Promise<void>;
}

/** A view on a table. */
export interface View {
  readonly name: string;
  /** The query for the table's rows, or why they can't be read. */
  readonly rows: string | PlumbingError;
  /**
   * The query for one row of NULLs in the table's columns. With it, a table that can't be read fails the queries that name it;
   * without it, every query.
   */
  readonly nulls?: string;
}

/** A table, with the logical types of its columns. */
export interface ShownTable {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: LogicalType }[];
}
