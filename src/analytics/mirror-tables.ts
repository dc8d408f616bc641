/** The tables of a columnar copy, brought from one snapshot of the SQLite file to the next. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteIdentifier, quoteText } from '../model/sql-text.ts';
import { definitionText } from '../model/table-layout.ts';
import type { TableShape } from '../destinations/sqlite/table-shapes.ts';
import type { LoadRecord } from '../model/index.ts';
import type { AttachedFile } from './attached-file.ts';
import { rowIdColumn, rowsName } from './scan-function.ts';

/** What a copy says of itself. */
export interface MirrorState {
  /** Version of this record and of the tables. */
  readonly format: number;
  /** The state of the SQLite file of which this is the copy. */
  readonly state: string;
  /** How each load of the run log had ended, by id. */
  readonly loads: Readonly<Record<string, string>>;
  readonly tables: Readonly<Record<string, MirroredTable>>;
}

/** A table of the copy. */
export interface MirroredTable {
  readonly definition: string;
  /** Rows that were replaced since it was made: their places stay empty. */
  readonly replaced: number;
}

/** Raised when older copies can no longer be gone on with. */
export const mirrorFormat = 1;

/** Runs a statement that cleans up, also while the query that needs it is being interrupted. */
export async function runSurely(connection: DuckDBConnection, sql: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await connection.run(sql);
      return;
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('INTERRUPT')) || tries === 10) throw error;
    }
  }
}

/** As many records of a pipeline as the run log keeps: so many new ones may hide others. */
const keptRecords = 500;
/** With more changed rows than this part, a table is copied anew. */
const largestDelta = 0.2;

/** How much was done. */
export type Refresh = 'rebuilt' | 'refreshed';

/** Tables that can be copied: this library's own, whose rows have ids. */
export function mirroredTables(file: AttachedFile): readonly TableShape[] {
  return file.tables.filter(
    ({ name, own, columns }) =>
      own !== undefined &&
      file.rowIds(name) !== undefined &&
      columns.every((column) => column.name.toLowerCase() !== rowIdColumn && !column.isForeign),
  );
}

/**
 * Brings the copy in the DuckDB catalog `catalog` to the file's snapshot, in one transaction. `before` is what it says of
 * itself, where it can be gone on with: then only rows of loads since then are read.
 */
export async function refreshTables(
  connection: DuckDBConnection,
  file: AttachedFile,
  catalog: string,
  state: string,
  before: MirrorState | undefined,
): Promise<Refresh> {
  const loads = file.loads();
  const known = before?.loads ?? {};
  const news = loads.filter((load) => known[load.loadId] !== digestOf(load));
  const isComplete = before !== undefined && !hidesLoads(news);
  const tables: Record<string, MirroredTable> = {};
  const refresh = new TableRefresh(connection, file, catalog);
  await connection.run('BEGIN TRANSACTION');
  try {
    const present = mirroredTables(file);
    const names = new Set(present.map(({ name }) => name));
    for (const gone of Object.keys(before?.tables ?? {}).filter((name) => !names.has(name))) {
      await connection.run(`DROP TABLE IF EXISTS ${refresh.target(gone)}`);
    }
    for (const table of present) {
      const definition = table.own ? definitionText(table.own) : '';
      const old = isComplete ? before.tables[table.name] : undefined;
      const replaced =
        old?.definition === definition ? await refresh.update(table, news, old.replaced) : undefined;
      if (replaced === undefined) await refresh.copy(table);
      tables[table.name] = { definition, replaced: replaced ?? 0 };
    }
    const record: MirrorState = {
      format: mirrorFormat,
      state,
      loads: Object.fromEntries(loads.map((load) => [load.loadId, digestOf(load)])),
      tables,
    };
    await connection.run(
      `CREATE OR REPLACE TABLE ${quoteIdentifier(catalog)}.main._plumbing_mirror AS SELECT $1 AS record`,
      [JSON.stringify(record)],
    );
    await connection.run('COMMIT');
  } catch (error) {
    await runSurely(connection, 'ROLLBACK');
    throw error;
  }
  return isComplete ? 'refreshed' : 'rebuilt';
}

