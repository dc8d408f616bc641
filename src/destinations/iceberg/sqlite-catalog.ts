/** A catalog in one SQLite file, in the layout of PyIceberg's SqlCatalog and Java's JdbcCatalog (version 1). */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { failpoint } from '../../failpoints/index.ts';
import type {
  Catalog,
  CommitResult,
  LoadedTable,
  TableCommit,
  TableIdentifier,
} from '../../iceberg/catalog.ts';
import type { FileIo } from '../../iceberg/file-io.ts';
import { readMetadata, writeMetadata } from '../../iceberg/metadata-file.ts';
import type { WrittenMetadata } from '../../iceberg/metadata-file.ts';
import { holds } from '../../iceberg/metadata-update.ts';
import { removeQuietly } from '../../iceberg/snapshot-producer.ts';
import { sqliteError } from '../../errors/sqlite-error.ts';
import { requireNoLeftLog } from '../../locks/left-log.ts';
import { switchToLog } from '../../locks/write-ahead-log.ts';

/** Where a catalog is. */
export interface SqliteCatalogOptions {
  /** The SQLite file. */
  readonly path: string;
  /** The catalog's name; other programs must use the same to see its tables. */
  readonly name: string;
  /** Location under which new tables lie, without a slash at the end. */
  readonly warehouse: string;
  readonly busyTimeoutMs: number;
  readonly readOnly: boolean;
}

const createTables = `
  CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name));
  CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL, PRIMARY KEY (catalog_name, namespace, property_key));`;

/**
 * Opens a catalog, and makes it when it is missing. Commits of several tables are one SQLite transaction
 * (`synchronous=FULL`), in any number of processes.
 *
 * @throws PlumbingError `DEST_FAILED`, `DEST_CORRUPT`, `DEST_BUSY` when the file can't be opened; `DEST_FAILED` when it is only to
 * be read and is not there; `DEST_FOREIGN` when its file is gone while its log is still there.
 */
export async function openSqliteCatalog(options: SqliteCatalogOptions, io: FileIo): Promise<Catalog> {
  const { DatabaseSync: Driver } = await import('node:sqlite');
  const { path, readOnly, busyTimeoutMs } = options;
  try {
    if (!existsSync(path)) requireNoLeftLog(path, path);
    if (!readOnly) createPrivately(path);
    const db = new Driver(path, { readOnly });
    try {
      db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
      if (!readOnly) {
        // Other programs may keep a reading transaction open for as long as they live.
        switchToLog(db, busyTimeoutMs);
        db.exec('PRAGMA synchronous = FULL');
        if (!hasColumn(db, 'iceberg_type')) makeTables(db);
      }
    } catch (error) {
      db.close();
      throw error;
    }
    return new SqliteCatalog(db, options, io);
  } catch (error) {
    throw sqliteError(error, path);
  }
}

/** An empty file is an empty database; SQLite itself would make it readable by all. */
function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Makes the tables, or brings those of version 0, which know no views, to version 1, as Java does. */
function makeTables(db: DatabaseSync): void {
  db.exec(`BEGIN IMMEDIATE; ${createTables}`);
  if (!hasColumn(db, 'iceberg_type'))
    db.exec('ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)');
  db.exec('COMMIT');
}

function hasColumn(db: DatabaseSync, name: string): boolean {
  const sql = "SELECT 1 FROM pragma_table_info('iceberg_tables') WHERE name = ?";
  return db.prepare(sql).get(name) !== undefined;
}

class SqliteCatalog implements Catalog {
  readonly location: string;
  readonly #db: DatabaseSync;
  readonly #options: SqliteCatalogOptions;
  readonly #io: FileIo;
  /** Version 0 of the layout, which can only be read here, has no views. */
  readonly #isTable: string;

  constructor(db: DatabaseSync, options: SqliteCatalogOptions, io: FileIo) {
    this.location = options.path;
    this.#db = db;
    this.#options = options;
    this.#io = io;
    this.#isTable = hasColumn(db, 'iceberg_type')
      ? "(iceberg_type = 'TABLE' OR iceberg_type IS NULL)"
      : 'true';
  }

