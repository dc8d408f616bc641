/** Writes data files without DuckDB. */
import * as zlib from 'node:zlib';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { ColumnTally, emptyStatistics } from './column-statistics.ts';
import type { ColumnStatistics } from './data-file.ts';
import { parquetSchemaOf } from './parquet-schema.ts';
import type { Cell, IcebergType, NestedField } from './types.ts';

/** A file, ready to be stored. */
export interface ParquetFile {
  readonly bytes: Uint8Array;
  readonly recordCount: bigint;
  readonly statistics: ColumnStatistics;
  readonly splitOffsets: readonly bigint[];
}

// Node has zstd from 22.15 on; gzip is read everywhere as well.
const { zstdCompressSync } = zlib as Partial<Pick<typeof zlib, 'zstdCompressSync'>>;
const codec = zstdCompressSync ? 'ZSTD' : 'GZIP';
const compress = (bytes: Uint8Array): Uint8Array =>
  zstdCompressSync ? zstdCompressSync(bytes) : zlib.gzipSync(bytes);

/** A Parquet file that is being written, in memory, a row group at a time. */
export class ParquetFileWriter {
  readonly #fields: readonly NestedField[];
  readonly #toParquet: readonly ((cell: Cell) => unknown)[];
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;
  readonly #tallies: readonly ColumnTally[];
  readonly #splitOffsets: bigint[] = [];
  #rows = 0;

  constructor(fields: readonly NestedField[]) {
    this.#fields = fields;
    this.#toParquet = fields.map((field) => converterOf(field.type));
    this.#tallies = fields.map((field) => new ColumnTally(field));
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: parquetSchemaOf(fields),
      codec,
      compressors: { ZSTD: compress, GZIP: compress },
      createdBy: 'plumbing-core',
    });
  }

  get rows(): number {
    return this.#rows;
  }

  /** Bytes that are written so far. */
  get sizeBytes(): number {
    return this.#bytes.offset;
  }

  /** Writes one row group. Each column holds as many cells, in the order of the fields. */
  writeGroup(columns: readonly (readonly Cell[])[]): void {
    const rows = columns[0]?.length ?? 0;
    if (rows === 0) return;
    this.#splitOffsets.push(BigInt(this.#bytes.offset));
    const columnData = this.#fields.map((field, i) => {
      const cells = columns[i] as readonly Cell[];
      (this.#tallies[i] as ColumnTally).add(cells);
      const convert = this.#toParquet[i] as (cell: Cell) => unknown;
      return {
        name: field.name,
        data: convert === same ? cells : cells.map(convert),
        ...(isFloating(field.type) && hasBothZeros(cells) && { encoding: 'PLAIN' }),
      };
    });
    void this.#writer.write({ columnData: columnData as never, rowGroupSize: rows });
    this.#rows += rows;
  }

  /** Ends the file. */
  finish(): ParquetFile {
    void this.#writer.finish();
    const statistics = emptyStatistics();
    for (const tally of this.#tallies) tally.report(statistics);
    for (const field of this.#fields) this.#reportSize(field, statistics.columnSizes);
    return {
      bytes: this.#bytes.getBytes(),
      recordCount: BigInt(this.#rows),
      statistics,
      splitOffsets: this.#splitOffsets,
    };
  }

  #reportSize(field: NestedField, sizes: Map<number, bigint>): void {
    if (typeof field.type !== 'string') return;
    let size = 0n;
    for (const group of this.#writer.row_groups) {
      const column = group.columns.find(({ meta_data: data }) => isPath(data?.path_in_schema, field.name));
      size += column?.meta_data?.total_compressed_size ?? 0n;
    }
    sizes.set(field.id, size);
  }
}

function isPath(path: readonly string[] | undefined, name: string): boolean {
  return path?.length === 1 && path[0] === name;
}

function isFloating(type: IcebergType): boolean {
  return type === 'double' || type === 'float';
}

/** In a dictionary both zeros would become the one that comes first. */
function hasBothZeros(cells: readonly Cell[]): boolean {
  return cells.includes(0) && cells.some((cell) => Object.is(cell, -0));
}

const same = (cell: Cell): unknown => cell;

/** From a cell to what the writer takes; a plain cell is that already. */
function converterOf(type: IcebergType): (cell: Cell) => unknown {
  if (typeof type === 'string') return same;
  const within = (convert: (cells: readonly Cell[]) => unknown) => (cell: Cell) =>
    cell === null ? null : convert(cell as readonly Cell[]);
  if (type.type === 'struct') {
    const parts = type.fields.map(({ name, type: part }) => [name, converterOf(part)] as const);
    return within((cells) =>
      Object.fromEntries(parts.map(([name, convert], i) => [name, convert(cells[i] ?? null)])),
    );
  }
  if (type.type === 'list') {
    const convert = converterOf(type.element);
    return within((cells) => cells.map(convert));
  }
  const key = converterOf(type.key);
  const value = converterOf(type.value);
  return within((pairs) =>
    (pairs as readonly (readonly Cell[])[]).map(([k = null, v = null]) => ({
      key: key(k),
      value: value(v),
    })),
  );
}
