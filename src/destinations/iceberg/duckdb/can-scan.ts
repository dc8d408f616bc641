/** Whether DuckDB can read and write all there may be in a table. */
import { nameMappingProperty } from '../../../iceberg/name-mapping.ts';
import { schemaOf } from '../../../iceberg/metadata.ts';
import type { TableMetadata } from '../../../iceberg/metadata.ts';
import { duckTypeOf } from './duck-types.ts';

/**
 * Only tables without partitions, now and before: their files hold all columns. Of a table with a name mapping some files may
 * have no field ids, by which DuckDB finds columns.
 */
export function canScan(metadata: TableMetadata): boolean {
  return (
    metadata.properties[nameMappingProperty] === undefined &&
    metadata['partition-specs'].every(({ fields }) => fields.length === 0) &&
    schemaOf(metadata).fields.every(({ type }) => duckTypeOf(type) !== undefined)
  );
}
