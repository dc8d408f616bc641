/** SQLite or Iceberg for storage, DuckDB for analytics: queries over one or many of them, typed, with nothing to download. */
export { openAnalytics } from './open.ts';
export { getDuckdbConnection, withDuckdb } from './with-duckdb.ts';
export type { AnalyticsOptions } from './open.ts';
export type { Analytics, QueryOptions, QueryParameters, QueryResult } from './analytics.ts';
export type { AttachedTable } from './attachments.ts';
export type { MirrorEvent } from './mirror.ts';
