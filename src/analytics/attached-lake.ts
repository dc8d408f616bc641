/** An Iceberg warehouse as DuckDB sees it: its tables, all in the state that its catalog had at one moment. */
import { filesOf, nullsSql, rowsSql } from '../destinations/iceberg/duckdb/scan-sql.ts';
import type { Lakehouse } from '../destinations/iceberg/lakehouse.ts';
import { openLakehouse } from '../destinations/iceberg/open-lakehouse.ts';
import { resolveOptions } from '../destinations/iceberg/options.ts';
import type { IcebergOptions } from '../destinations/iceberg/options.ts';
import { openNessieLake } from '../destinations/nessie/lake.ts';
import type { NessieOptions } from '../destinations/nessie/index.ts';
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import type { FileCache, WantedFile } from '../iceberg/file-cache.ts';
import { readMetadata } from '../iceberg/metadata-file.ts';
import { snapshotOf } from '../iceberg/metadata.ts';
import { quoteText } from '../model/sql-text.ts';
import { planScan } from '../iceberg/scan.ts';
import type { ScanFile } from '../iceberg/scan.ts';
import type { Attachment, ShownTable, View } from './attachment.ts';
import type { DuckDb } from './duckdb.ts';
import { checkFieldIds, lakeColumns } from './lake-columns.ts';
import type { LakeColumn } from './lake-columns.ts';

/** A table in the state of one metadata file. */
interface LakeTable extends View, ShownTable {
  readonly metadataLocation: string;
  readonly columns: readonly LakeColumn[];
  readonly nulls: string;
  /** Of a table whose files have to be fetched: what its rows are read from. */
  readonly scan?: readonly ScanFile[];
}

/** Where the tables of a lake are told. */
interface Source {
  readonly house: Lakehouse;
  readonly locations: () => Promise<ReadonlyMap<string, string>>;
  /** Absent where all files are local. */
  readonly cache?: FileCache;
}

/** See the module's title. */
export class AttachedLake implements Attachment {
  readonly alias: string;
  readonly #duck: DuckDb;
  readonly #source: Source;
  #tables: readonly LakeTable[] = [];
  /** Tables that a query has named: their files are kept fetched. */
  readonly #named = new Set<string>();
  #views:
    | { readonly tables: readonly LakeTable[]; readonly named: number; readonly views: readonly View[] }
    | undefined;

  private constructor(alias: string, duck: DuckDb, source: Source) {
    this.alias = alias;
    this.#duck = duck;
    this.#source = source;
  }

  /** @throws PlumbingError `CONFIG_INVALID` for a warehouse in S3; as `openLakehouse` for one that can't be opened. */
  static async open(alias: string, duck: DuckDb, options: IcebergOptions): Promise<AttachedLake> {
    if (/^s3[an]?:/.test(options.warehouse)) {
      throw new PlumbingError(
        'CONFIG_INVALID',
        `attach: ${options.warehouse} is in S3; only warehouses in a folder can be attached, read others with readRows of plumbing-core/destinations/iceberg`,
      );
    }
    const house = await openLakehouse(resolveOptions(options), true);
    const locations = (): Promise<ReadonlyMap<string, string>> =>
      house.catalog.metadataLocations([house.options.namespace]);
    return new AttachedLake(alias, duck, { house, locations });
  }

  /** The tables of a Nessie server. @throws PlumbingError as `openNessieLake` */
  static async openNessie(alias: string, duck: DuckDb, options: NessieOptions): Promise<AttachedLake> {
    return new AttachedLake(alias, duck, await openNessieLake(options));
  }

