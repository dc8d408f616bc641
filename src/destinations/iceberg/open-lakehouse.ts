/** Opens a warehouse. */
import { resolveIo } from '../../iceberg/io-of.ts';
import { Lakehouse } from './lakehouse.ts';
import type { ResolvedOptions } from './options.ts';
import { openSqliteCatalog } from './sqlite-catalog.ts';

/**
 * Opens catalog and files; the catalog is made when it is missing.
 *
 * @throws PlumbingError as `openSqliteCatalog`
 */
export async function openLakehouse(options: ResolvedOptions, readOnly: boolean): Promise<Lakehouse> {
  const { s3 } = options;
  const io = resolveIo({ ...(s3 && { s3 }) });
  const catalog = await openSqliteCatalog(
    {
      path: options.catalogFile,
      name: options.catalogName,
      warehouse: options.warehouseLocation,
      busyTimeoutMs: options.busyTimeoutMs,
      readOnly,
    },
    io,
  );
  return new Lakehouse(catalog, io, options);
}
