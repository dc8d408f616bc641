/** What the Iceberg destination is told: where its tables and its catalog lie. */
import { resolve } from 'node:path';
import { PlumbingError } from '../../errors/index.ts';
import type { PartitionBy } from '../../iceberg/partition.ts';
import type { S3Options } from '../../iceberg/s3-io.ts';
import type { MaintenanceOptions } from './maintenance-options.ts';

/** Options of the Iceberg destination. */
export interface IcebergOptions {
  /** Under which tables lie: a folder, which is created when absent, or `s3://bucket/prefix`. */
  readonly warehouse: string;
  /** The catalog's SQLite file. Default: `catalog.db` in the warehouse's folder; needed for a warehouse in S3. */
  readonly catalog?: string;
  /** How to reach S3. */
  readonly s3?: S3Options;
  /** The catalog's name in that file; other programs must use the same. Default `plumbing`. */
  readonly catalogName?: string;
  /** The namespace of the tables. Default `default`. */
  readonly namespace?: string;
  /** How new tables are cut into partitions, by table. Default: not at all. */
  readonly partitionBy?: Readonly<Record<string, readonly PartitionBy[]>>;
  /**
   * `javascript`: DuckDB is not used, even where it is installed. Default `auto`: with it, files of rows are taken as they are
   * (see `jsonLines`).
   */
  readonly engine?: 'auto' | 'javascript';
  /** How long one statement on the catalog waits for a lock of another process. Default 5,000. */
  readonly busyTimeoutMs?: number;
  /** How long a load waits for another load of the same pipeline to end. Default 60,000. */
  readonly lockTimeoutMs?: number;
  /** How often a commit is tried when others come first. Default 20. */
  readonly commitTries?: number;
  /** Data files are closed at this size. Default 64 MiB. */
  readonly targetFileBytes?: number;
  /** Data files below this size are written anew when one of their rows changes; larger ones get a delete file. Default 1 MiB. */
  readonly rewriteBelowBytes?: number;
  /**
   * After a load, each of its tables that has gathered more than 150 snapshots is maintained as `maintainIceberg` does it, with
   * these options. `false`: never. Default: `{}`.
   */
  readonly maintenance?: Omit<MaintenanceOptions, 'tables' | 'dryRun' | 'signal'> | false;
}

/** A folder, or options with a folder. */
export type IcebergTarget = string | IcebergOptions;

/** What loads and readers are told of a warehouse, whatever its catalog. */
export interface WarehouseOptions extends Required<
  Pick<
    IcebergOptions,
    | 'namespace'
    | 'partitionBy'
    | 'engine'
    | 'lockTimeoutMs'
    | 'commitTries'
    | 'targetFileBytes'
    | 'rewriteBelowBytes'
    | 'maintenance'
  >
> {
  /** Where it is, for messages. */
  readonly warehouse: string;
  /** As an Iceberg location, without a slash at the end. */
  readonly warehouseLocation: string;
  /** The lock file of a pipeline is this path, a dot and a hash of the pipeline's name. */
  readonly lockFile: string;
}

/** Options with defaults filled in. */
export interface ResolvedOptions extends WarehouseOptions, Required<Omit<IcebergOptions, 's3'>> {
  readonly s3: S3Options | undefined;
  /** The catalog's file, absolute. */
  readonly catalogFile: string;
}

const mebibyte = 1024 * 1024;

/**
 * Completes options.
 *
 * @throws PlumbingError `CONFIG_INVALID` when the warehouse is no folder's path, or a number is none.
 */
export function resolveOptions(target: IcebergTarget): ResolvedOptions {
  const options = typeof target === 'string' ? { warehouse: target } : target;
  const { warehouse, namespace = 'default', catalogName = 'plumbing' } = options;
  const fail = (what: string): never => {
    throw new PlumbingError('CONFIG_INVALID', what);
  };
  if (typeof warehouse !== 'string' || warehouse.trim() === '' || warehouse.includes('\0')) {
    fail('the Iceberg destination needs a folder, e.g. iceberg("./warehouse")');
  }
  const isRemote = /^s3[an]?:\/\//.test(warehouse);
  if (isRemote && (options.catalog === undefined || options.s3 === undefined)) {
    fail(
      `${warehouse}: a warehouse in S3 needs the options s3 (how to reach it) and catalog (a local SQLite file)`,
    );
  }
  const folder = resolve(warehouse.replace(/^file:\/\//, ''));
  const catalog = options.catalog ?? `${folder}/catalog.db`;
  const numbers = {
    busyTimeoutMs: options.busyTimeoutMs ?? 5_000,
    lockTimeoutMs: options.lockTimeoutMs ?? 60_000,
    commitTries: options.commitTries ?? 20,
    targetFileBytes: options.targetFileBytes ?? 64 * mebibyte,
    rewriteBelowBytes: options.rewriteBelowBytes ?? mebibyte,
  };
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 0) fail(`${name}: expected a whole number, 0 or more`);
  }
  if (namespace === '' || catalogName === '') fail('namespace and catalogName must not be empty');
  return {
    ...numbers,
    warehouse,
    catalog,
    catalogName,
    namespace,
    partitionBy: options.partitionBy ?? {},
    engine: options.engine ?? 'auto',
    maintenance: options.maintenance ?? {},
    catalogFile: resolve(catalog),
    lockFile: resolve(catalog),
    warehouseLocation: isRemote ? warehouse.replace(/\/+$/, '') : `file://${folder}`,
    s3: options.s3,
  };
}
