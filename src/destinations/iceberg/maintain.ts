/** Maintenance of a warehouse from outside of any load. */
import { maintainTables } from './maintenance.ts';
import type { MaintenanceOptions, TableMaintenance } from './maintenance-options.ts';
import { openLakehouse } from './open-lakehouse.ts';
import { resolveOptions } from './options.ts';
import type { IcebergTarget } from './options.ts';

/**
 * Compacts small files, forgets old snapshots with the files that only they need, and removes leftovers of killed
 * processes. Safe beside loads and readers; each step of each table is a commit of its own.
 *
 * @throws PlumbingError as `iceberg`; `CONFIG_INVALID` for a table that is not there; `COMMIT_CONFLICT` (retryable) when loads come first each time.
 *
 * @example
 * ```ts
 * await maintainIceberg('./warehouse', { expireOlderThanDays: 30 });
 * ```
 */
export async function maintainIceberg(
  target: IcebergTarget,
  options: MaintenanceOptions = {},
): Promise<readonly TableMaintenance[]> {
  const house = await openLakehouse(resolveOptions(target), false);
  try {
    return await maintainTables(house, options);
  } finally {
    await house.close();
  }
}
