/** The Iceberg destination: tables that PyIceberg, Spark, DuckDB and Trino read, written without a server. */
export { iceberg } from './destination.ts';
export type { IcebergOptions, IcebergTarget } from './options.ts';
export { loadIcebergConfig } from './config.ts';
export type { PartitionBy } from '../../iceberg/partition.ts';
export type { S3Options } from '../../iceberg/s3-io.ts';
export { readRows } from './readers.ts';
export type { TimeTravel } from './readers.ts';
export type { TableOf } from '../../model/index.ts';
export { maintainIceberg } from './maintain.ts';
export type { MaintenanceOptions, TableMaintenance } from './maintenance-options.ts';
