/** The Iceberg destination. */
import type { Destination } from '../../model/index.ts';
import { openLakehouse } from './open-lakehouse.ts';
import { resolveOptions } from './options.ts';
import type { IcebergTarget } from './options.ts';
import { IcebergSession } from './session.ts';

/**
 * Apache Iceberg tables (format version 2) in a folder, with a catalog that is one SQLite file, as PyIceberg's SqlCatalog and
 * Java's JdbcCatalog know it. Rows, cursors and run record of a commit are one transaction of the catalog. Loads of one
 * pipeline wait for each other; loads of several, and other programs, may write at the same time: who commits second goes
 * on top of the first.
 *
 * @throws PlumbingError `CONFIG_INVALID` for a warehouse that is no folder's path. `open` throws `DEST_FAILED` when there is no
 * catalog to read; `begin` throws `DEST_BUSY` (retryable) when another load of the pipeline does not end in time,
 * `DEST_FOREIGN` when a table of the same name is not this library's, `SCHEMA_DRIFT` when a column is declared narrower than it
 * is stored; commits throw `COMMIT_CONFLICT` (retryable) when others come first each time.
 *
 * @example
 * ```ts
 * const report = await run({ source: comdirect(), destination: iceberg('./warehouse') });
 * ```
 */
export function iceberg(target: IcebergTarget): Destination {
  const options = resolveOptions(target);
  return {
    name: 'iceberg',
    location: options.warehouse,
    // Each commit makes files; small ones would only have to be put together again.
    checkpoint: { rows: 50_000, intervalMs: 60_000 },
    async open({ readOnly = false, signal } = {}) {
      signal?.throwIfAborted();
      return new IcebergSession(await openLakehouse(options, readOnly), readOnly);
    },
  };
}
