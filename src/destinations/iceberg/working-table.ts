/** A table with changes that nobody sees yet: rows are found, deleted and inserted, and become files that come and go. */
import { randomUUID } from 'node:crypto';
import type { CellCondition } from '../../iceberg/conditions.ts';
import type { DataFile, ManifestEntry, ManifestFile } from '../../iceberg/data-file.ts';
import type { FileChanges, LiveFile } from '../../iceberg/file-changes.ts';
import type { FileIo } from '../../iceberg/file-io.ts';
import type { ManifestReader } from '../../iceberg/manifest-reader.ts';
import { schemaOf } from '../../iceberg/metadata.ts';
import type { Snapshot, TableMetadata } from '../../iceberg/metadata.ts';
import { positionDeleteFile } from '../../iceberg/position-deletes.ts';
import { TableScanner, ownDeletes, planScan } from '../../iceberg/scan.ts';
import type { ScanFile } from '../../iceberg/scan.ts';
import { removeQuietly } from '../../iceberg/snapshot-producer.ts';
import type { Cell, NestedField } from '../../iceberg/types.ts';
import { canScan } from './duckdb/can-scan.ts';
import { copyDeletes } from './duckdb/copy-deletes.ts';
import type { PlacesQuery } from './duckdb/copy-deletes.ts';
import { copyFiles } from './duckdb/copy-files.ts';
import { duckTypeOf } from './duckdb/duck-types.ts';
import type { DuckEngine } from './duckdb/engine.ts';
import { rowsSql } from './duckdb/scan-sql.ts';
import { DataFileWriter } from './file-writer.ts';
import type { CellRow } from './row-spool.ts';

/** When a file is written anew instead of being given a delete file, and how large files become. */
export interface FilePolicy {
  /** Files are closed at this size. */
  readonly targetFileBytes: number;
  /** Files below this size are written anew as soon as one of their rows goes. */
  readonly rewriteBelowBytes: number;
  /** Larger files are written anew when more than this share of their rows is gone. */
  readonly rewriteAboveDeleted: number;
}

/** Rows of one row group that were found by their key columns; the other columns can be read as well. */
export interface FoundRows {
  readonly file: ScanFile;
  readonly start: number;
  readonly columns: readonly (readonly Cell[])[];
  readonly selected: readonly number[];
  /** All columns of the same rows; read once, when asked for. */
  readonly readAll: () => Promise<readonly (readonly Cell[])[]>;
}

/** Opens DuckDB, where it may be used. */
export type EngineSource = () => Promise<DuckEngine | undefined>;

/** DuckDB holds the list of places in memory as a whole. */
const maxNamedRows = 2_000_000;

/** Rows from which on a file is worth an engine of its own. */
const bulkRows = 50_000n;

const noFiles: readonly ScanFile[] = [];

/** See the module's title. One load, one try to commit. */
export class WorkingTable {
  readonly fields: readonly NestedField[];
  readonly #io: FileIo;
  /** As the table will be. */
  readonly metadata: TableMetadata;
  readonly #policy: FilePolicy;
  readonly #engine: EngineSource;
  readonly #scanner: TableScanner;
  readonly #reader: ManifestReader;
  readonly #snapshot: Snapshot | undefined;
  readonly #writer: DataFileWriter;
  readonly #gone = new Map<string, Set<number>>();
  readonly #deleteFiles: string[] = [];
  /** By data file, the delete file that {@link deletePlaces} has made for it. */
  readonly #named = new Map<string, DataFile>();
  #isEmptied = false;

  /** `metadata` has the schema of the rows that come; `snapshot` is the state to start from. */
  constructor(
    io: FileIo,
    reader: ManifestReader,
    metadata: TableMetadata,
    snapshot: Snapshot | undefined,
    policy: FilePolicy,
    engine: EngineSource = async () => undefined,
  ) {
    this.#io = io;
    this.#reader = reader;
    this.metadata = metadata;
    this.#snapshot = snapshot;
    this.#policy = policy;
    this.#engine = engine;
    this.#scanner = new TableScanner(io, metadata);
    this.#writer = new DataFileWriter(io, metadata, policy.targetFileBytes);
    this.fields = schemaOf(metadata).fields;
  }

  /** Inserts a row whose cells follow {@link fields}; gives a promise only when rows are being written. */
  insert(row: CellRow): Promise<void> | undefined {
    return this.#writer.write(row);
  }

