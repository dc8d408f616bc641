/** Reads data files of any writer, column by column, by field id. */
import * as zlib from 'node:zlib';
import { parquetMetadataAsync, parquetScan, parquetSchema } from 'hyparquet';
import type { AsyncBuffer, Compressors, FileMetaData, SchemaElement, SchemaTree } from 'hyparquet';
import { PlumbingError } from '../errors/index.ts';
import type { FileIo } from './file-io.ts';
import type { NameMapping } from './name-mapping.ts';
import { mappedField } from './name-mapping.ts';
import { parquetConverterOf, withoutId } from './parquet-cells.ts';
import type { Cell, NestedField } from './types.ts';
import { textOfUtf8 } from './utf8.ts';

/** Files up to this size are fetched whole: one request costs more than their bytes. */
const wholeFileBytes = 4 * 1024 * 1024;

const { zstdDecompressSync } = zlib as Partial<Pick<typeof zlib, 'zstdDecompressSync'>>;
const compressors: Compressors = {
  GZIP: (bytes) => zlib.gunzipSync(bytes),
  BROTLI: (bytes) => zlib.brotliDecompressSync(bytes),
  ...(zstdDecompressSync && { ZSTD: (bytes) => zstdDecompressSync(bytes) }),
};

/** Rows of a file that lie together. */
export interface RowGroup {
  /** Position of its first row in the file. */
  readonly start: number;
  readonly rows: number;
}

/** A Parquet file, open to read. */
export class ParquetFileReader {
  readonly location: string;
  readonly rowGroups: readonly RowGroup[];
  readonly #file: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #mapping: NameMapping | undefined;
  readonly #columns: ReadonlyMap<number, SchemaTree>;

  private constructor(
    location: string,
    file: AsyncBuffer,
    metadata: FileMetaData,
    mapping: NameMapping | undefined,
  ) {
    this.location = location;
    this.#file = file;
    this.#metadata = metadata;
    let start = 0;
    this.rowGroups = metadata.row_groups.map((group) => {
      const rows = Number(group.num_rows);
      start += rows;
      return { start: start - rows, rows };
    });
    this.#mapping = mapping;
    this.#columns = columnsById(parquetSchema(metadata), mapping);
  }

  /**
   * Reads the footer. `mapping` gives ids to columns of files that have none.
   *
   * @throws PlumbingError `DEST_CORRUPT` for a file that is missing, or no Parquet file.
   */
  static async open(
    io: FileIo,
    location: string,
    sizeBytes: number,
    mapping?: NameMapping,
  ): Promise<ParquetFileReader> {
    const whole = sizeBytes <= wholeFileBytes ? await io.read(location) : undefined;
    const file: AsyncBuffer = {
      byteLength: whole?.byteLength ?? sizeBytes,
      slice: async (start, end = sizeBytes) =>
        whole ? bufferOf(whole.subarray(start, end)) : bufferOf(await io.readRange(location, start, end)),
    };
    return await reading(location, async () => {
      const metadata = await parquetMetadataAsync(file, { geoparquet: false });
      for (const element of metadata.schema) makePlain(element);
      return new ParquetFileReader(location, file, metadata, mapping);
    });
  }

  /** Whether the file has a column of this id. */
  has(id: number): boolean {
    return this.#columns.has(id);
  }

  /**
   * The cells of some columns of one row group, a list a column. A column that the file lacks is all null.
   *
   * @throws PlumbingError `DEST_CORRUPT` for a file that is damaged; `DEST_FOREIGN` for one whose columns can't be told apart.
   */
  async read(group: RowGroup, fields: readonly NestedField[]): Promise<Cell[][]> {
    if (this.#columns.size === 0) throw withoutId(`${this.location}: every column`);
    const found = fields.map((field) => this.#columns.get(field.id));
    const names = [...new Set(found.flatMap((tree) => (tree ? [tree.element.name] : [])))];
    return await reading(this.location, async () => {
      if (names.length === 0) return fields.map(() => Array<Cell>(group.rows).fill(null));
      const scan = await parquetScan({
        file: this.#file,
        metadata: this.#metadata,
        columns: names,
        compressors,
        utf8: false,
        parsers,
        useOffsetIndex: false,
      });
      const rowEnd = group.start + group.rows;
      const columns: Cell[][] = [];
      for (const [i, field] of fields.entries()) {
        const tree = found[i];
        if (!tree) {
          columns.push(Array<Cell>(group.rows).fill(null));
          continue;
        }
        const { name } = tree.element;
        const values = await scan.readColumn({ column: name, rowStart: group.start, rowEnd });
        columns.push(parquetConverterOf(field.type, tree, mappedField(this.#mapping, name)?.fields)(values));
      }
      return columns;
    });
  }
}

/** What is read stays as it is stored, and is made a cell by us: exactly. */
const parsers = {
  timestampFromMilliseconds: (value: bigint) => value,
  timestampFromMicroseconds: (value: bigint) => value,
  timestampFromNanoseconds: (value: bigint) => value,
  dateFromDays: (days: number) => days,
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && textOfUtf8(bytes),
  jsonFromBytes: (bytes: Uint8Array | undefined) => bytes && textOfUtf8(bytes),
} as never;

/** Takes off what would make the library convert values with a loss: decimals to doubles, maps to objects. */
function makePlain(element: SchemaElement): void {
  if (element.converted_type === 'DECIMAL' || element.converted_type === 'MAP') delete element.converted_type;
  if (element.logical_type?.type === 'DECIMAL' || element.logical_type?.type === 'MAP')
    delete element.logical_type;
}

function columnsById(root: SchemaTree, mapping: NameMapping | undefined): Map<number, SchemaTree> {
  const columns = new Map<number, SchemaTree>();
  for (const tree of root.children) {
    const id = tree.element.field_id ?? mappedField(mapping, tree.element.name)?.['field-id'];
    if (id !== undefined) columns.set(id, tree);
  }
  return columns;
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteOffset === 0 && byteLength === buffer.byteLength) return buffer as ArrayBuffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

async function reading<T>(location: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PlumbingError) throw error;
    const { message } = error as Error;
    throw new PlumbingError('DEST_CORRUPT', `${location} can not be read as Parquet: ${message}`, {
      cause: error,
    });
  }
}
