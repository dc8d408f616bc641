/** SQLite for storage, DuckDB for analytics: queries over one or many files, typed, with nothing to download. */
export { openAnalytics } from './open.ts';
export type {
  Analytics,
  AnalyticsOptions,
  AttachedTable,
  QueryOptions,
  QueryParameters,
  QueryResult,
} from './open.ts';
