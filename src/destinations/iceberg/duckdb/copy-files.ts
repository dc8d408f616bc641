/** Data files that DuckDB writes. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBMapValue, DuckDBValue } from '@duckdb/node-api';
import { emptyStatistics } from '../../../iceberg/column-statistics.ts';
import type { ColumnStatistics, DataFile } from '../../../iceberg/data-file.ts';
import type { FileIo } from '../../../iceberg/file-io.ts';
import { schemaOf, specOf } from '../../../iceberg/metadata.ts';
import type { TableMetadata } from '../../../iceberg/metadata.ts';
import { removeQuietly } from '../../../iceberg/snapshot-producer.ts';
import type { NestedField } from '../../../iceberg/types.ts';
import { quoteIdentifier, quoteText } from '../../../model/sql-text.ts';
import { noteStatistics } from './duck-types.ts';
import type { DuckEngine } from './engine.ts';

/** Where the files go. */
export interface CopyTarget {
  readonly io: FileIo;
  /** Of a table without partitions. */
  readonly metadata: TableMetadata;
  readonly targetBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Larger groups take twice the memory, and no less time. */
const groupRows = 65_536;

/**
 * Writes the rows of a query, whose columns are the fields of the table in their order, to data files. They are made in a private
 * temporary folder, so that a table's folder never has a file that is not whole.
 */
export async function copyFiles(engine: DuckEngine, query: string, target: CopyTarget): Promise<DataFile[]> {
  const { io, metadata, targetBytes, signal } = target;
  const { fields } = schemaOf(metadata);
  const folder = await mkdtemp(join(tmpdir(), 'plumbing-files-'));
  const files: DataFile[] = [];
  try {
    const ids = fields.map(({ id, name }) => `${quoteIdentifier(name)}: ${id}`);
    const told = await engine.run(
      `writing files of ${metadata.location}`,
      `COPY (${query}) TO ${quoteText(join(folder, 'files'))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ` +
        `ROW_GROUP_SIZE ${groupRows}, FILE_SIZE_BYTES ${targetBytes}, FIELD_IDS {${ids.join(', ')}}, RETURN_STATS)`,
      signal,
    );
    for (const row of told) {
      const [path, count, , , columns] = row as [string, bigint, bigint, bigint, DuckDBMapValue];
      if (count === 0n) continue;
      const bytes = await readFile(path);
      const statistics = statisticsOf(fields, columns);
      const location = `${metadata.location}/data/${randomUUID()}.parquet`;
      files.push({
        content: 'data',
        location,
        format: 'PARQUET',
        specId: specOf(metadata)['spec-id'],
        partition: [],
        recordCount: count,
        fileSizeBytes: BigInt(bytes.byteLength),
        statistics,
        sortOrderId: 0,
      });
      await io.write(location, bytes);
      await rm(path);
    }
    return files;
  } catch (error) {
    await removeQuietly(
      io,
      files.map(({ location }) => location),
    );
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What `RETURN_STATS` tells of the columns of a file. */
export function statisticsOf(fields: readonly NestedField[], columns: DuckDBMapValue): ColumnStatistics {
  const figures = new Map(columns.entries.map(({ key, value }) => [key, textsOf(value)]));
  const statistics = emptyStatistics();
  for (const field of fields) {
    const found = figures.get(quoteIdentifier(field.name));
    if (found) noteStatistics(field, found, statistics);
  }
  return statistics;
}

function textsOf(value: DuckDBValue): ReadonlyMap<string, string> {
  return new Map((value as DuckDBMapValue).entries.map((entry) => [String(entry.key), String(entry.value)]));
}