  async begin(signal: AbortSignal | undefined, sql: string): Promise<readonly View[]> {
    const tables = await this.#load(signal);
    const { cache } = this.#source;
    if (!cache) return tables;
    for (const { name } of tables) if (isNamed(name, sql)) this.#named.add(name);
    const wanted = tables.filter(({ name, scan }) => scan && this.#named.has(name));
    let paths: ReadonlyMap<string, string>;
    try {
      // Also when nothing is new: another process may have made room.
      paths = await cache.fetch(wanted.flatMap(filesToFetch), signal);
    } catch (error) {
      if (!isPlumbingError(error)) throw error;
      // Only queries that name the table fail that can't be fetched. The next one tries again.
      this.#views = undefined;
      const views: View[] = [];
      for (const table of tables) {
        const fetched = wanted.includes(table)
          ? await fetchAlone(cache, table, signal)
          : new Map<string, string>();
        views.push(this.#viewOf(table, wanted, fetched));
      }
      return views;
    }
    if (this.#views?.tables !== tables || this.#views.named !== this.#named.size) {
      const views = tables.map((table) => this.#viewOf(table, wanted, paths));
      this.#views = { tables, named: this.#named.size, views };
    }
    return this.#views.views;
  }

  #viewOf(
    table: LakeTable,
    wanted: readonly LakeTable[],
    paths: ReadonlyMap<string, string> | PlumbingError,
  ): View {
    const { name, columns, nulls, scan } = table;
    if (!scan) return table;
    if (!wanted.includes(table)) return { name, rows: notFetched(this.alias, table), nulls };
    if (paths instanceof PlumbingError) return { name, rows: paths, nulls };
    return { name, rows: rowsSql(columns, scan, (location) => paths.get(location) ?? location), nulls };
  }

  /** Files never change, so there is nothing to give back. */
  end(): void {
    // See above.
  }

  async readTables(): Promise<readonly ShownTable[]> {
    return this.#load(undefined);
  }

  async detach(): Promise<void> {
    // Views go with the connection.
  }

  async close(): Promise<void> {
    await this.#source.house.close();
  }

  async #load(signal: AbortSignal | undefined): Promise<readonly LakeTable[]> {
    const locations = await this.#source.locations();
    const known = new Map(this.#tables.map((table) => [table.name, table]));
    const taken = new Set<string>();
    const tables: LakeTable[] = [];
    for (const [name, location] of locations) {
      if (name.startsWith('_plumbing_')) continue;
      signal?.throwIfAborted();
      const table = known.get(name);
      const isTaken = taken.has(name.toLowerCase());
      const isKnown = table?.metadataLocation === location && typeof table.rows === 'string' && !isTaken;
      tables.push(isKnown ? table : await this.#read(name, location, isTaken));
      taken.add(name.toLowerCase());
    }
    const isSame =
      tables.length === this.#tables.length && tables.every((table, i) => table === this.#tables[i]);
    if (!isSame) this.#tables = tables;
    return this.#tables;
  }

  async #read(name: string, metadataLocation: string, isTaken: boolean): Promise<LakeTable> {
    const { io, manifests } = this.#source.house;
    let columns: readonly LakeColumn[] = [];
    let rows: View['rows'];
    let scan: readonly ScanFile[] | undefined;
    try {
      const metadata = await readMetadata(io, metadataLocation);
      columns = lakeColumns(this.#duck, name, metadata);
      if (isTaken) {
        throw new PlumbingError(
          'DEST_FOREIGN',
          `${this.alias}: the name of table "${name}" differs from another's only by case, which SQL can't tell apart; rename one`,
        );
      }
      const files = await planScan(manifests, metadata, snapshotOf(metadata));
      await checkFieldIds(io, metadata, files);
      rows = rowsSql(columns, files, this.#source.cache && ((location) => location));
      // The view is made once its files are fetched.
      if (this.#source.cache) scan = files;
    } catch (error) {
      if (!isPlumbingError(error)) throw error;
      rows = error;
    }
    return { name, metadataLocation, columns, rows, nulls: nullsSql(columns), ...(scan && { scan }) };
  }
}

function filesToFetch({ scan = [] }: LakeTable): WantedFile[] {
  return filesOf(scan).map(({ location, fileSizeBytes }) => ({ location, sizeBytes: Number(fileSizeBytes) }));
}

/** Where the files of a table are, or why they are not there. */
async function fetchAlone(
  cache: FileCache,
  table: LakeTable,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string> | PlumbingError> {
  try {
    return await cache.fetch(filesToFetch(table), signal);
  } catch (error) {
    if (isPlumbingError(error)) return error;
    throw error;
  }
}

/** Whether a query may name a table: no query of a table does without its name. */
function isNamed(table: string, sql: string): boolean {
  return sql.toLowerCase().includes(table.replaceAll('"', '""').toLowerCase());
}

/** Fails the queries that read it, and is no reason to make views anew. */
function notFetched(alias: string, { name, nulls }: LakeTable): string {
  const reason = `${alias}.${name} lies in S3, and its files are fetched for queries that have its name in their text; have this one name it`;
  return `${nulls} WHERE error(${quoteText(reason)}) IS NULL`;
}
