/** The columns of an Iceberg table as DuckDB sees them. */
import { codecOf, logicalTypeOf } from '../destinations/iceberg/cell-codec.ts';
import type { ScanColumn } from '../destinations/iceberg/duckdb/scan-sql.ts';
import { readDefinition, requireOwnColumns } from '../destinations/iceberg/table-shape.ts';
import { PlumbingError } from '../errors/index.ts';
import type { FileIo } from '../iceberg/file-io.ts';
import { nameMappingProperty } from '../iceberg/name-mapping.ts';
import { schemaOf } from '../iceberg/metadata.ts';
import type { TableMetadata } from '../iceberg/metadata.ts';
import { ParquetFileReader } from '../iceberg/parquet-reader.ts';
import type { ScanFile } from '../iceberg/scan.ts';
import { sameType } from '../iceberg/types.ts';
import type { PrimitiveType } from '../iceberg/types.ts';
import type { LogicalType } from '../model/index.ts';
import { physicalColumns } from '../model/table-layout.ts';
import type { DuckDb } from './duckdb.ts';
import { duckColumn } from './values.ts';

/** One column of a table. */
export interface LakeColumn extends ScanColumn {
  readonly type: LogicalType;
}

/**
 * The columns that can be read, with the types of the table's definition; of tables of other programs, those of Iceberg,
 * without nested ones.
 *
 * @throws PlumbingError `DEST_FOREIGN` when a column of the definition is missing, or no column can be read; `DEST_CORRUPT` as
 * `readDefinition`.
 */
export function lakeColumns(duck: DuckDb, table: string, metadata: TableMetadata): LakeColumn[] {
  const definition = readDefinition(table, metadata);
  const schema = schemaOf(metadata);
  if (definition) requireOwnColumns(definition, schema);
  const own = definition && new Map(physicalColumns(definition).map(({ name, type }) => [name, type]));
  const columns = schema.fields.flatMap(({ id, name, type }): LakeColumn[] => {
    if (typeof type !== 'string' || (own && !own.has(name))) return [];
    const known = own?.get(name);
    // Another program may have widened the column.
    if (known !== undefined && sameType(codecOf(known).icebergType, type))
      return [{ id, name, type: known, duckType: duckTypeOf(duck, known) }];
    return [{ id, name, type: logicalTypeOf(type), duckType: foreignType(duck, type) }];
  });
  if (columns.length > 0) return columns;
  throw new PlumbingError(
    'DEST_FOREIGN',
    `table "${table}" has no column that can be read here: all of them are nested`,
  );
}

function duckTypeOf(duck: DuckDb, logical: LogicalType): string {
  const { type } = duckColumn(duck, logical);
  return type.alias ?? String(type);
}

function foreignType(duck: DuckDb, type: PrimitiveType): string {
  // Without a time zone; this library has no such type.
  return type === 'timestamp' ? 'TIMESTAMP' : duckTypeOf(duck, logicalTypeOf(type));
}

/**
 * DuckDB finds columns by their ids, and takes those of files without ids for empty. Only a table with a name mapping may
 * have such files: another program has made them before they came into the table.
 *
 * @throws PlumbingError `DEST_FOREIGN` for a table with such a file.
 */
export async function checkFieldIds(
  io: FileIo,
  metadata: TableMetadata,
  files: readonly ScanFile[],
): Promise<void> {
  if (metadata.properties[nameMappingProperty] === undefined) return;
  const { fields } = schemaOf(metadata);
  for (const { entry } of files) {
    const { location, fileSizeBytes } = entry.file;
    const reader = await ParquetFileReader.open(io, location, Number(fileSizeBytes));
    if (fields.some(({ id }) => reader.has(id))) continue;
    throw new PlumbingError(
      'DEST_FOREIGN',
      `${location} has columns without field ids, which DuckDB can't read; read the table with readRows, or have the program that wrote it compact the table`,
    );
  }
}