  /** Inserts the rows of a query, whose columns are {@link fields}, without their passing through JavaScript; gives their number. */
  async insertQuery(engine: DuckEngine, query: string, signal: AbortSignal | undefined): Promise<number> {
    const { targetFileBytes: targetBytes } = this.#policy;
    const target = { io: this.#io, metadata: this.metadata, targetBytes, signal };
    return this.#writer.adopt(await copyFiles(engine, query, target));
  }

  /** The files that hold the rows as they are now, but for those deleted by {@link delete}. */
  async scanFiles(): Promise<readonly ScanFile[]> {
    await this.flush();
    return [...(await this.#base([])), ...this.#added()];
  }

  /** Writes what was inserted, so that it is found from now on. */
  async flush(): Promise<void> {
    await this.#writer.finish();
  }

  /** Deletes a row. */
  delete(file: ScanFile, position: number): void {
    const { location } = file.entry.file;
    let gone = this.#gone.get(location);
    if (!gone) {
      gone = new Set();
      this.#gone.set(location, gone);
    }
    gone.add(position);
  }

  /** Deletes the rows whose key, one integer column, is in the set. */
  async deleteKeys(key: readonly string[], keys: ReadonlySet<bigint>): Promise<void> {
    if (keys.size === 0) return;
    const fields = this.fields.filter(({ name }) => key.includes(name));
    for await (const { file, start, columns, selected } of this.find(fields)) {
      for (const place of selected) {
        if (keys.has(columns[0]?.[place] as bigint)) this.delete(file, start + place);
      }
    }
  }

  /** Deletes all rows, also those that were inserted; gives their number. */
  async deleteAll(): Promise<number> {
    await this.flush();
    let rows = await this.countBase();
    for (const { location, recordCount } of this.#writer.files) {
      rows += Number(recordCount) - (this.#gone.get(location)?.size ?? 0);
    }
    await this.#writer.discard();
    this.#isEmptied = true;
    return rows;
  }

  /** Leaves the rows of the start behind: they have all been inserted again, in another form. */
  leaveBase(): void {
    this.#isEmptied = true;
  }

  /** The number of rows at the start. */
  async countBase(): Promise<number> {
    let rows = 0;
    for (const file of await this.#base([])) {
      const deleted = file.deletes.length > 0 ? (await this.#scanner.deletedPositions(file)).size : 0;
      rows += Number(file.entry.file.recordCount) - deleted;
    }
    return rows;
  }

  /** Row groups in which rows meet the conditions, in all files: those of the start, and those written since. */
  async *find(
    fields: readonly NestedField[],
    conditions: readonly CellCondition[] = [],
  ): AsyncGenerator<FoundRows> {
    const files = [...(await this.#base(conditions)), ...this.#added()];
    for (const file of files) {
      const gone = this.#gone.get(file.entry.file.location);
      for await (const batch of this.#scanner.read(file, fields, conditions, gone)) {
        let all: Promise<readonly (readonly Cell[])[]> | undefined;
        yield {
          file,
          start: batch.start,
          columns: batch.columns,
          selected: batch.selected ?? [...Array(batch.rows).keys()],
          readAll: () => (all ??= batch.readMore(this.fields)),
        };
      }
    }
  }

  /**
   * Deletes rows of a file whose places DuckDB knows, as the last change to the table.
   *
   * @returns `false` when nothing was done: the file will be written anew, or the rows that have gone before have to be counted
   * first; they can all be deleted one by one
   */
  async deletePlaces(file: ScanFile, rows: number, places: PlacesQuery): Promise<boolean> {
    const { file: data } = file.entry;
    const before = file.deletes.reduce((sum, { entry }) => sum + Number(entry.file.recordCount), 0);
    if (rows + before > maxNamedRows) return false;
    if (this.#isEmptied || file.manifest === noManifest || this.#gone.has(data.location)) return false;
    if (this.#isRewritten(data, (rows + before) / Number(data.recordCount))) return false;
    const location = this.#deleteLocation();
    this.#named.set(data.location, await copyDeletes(this.#io, file, places, location));
    return true;
  }

  /** Ends the work: the files that come and go. None come and none go when nothing has changed. */
  async finish(): Promise<FileChanges> {
    const removed: LiveFile[] = [];
    const deletes: DataFile[] = [];
    const remove = (file: ScanFile): void => {
      removed.push(file, ...ownDeletes(file));
    };
    if (this.#isEmptied) for (const file of await this.#base([], true)) remove(file);
    else {
      for (const file of await this.#base([])) {
        const { location } = file.entry.file;
        const gone = this.#gone.get(location);
        const deleted = this.#named.get(location) ?? (gone && (await this.#deletesOf(file, gone)));
        if (deleted) {
          deletes.push(deleted);
          removed.push(...ownDeletes(file));
          continue;
        }
        if (!gone) continue;
        remove(file);
        if ((await this.#shareGone(file, gone)) < 1) await this.#rewrite(file, gone);
      }
    }
    await this.#writer.finish();
    const added = this.#writer.files;
    for (const data of added) {
      const gone = this.#gone.get(data.location);
      if (gone) deletes.push(await this.#deleteFile(data, gone));
    }
    return { added: [...added, ...deletes], removed: unique(removed) };
  }

  /** Removes the files that were written; the work is given up. */
  async discard(): Promise<void> {
    await this.#writer.discard();
    await removeQuietly(this.#io, this.#deleteFiles);
  }

  /** The file that names the rows of another which are gone; `undefined` when that one is written anew, or all of it is gone. */
  async #deletesOf(file: ScanFile, gone: ReadonlySet<number>): Promise<DataFile | undefined> {
    const { file: data } = file.entry;
    const share = await this.#shareGone(file, gone);
    if (share >= 1 || this.#isRewritten(data, share)) return undefined;
    return this.#deleteFile(data, [...(await this.#scanner.deletedPositions(file)), ...gone]);
  }

  async #shareGone(file: ScanFile, gone: ReadonlySet<number>): Promise<number> {
    const before = await this.#scanner.deletedPositions(file);
    return (gone.size + before.size) / Number(file.entry.file.recordCount);
  }

  #isRewritten({ fileSizeBytes }: DataFile, share: number): boolean {
    const { rewriteBelowBytes, rewriteAboveDeleted } = this.#policy;
    return Number(fileSizeBytes) < rewriteBelowBytes || share > rewriteAboveDeleted;
  }

  async #rewrite(file: ScanFile, gone: ReadonlySet<number>): Promise<void> {
    const { recordCount } = file.entry.file;
    const engine = recordCount >= bulkRows && canScan(this.metadata) ? await this.#engine() : undefined;
    if (engine) return this.#rewriteBy(engine, file, gone);
    for await (const { columns, selected, rows } of this.#scanner.read(file, this.fields, [], gone)) {
      for (const i of selected ?? Array(rows).keys()) {
        const writing = this.insert(columns.map((cells) => cells[i] ?? null));
        if (writing) await writing;
      }
    }
  }

  /** What is gone becomes a delete file for a moment, so that the file is read as any other. */
  async #rewriteBy(engine: DuckEngine, file: ScanFile, gone: ReadonlySet<number>): Promise<void> {
    const deleted = await this.#deleteFile(file.entry.file, gone);
    const columns = this.fields.map(({ id, name, type }) => ({
      id,
      name,
      duckType: duckTypeOf(type) as string,
    }));
    const deletes = [...file.deletes, { entry: uncommitted(deleted), manifest: noManifest }];
    await this.insertQuery(engine, rowsSql(columns, [{ ...file, deletes }]), undefined);
    await removeQuietly(this.#io, [deleted.location]);
  }

  async #deleteFile(of: DataFile, positions: Iterable<number>): Promise<DataFile> {
    const location = this.#deleteLocation();
    const { bytes, file } = positionDeleteFile(of, new Set(positions), location);
    await this.#io.write(location, bytes);
    return file;
  }

  #deleteLocation(): string {
    const location = `${this.metadata.location}/data/${randomUUID()}-deletes.parquet`;
    this.#deleteFiles.push(location);
    return location;
  }

  async #base(conditions: readonly CellCondition[], evenEmptied = false): Promise<readonly ScanFile[]> {
    if (this.#isEmptied && !evenEmptied) return noFiles;
    return planScan(this.#reader, this.metadata, this.#snapshot, conditions);
  }

  #added(): ScanFile[] {
    return this.#writer.files.map((file) => ({
      entry: uncommitted(file),
      manifest: noManifest,
      deletes: [],
    }));
  }
}

function unique(files: readonly LiveFile[]): LiveFile[] {
  return [...new Map(files.map((live) => [live.entry.file.location, live])).values()];
}

function uncommitted(file: DataFile): ManifestEntry {
  return { status: 'added', snapshotId: 0n, sequenceNumber: 0n, fileSequenceNumber: 0n, file };
}

const noManifest: ManifestFile = {
  location: '',
  lengthBytes: 0n,
  specId: 0,
  content: 'data',
  sequenceNumber: 0n,
  minSequenceNumber: 0n,
  addedSnapshotId: 0n,
  addedFiles: 0,
  existingFiles: 0,
  deletedFiles: 0,
  addedRows: 0n,
  existingRows: 0n,
  deletedRows: 0n,
};
