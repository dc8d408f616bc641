/** Delete files that DuckDB writes, from places that it knows already. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBMapValue } from '@duckdb/node-api';
import type { DataFile } from '../../../iceberg/data-file.ts';
import type { FileIo } from '../../../iceberg/file-io.ts';
import { deleteFileOf, pathField, positionField } from '../../../iceberg/position-deletes.ts';
import { ownDeletes } from '../../../iceberg/scan.ts';
import type { ScanFile } from '../../../iceberg/scan.ts';
import { quoteText } from '../../../model/sql-text.ts';
import { statisticsOf } from './copy-files.ts';
import type { DuckEngine } from './engine.ts';
import { deletedSql } from './scan-sql.ts';

/** Rows that go from one data file. */
export interface PlacesQuery {
  readonly engine: DuckEngine;
  /** A query for their positions, in a column `place`. */
  readonly query: string;
  readonly signal: AbortSignal | undefined;
}

/** Writes the file at `location` that names these rows, and those that the file's own delete files name already. */
export async function copyDeletes(
  io: FileIo,
  of: ScanFile,
  { engine, query, signal }: PlacesQuery,
  location: string,
): Promise<DataFile> {
  const data = of.entry.file;
  const own = ownDeletes(of);
  const before =
    own.length > 0 ? ` UNION ALL SELECT position FROM (${deletedSql([{ ...of, deletes: own }])})` : '';
  // One list, for rows that come from one list keep its order.
  const sql =
    `SELECT ${quoteText(data.location)} AS ${pathField.name}, unnest(list_sort(list_distinct(list(place)))) AS ${positionField.name} ` +
    `FROM (${query}${before}) AS places (place)`;
  const folder = await mkdtemp(join(tmpdir(), 'plumbing-deletes-'));
  try {
    const path = join(folder, 'deletes.parquet');
    const ids = [pathField, positionField].map(({ name, id }) => `${name}: ${id}`);
    const [told = []] = await engine.run(
      `writing delete files of ${data.location}`,
      `COPY (${sql}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {${ids.join(', ')}}, RETURN_STATS)`,
      signal,
    );
    const [, recordCount, , , columns] = told as [string, bigint, bigint, bigint, DuckDBMapValue];
    const statistics = statisticsOf([pathField, positionField], columns);
    const bytes = await readFile(path);
    await io.write(location, bytes);
    return deleteFileOf(data, { location, recordCount, fileSizeBytes: BigInt(bytes.byteLength), statistics });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
