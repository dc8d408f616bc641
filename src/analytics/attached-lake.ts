/** An Iceberg warehouse as DuckDB sees it: its tables, all in the state that its catalog had at one moment. */
import { nullsSql, rowsSql } from '../destinations/iceberg/duckdb/scan-sql.ts';
import type { Lakehouse } from '../destinations/iceberg/lakehouse.ts';
import { openLakehouse } from '../destinations/iceberg/open-lakehouse.ts';
import { resolveOptions } from '../destinations/iceberg/options.ts';
import type { IcebergOptions } from '../destinations/iceberg/options.ts';
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import { readMetadata } from '../iceberg/metadata-file.ts';
import { snapshotOf } from '../iceberg/metadata.ts';
import { planScan } from '../iceberg/scan.ts';
import type { Attachment, ShownTable, View } from './attachment.ts';
import type { DuckDb } from './duckdb.ts';
import { checkFieldIds, lakeColumns } from './lake-columns.ts';
import type { LakeColumn } from './lake-columns.ts';

/** A table in the state of one metadata file. */
interface LakeTable extends View, ShownTable {
  readonly metadataLocation: string;
}

/** See the module's title. */
export class AttachedLake implements Attachment {
  readonly alias: string;
  readonly #duck: DuckDb;
  readonly #house: Lakehouse;
  #tables: readonly LakeTable[] = [];

  private constructor(alias: string, duck: DuckDb, house: Lakehouse) {
    this.alias = alias;
    this.#duck = duck;
    this.#house = house;
  }

  /** @throws PlumbingError `CONFIG_INVALID` for a warehouse in S3; as `openLakehouse` for one that can't be opened. */
  static async open(alias: string, duck: DuckDb, options: IcebergOptions): Promise<AttachedLake> {
    if (/^s3[an]?:/.test(options.warehouse)) {
      throw new PlumbingError(
        'CONFIG_INVALID',
        `attach: ${options.warehouse} is in S3; only warehouses in a folder can be attached, read others with readRows of plumbing-core/destinations/iceberg`,
      );
    }
    return new AttachedLake(alias, duck, await openLakehouse(resolveOptions(options), true));
  }

  async begin(signal: AbortSignal | undefined): Promise<readonly View[]> {
    return this.#load(signal);
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
    await this.#house.close();
  }

  async #load(signal: AbortSignal | undefined): Promise<readonly LakeTable[]> {
    const { catalog, options } = this.#house;
    const locations = await catalog.metadataLocations([options.namespace]);
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
    const { io, manifests } = this.#house;
    let columns: readonly LakeColumn[] = [];
    let rows: View['rows'];
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
      rows = rowsSql(columns, files);
      await checkFieldIds(io, metadata, files);
    } catch (error) {
      if (!isPlumbingError(error)) throw error;
      rows = error;
    }
    return { name, metadataLocation, columns, rows, nulls: nullsSql(columns) };
  }
}
