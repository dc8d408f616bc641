/** Writes rows to data files: one open file a partition, rows in groups, files of bounded size. */
import { randomUUID } from 'node:crypto';
import type { DataFile } from '../../iceberg/data-file.ts';
import type { FileIo } from '../../iceberg/file-io.ts';
import { schemaOf, specOf } from '../../iceberg/metadata.ts';
import type { TableMetadata } from '../../iceberg/metadata.ts';
import { ParquetFileWriter } from '../../iceberg/parquet-writer.ts';
import { bindSpec, partitionKey, partitionOf } from '../../iceberg/partition.ts';
import type { BoundField } from '../../iceberg/partition.ts';
import { removeQuietly } from '../../iceberg/snapshot-producer.ts';
import type { Cell, Schema } from '../../iceberg/types.ts';
import type { CellRow } from './row-spool.ts';

/** Rows of a row group. */
const groupRows = 65_536;
/** Characters and bytes that a row group holds before it is written. */
const groupBytes = 16 * 1024 * 1024;

/** An open file. */
interface OpenFile {
  readonly partition: readonly Cell[];
  rows: CellRow[];
  size: number;
  writer: ParquetFileWriter | undefined;
}

/** Takes rows whose cells follow the table's schema, and gives the files that hold them. */
export class DataFileWriter {
  readonly files: DataFile[] = [];
  readonly #io: FileIo;
  readonly #schema: Schema;
  readonly #specId: number;
  readonly #bound: readonly BoundField[];
  readonly #folder: string;
  readonly #targetBytes: number;
  readonly #open = new Map<string, OpenFile>();
  /** Over all open files. */
  #rows = 0;
  #size = 0;

  constructor(io: FileIo, metadata: TableMetadata, targetBytes: number) {
    this.#io = io;
    this.#schema = schemaOf(metadata);
    const spec = specOf(metadata);
    this.#specId = spec['spec-id'];
    this.#bound = bindSpec(spec, this.#schema);
    this.#folder = `${metadata.location}/data`;
    this.#targetBytes = targetBytes;
  }

  /** Takes a row; gives a promise only when what was taken is full and being written. */
  write(row: CellRow): Promise<void> | undefined {
    const file = this.#fileFor(row);
    file.rows.push(row);
    const size = sizeOf(row);
    file.size += size;
    this.#rows++;
    this.#size += size;
    return this.#rows >= groupRows || this.#size >= groupBytes ? this.#writeFull() : undefined;
  }

  async #writeFull(): Promise<void> {
    for (const file of this.#open.values()) {
      this.#writeGroup(file);
      if (file.writer && file.writer.sizeBytes >= this.#targetBytes) await this.#close(file);
    }
    this.#rows = 0;
    this.#size = 0;
  }

  /** Takes files that something else has written; gives the number of their rows. */
  adopt(files: readonly DataFile[]): number {
    this.files.push(...files);
    return files.reduce((rows, { recordCount }) => rows + Number(recordCount), 0);
  }

  /** Ends all files. */
  async finish(): Promise<void> {
    for (const file of this.#open.values()) {
      this.#writeGroup(file);
      await this.#close(file);
    }
    this.#open.clear();
    this.#rows = 0;
    this.#size = 0;
  }

  /** Removes the files that were written. */
  async discard(): Promise<void> {
    const files = this.files.splice(0);
    await removeQuietly(
      this.#io,
      files.map(({ location }) => location),
    );
  }

  #fileFor(row: CellRow): OpenFile {
    const partition = this.#bound.length === 0 ? [] : partitionOf(this.#bound, row);
    const key = this.#bound.length === 0 ? '' : partitionKey(partition);
    let file = this.#open.get(key);
    if (!file) {
      file = { partition, rows: [], size: 0, writer: undefined };
      this.#open.set(key, file);
    }
    return file;
  }

  #writeGroup(file: OpenFile): void {
    if (file.rows.length === 0) return;
    const { fields } = this.#schema;
    const columns = fields.map((_, i) => file.rows.map((row) => row[i] ?? null));
    file.writer ??= new ParquetFileWriter(fields);
    file.writer.writeGroup(columns);
    file.rows = [];
    file.size = 0;
  }

  async #close(file: OpenFile): Promise<void> {
    if (!file.writer) return;
    const { bytes, recordCount, statistics, splitOffsets } = file.writer.finish();
    file.writer = undefined;
    const location = `${this.#folder}/${randomUUID()}.parquet`;
    this.files.push({
      content: 'data',
      location,
      format: 'PARQUET',
      specId: this.#specId,
      partition: file.partition,
      recordCount,
      fileSizeBytes: BigInt(bytes.byteLength),
      statistics,
      splitOffsets,
      sortOrderId: 0,
    });
    await this.#io.write(location, bytes);
  }
}

function sizeOf(row: CellRow): number {
  let size = 0;
  for (const cell of row) {
    if (typeof cell === 'string') size += cell.length;
    else if (cell instanceof Uint8Array) size += cell.byteLength;
    else size += 8;
  }
  return size;
}
