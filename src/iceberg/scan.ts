/** Reading a table: which files, which rows of them. */
import { PlumbingError } from '../errors/index.ts';
import { mayMeet, meets } from './conditions.ts';
import type { CellCondition } from './conditions.ts';
import type { DataFile } from './data-file.ts';
import type { LiveFile } from './file-changes.ts';
import type { FileIo } from './file-io.ts';
import { readNameMapping } from './name-mapping.ts';
import type { ManifestReader } from './manifest-reader.ts';
import { specOf } from './metadata.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';
import { partitionKey } from './partition.ts';
import { ParquetFileReader } from './parquet-reader.ts';
import { PositionDeletes, mayDeleteFrom } from './position-deletes.ts';
import type { Cell, NestedField } from './types.ts';

/** A data file, and the delete files that may name rows of it. */
export interface ScanFile extends LiveFile {
  readonly deletes: readonly LiveFile[];
}

/** Rows of one file that lie together. */
export interface RowBatch {
  readonly file: DataFile;
  /** Position of the first row in the file. */
  readonly start: number;
  /** Number of rows. */
  readonly rows: number;
  /** The cells, a list a column, of all rows. */
  readonly columns: readonly (readonly Cell[])[];
  /** Which of the rows are there and meet the conditions; all of them when absent. */
  readonly selected: readonly number[] | undefined;
  /** Other columns of the same rows, read when asked for. */
  readonly readMore: (fields: readonly NestedField[]) => Promise<readonly (readonly Cell[])[]>;
}

/**
 * The files in which rows that meet the conditions may be, with their deletes.
 *
 * @throws PlumbingError `DEST_FOREIGN` for a table with equality deletes, which another program has written.
 */
export async function planScan(
  reader: ManifestReader,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
  conditions: readonly CellCondition[] = [],
): Promise<ScanFile[]> {
  const data: LiveFile[] = [];
  const deletes = new Map<string, LiveFile[]>();
  for (const manifest of await reader.list(snapshot)) {
    if (manifest.addedFiles + manifest.existingFiles === 0) continue;
    for (const entry of await reader.entries(manifest, metadata)) {
      if (entry.status === 'deleted') continue;
      const { file } = entry;
      if (file.content === 'equality-deletes') {
        throw new PlumbingError(
          'DEST_FOREIGN',
          `${metadata.location} has equality deletes, which are not supported; have the program that wrote them compact the table`,
        );
      }
      if (file.content === 'data') {
        if (mayMeet(file, specOf(metadata, file.specId), conditions)) data.push({ entry, manifest });
        continue;
      }
      const key = placeOf(file);
      deletes.set(key, [...(deletes.get(key) ?? []), { entry, manifest }]);
    }
  }
  return data.map((live) => ({
    ...live,
    deletes: (deletes.get(placeOf(live.entry.file)) ?? []).filter(
      ({ entry }) =>
        entry.sequenceNumber >= live.entry.sequenceNumber && mayDeleteFrom(entry.file, live.entry.file),
    ),
  }));
}

/** The delete files that name rows of this data file only: they go when it goes. */
export function ownDeletes({ entry, deletes }: ScanFile): LiveFile[] {
  const path = Buffer.from(entry.file.location);
  return deletes.filter(({ entry: { file } }) =>
    [file.statistics.lowerBounds, file.statistics.upperBounds].every((bounds) =>
      [...bounds.values()].some((bytes) => Buffer.compare(bytes, path) === 0),
    ),
  );
}

/** Position deletes apply to files of their own partition. */
function placeOf(file: DataFile): string {
  return `${file.specId} ${partitionKey(file.partition)}`;
}

/** Reads files of one table. */
export class TableScanner {
  readonly #io: FileIo;
  readonly #metadata: TableMetadata;
  readonly #deletes: PositionDeletes;

  constructor(io: FileIo, metadata: TableMetadata) {
    this.#io = io;
    this.#metadata = metadata;
    this.#deletes = new PositionDeletes(io);
  }

  /** The positions of a file's rows that are deleted. */
  async deletedPositions({ entry, deletes }: ScanFile): Promise<ReadonlySet<number>> {
    return this.#deletes.positions(entry.file, deletes);
  }

  /**
   * Reads some columns of a file, a row group at a time. `gone` are positions that count as deleted beyond those that the
   * table knows.
   */
  async *read(
    scanFile: ScanFile,
    fields: readonly NestedField[],
    conditions: readonly CellCondition[] = [],
    gone: ReadonlySet<number> = none,
  ): AsyncGenerator<RowBatch> {
    const { file } = scanFile.entry;
    const deleted = await this.deletedPositions(scanFile);
    const reader = await this.#open(file);
    const extra = conditions.map(({ field }) => field).filter((field) => !fields.includes(field));
    const wanted = [...fields, ...extra];
    for (const group of reader.rowGroups) {
      const columns = this.#withConstants(reader, file, wanted, await reader.read(group, wanted));
      const isGone = deleted.size > 0 || gone.size > 0;
      let selected: number[] | undefined;
      if (isGone || conditions.length > 0) {
        selected = [];
        const checks = conditions.map((condition) => ({
          condition,
          cells: columns[wanted.indexOf(condition.field)] as readonly Cell[],
        }));
        for (let i = 0; i < group.rows; i++) {
          const position = group.start + i;
          if (isGone && (deleted.has(position) || gone.has(position))) continue;
          if (checks.every(({ condition, cells }) => meets(condition, cells[i] as Cell))) selected.push(i);
        }
        if (selected.length === 0) continue;
      }
      yield {
        file,
        start: group.start,
        rows: group.rows,
        columns: columns.slice(0, fields.length),
        selected,
        readMore: async (more) => this.#withConstants(reader, file, more, await reader.read(group, more)),
      };
    }
  }

  async #open(file: DataFile): Promise<ParquetFileReader> {
    if (file.format.toUpperCase() !== 'PARQUET') {
      throw new PlumbingError('DEST_FOREIGN', `${file.location}: files in ${file.format} are not supported`);
    }
    const mapping = readNameMapping(this.#metadata.properties);
    return ParquetFileReader.open(this.#io, file.location, Number(file.fileSizeBytes), mapping);
  }

  /** A column that a file lacks, but by which it is partitioned, has that value in all rows. */
  #withConstants(
    reader: ParquetFileReader,
    file: DataFile,
    fields: readonly NestedField[],
    columns: readonly (readonly Cell[])[],
  ): readonly (readonly Cell[])[] {
    const spec = specOf(this.#metadata, file.specId);
    return columns.map((cells, i) => {
      const { id } = fields[i] as NestedField;
      if (reader.has(id)) return cells;
      const index = spec.fields.findIndex(
        (part) => part['source-id'] === id && part.transform === 'identity',
      );
      const constant = file.partition[index] ?? null;
      return constant === null ? cells : cells.map(() => constant);
    });
  }
}

const none: ReadonlySet<number> = new Set();