function digestOf({ status, finishedAt, counts }: LoadRecord): string {
  return JSON.stringify([status, finishedAt, counts]);
}

/** Whether the run log may have dropped loads that the copy has not seen. */
function hidesLoads(news: readonly LoadRecord[]): boolean {
  const byPipeline = Map.groupBy(news, ({ pipeline }) => pipeline);
  return [...byPipeline.values()].some((records) => records.length >= keptRecords);
}

class TableRefresh {
  readonly #connection: DuckDBConnection;
  readonly #file: AttachedFile;
  readonly #catalog: string;

  constructor(connection: DuckDBConnection, file: AttachedFile, catalog: string) {
    this.#connection = connection;
    this.#file = file;
    this.#catalog = catalog;
  }

  target(table: string): string {
    return `${quoteIdentifier(this.#catalog)}.main.${quoteIdentifier(table)}`;
  }

  async copy({ name }: TableShape): Promise<void> {
    await this.#connection.run(
      `CREATE OR REPLACE TABLE ${this.target(name)} AS SELECT * FROM ${this.#rows(name)}`,
    );
  }

  /** Takes over what the loads `news` did. Gives the count of rows replaced so far, or `undefined` when a copy is needed. */
  async update(table: TableShape, news: readonly LoadRecord[], before: number): Promise<number | undefined> {
    const { name, own } = table;
    const counts = news.flatMap(({ loadId, counts: byTable }) => {
      const mine = byTable[name];
      return mine && mine.inserted + mine.updated + mine.deleted > 0 ? [{ loadId, ...mine }] : [];
    });
    if (counts.length === 0) return (await this.#isSameSize(name)) ? before : undefined;
    const sum = (of: 'inserted' | 'updated' | 'deleted'): number =>
      counts.reduce((total, each) => total + each[of], 0);
    const written = sum('inserted') + sum('updated');
    const replaced = before + sum('updated') + sum('deleted');
    const size = await this.#count(this.target(name));
    // Ends of versions are written without the load's id.
    const isVersioned = own?.write.mode === 'merge' && own.write.strategy === 'scd2';
    const isWhole = own?.write.mode === 'replace';
    if (isVersioned || isWhole || written > size * largestDelta || replaced > size) return undefined;
    const target = this.target(name);
    if (written > 0) {
      const changed = this.#rows(
        name,
        counts.map(({ loadId }) => loadId),
      );
      // Rows that are there stay in place until the new ones are: what is deleted and inserted in one transaction is slow.
      await this.#connection.run(`CREATE OR REPLACE TEMP TABLE _plumbing_delta AS SELECT * FROM ${changed}`);
      await this.#connection.run(
        `DELETE FROM ${target} WHERE ${rowIdColumn} IN (SELECT ${rowIdColumn} FROM _plumbing_delta)`,
      );
      await this.#connection.run(`INSERT INTO ${target} SELECT * FROM _plumbing_delta`);
      await this.#connection.run('DROP TABLE _plumbing_delta');
    }
    if (sum('deleted') > 0) {
      await this.#connection.run(
        `DELETE FROM ${target} WHERE ${rowIdColumn} NOT IN (SELECT ${rowIdColumn} FROM ${this.#rows(name)})`,
      );
    }
    return (await this.#isSameSize(name)) ? replaced : undefined;
  }

  /** A last look: whatever is wrong with the counts of loads, a lost or a surplus row does not stay. */
  async #isSameSize(table: string): Promise<boolean> {
    return (await this.#count(this.target(table))) === this.#file.count(table);
  }

  async #count(from: string): Promise<number> {
    const result = await this.#connection.runAndReadAll(`SELECT count(*) FROM ${from}`);
    return Number(result.getRows()[0]?.[0]);
  }

  #rows(table: string, loadIds?: readonly string[]): string {
    const loads = loadIds ? JSON.stringify(loadIds) : '';
    return `${rowsName}(${quoteText(this.#file.alias)}, ${quoteText(table)}, ${quoteText(loads)})`;
  }
}
