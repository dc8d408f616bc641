/** Iceberg tables with a Project Nessie server as their catalog. */
export { nessie } from './destination.ts';
export { loadNessieConfig } from './config.ts';
export type { NessieOptions } from './options.ts';
