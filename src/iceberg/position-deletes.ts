/** Position deletes: files that name rows of data files which are gone. */
import { PlumbingError } from '../errors/index.ts';
import type { DataFile } from './data-file.ts';
import type { LiveFile } from './file-changes.ts';
import type { FileIo } from './file-io.ts';
import { ParquetFileReader } from './parquet-reader.ts';
import { ParquetFileWriter } from './parquet-writer.ts';
import { encodeSingleValue } from './single-value.ts';
import type { NestedField } from './types.ts';

/** The column of a delete file that names the data file. Ids are reserved (Iceberg specification, "Reserved Field IDs"). */
export const pathField: NestedField = {
  id: 2_147_483_546,
  name: 'file_path',
  required: true,
  type: 'string',
};
/** The column of a delete file that names the row. */
export const positionField: NestedField = { id: 2_147_483_545, name: 'pos', required: true, type: 'long' };

/**
 * A file that deletes some rows of one data file; it lies in the partition of that file.
 *
 * @returns the bytes, and how manifests describe them.
 */
export function positionDeleteFile(
  of: DataFile,
  positions: Iterable<number>,
  location: string,
): { readonly bytes: Uint8Array; readonly file: DataFile } {
  const sorted = [...positions].toSorted((a, b) => a - b);
  const writer = new ParquetFileWriter([pathField, positionField]);
  writer.writeGroup([sorted.map(() => of.location), sorted.map(BigInt)]);
  const { bytes, ...written } = writer.finish();
  const file = deleteFileOf(of, { ...written, location, fileSizeBytes: BigInt(bytes.byteLength) });
  return { bytes, file };
}

/** How manifests describe a Parquet file that deletes rows of one data file. */
export function deleteFileOf(
  of: DataFile,
  written: Pick<DataFile, 'location' | 'recordCount' | 'fileSizeBytes' | 'statistics' | 'splitOffsets'>,
): DataFile {
  const { statistics } = written;
  // Whole, not cut as other bounds are: readers find by them which data file is meant.
  const path = encodeSingleValue('string', of.location) as Uint8Array;
  return {
    ...written,
    content: 'position-deletes',
    format: 'PARQUET',
    specId: of.specId,
    partition: of.partition,
    statistics: {
      ...statistics,
      lowerBounds: new Map([...statistics.lowerBounds, [pathField.id, path]]),
      upperBounds: new Map([...statistics.upperBounds, [pathField.id, path]]),
    },
  };
}

/** Whether a delete file may name rows of a data file, by its bounds. */
export function mayDeleteFrom({ statistics }: DataFile, { location }: DataFile): boolean {
  const path = Buffer.from(location);
  const lower = statistics.lowerBounds.get(pathField.id);
  const upper = statistics.upperBounds.get(pathField.id);
  if (lower && Buffer.compare(lower, path) > 0) return false;
  return !(upper && Buffer.compare(upper, path) < 0);
}

/** Reads delete files, each once. */
export class PositionDeletes {
  readonly #io: FileIo;
  readonly #byFile = new Map<string, Promise<ReadonlyMap<string, readonly number[]>>>();

  constructor(io: FileIo) {
    this.#io = io;
  }

  /** The positions in a data file that the given delete files name. */
  async positions(of: DataFile, deletes: readonly LiveFile[]): Promise<ReadonlySet<number>> {
    const positions = new Set<number>();
    for (const { entry } of deletes) {
      const named = (await this.#read(entry.file)).get(of.location) ?? [];
      for (const position of named) positions.add(position);
    }
    return positions;
  }

  #read(file: DataFile): Promise<ReadonlyMap<string, readonly number[]>> {
    const known = this.#byFile.get(file.location);
    if (known) return known;
    const reading = this.#readAll(file);
    this.#byFile.set(file.location, reading);
    return reading;
  }

  async #readAll(file: DataFile): Promise<Map<string, number[]>> {
    if (file.content !== 'position-deletes' || file.format.toUpperCase() !== 'PARQUET') {
      throw new PlumbingError(
        'DEST_FOREIGN',
        `${file.location}: ${file.content} in ${file.format} are not supported; have the program that wrote them compact the table`,
      );
    }
    const reader = await ParquetFileReader.open(this.#io, file.location, Number(file.fileSizeBytes));
    const positions = new Map<string, number[]>();
    for (const group of reader.rowGroups) {
      const [paths = [], places = []] = await reader.read(group, [pathField, positionField]);
      for (const [i, path] of paths.entries()) {
        const list = positions.get(path as string);
        if (list) list.push(Number(places[i]));
        else positions.set(path as string, [Number(places[i])]);
      }
    }
    return positions;
  }
}