  async loadTable(identifier: TableIdentifier): Promise<LoadedTable | undefined> {
    for (let tries = 0; ; tries++) {
      const location = this.#metadataLocation(identifier);
      if (location === undefined) return undefined;
      try {
        const metadata = await readMetadata(this.#io, location);
        return { identifier, metadata, metadataLocation: location };
      } catch (error) {
        // Another process may have gone on and removed the file since the catalog was asked.
        if (tries >= 3 || this.#metadataLocation(identifier) === location) throw error;
      }
    }
  }

  async listTables(namespace: readonly string[]): Promise<readonly string[]> {
    return [...(await this.metadataLocations(namespace)).keys()];
  }

  async metadataLocations(namespace: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.#run(() => {
      const rows = this.#db
        .prepare(
          `SELECT table_name, metadata_location FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ?
             AND ${this.#isTable} ORDER BY table_name`,
        )
        .all(this.#options.name, namespace.join('.'));
      return new Map(rows.map((row) => [String(row['table_name']), String(row['metadata_location'])]));
    });
  }

  defaultLocation({ namespace, name }: TableIdentifier): string {
    return [this.#options.warehouse, ...namespace.map(folderName), folderName(name)].join('/');
  }

  async commit(changes: readonly TableCommit[]): Promise<CommitResult> {
    for (const { requirements, base, identifier } of changes) {
      const broken = requirements.find((requirement) => !holds(requirement, base?.metadata));
      if (broken) return { outcome: 'conflict', reason: `${identifier.name}: ${broken.type} does not hold` };
    }
    const written: WrittenMetadata[] = [];
    const undo = (): Promise<void> =>
      removeQuietly(
        this.#io,
        written.map((file) => file.metadataLocation),
      );
    try {
      for (const change of changes) written.push(await writeMetadata(this.#io, change));
    } catch (error) {
      await undo();
      throw error;
    }
    failpoint('iceberg.commit_begins');
    let conflict: string | undefined;
    try {
      conflict = this.#swap(changes, written);
    } catch (error) {
      const failure = sqliteError(error, this.#options.path);
      if (isUncertain(error)) return { outcome: 'unknown', cause: failure };
      await undo();
      throw failure;
    }
    if (conflict !== undefined) {
      await undo();
      return { outcome: 'conflict', reason: conflict };
    }
    await removeQuietly(
      this.#io,
      written.flatMap((file) => file.dropped),
    );
    return { outcome: 'committed', tables: written };
  }

  async dropTable({ namespace, name }: TableIdentifier): Promise<void> {
    this.#run(() =>
      this.#db
        .prepare(
          'DELETE FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?',
        )
        .run(this.#options.name, namespace.join('.'), name),
    );
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  /** Puts the new metadata files in the place of the old ones, all of them or none; gives what came first, if anything did. */
  #swap(changes: readonly TableCommit[], written: readonly WrittenMetadata[]): string | undefined {
    const { name: catalog } = this.#options;
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      for (const [i, { identifier, base }] of changes.entries()) {
        const next = (written[i] as WrittenMetadata).metadataLocation;
        const namespace = identifier.namespace.join('.');
        const done = base
          ? this.#db
              .prepare(
                `UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?
                 WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ?`,
              )
              .run(next, base.metadataLocation, catalog, namespace, identifier.name, base.metadataLocation)
          : this.#create(namespace, identifier.name, next);
        if (Number(done.changes) !== 1) {
          this.#db.exec('ROLLBACK');
          return `another commit to table "${identifier.name}" came first`;
        }
      }
      failpoint('iceberg.catalog_written');
      this.#db.exec('COMMIT');
      return undefined;
    } catch (error) {
      try {
        this.#db.exec('ROLLBACK');
      } catch {
        // It was rolled back already.
      }
      throw error;
    }
  }

  #create(namespace: string, name: string, location: string): { readonly changes: number | bigint } {
    const { name: catalog } = this.#options;
    this.#db
      .prepare(
        `INSERT OR IGNORE INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value)
         VALUES (?, ?, 'exists', 'true')`,
      )
      .run(catalog, namespace);
    return this.#db
      .prepare(
        `INSERT OR IGNORE INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type)
         VALUES (?, ?, ?, ?, 'TABLE')`,
      )
      .run(catalog, namespace, name, location);
  }

  #metadataLocation({ namespace, name }: TableIdentifier): string | undefined {
    return this.#run(() => {
      const row = this.#db
        .prepare(
          `SELECT metadata_location FROM iceberg_tables
           WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND ${this.#isTable}`,
        )
        .get(this.#options.name, namespace.join('.'), name);
      return row === undefined ? undefined : String(row['metadata_location']);
    });
  }

  #run<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteError(error, this.#options.path);
    }
  }
}

/** After such an error nobody knows whether SQLite has committed. */
function isUncertain(error: unknown): boolean {
  const { errcode } = error as { errcode?: number };
  // SQLITE_IOERR, with any detail.
  return errcode !== undefined && (errcode & 0xff) === 10;
}

/** A folder's name for a table: any other characters would be a trap in paths and keys. */
function folderName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/.test(name)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 10);
  return `${name.replaceAll(/[^A-Za-z0-9_-]+/g, '_').slice(0, 60)}_${hash}`;
}
