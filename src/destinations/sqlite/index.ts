/** The SQLite destination: one file, exactly-once loads, readable while it is written. */
export { sqlite } from './destination.ts';
export { loadSqliteConfig } from './config.ts';
export type { SqliteOptions, SqliteTarget } from './options.ts';
export { openSqlite } from './connection.ts';
export type { ConnectOptions, SqliteConnection } from './connection.ts';
export { createSqliteReader, getMaxDate, readRows } from './readers.ts';
export type { TableOf } from '../../model/index.ts';
export type { SqliteReader } from './reader.ts';
export {
  writeAccountBalances,
  writeAccountTransactionsBooked,
  writeAccountTransactionsNotBooked,
} from './comdirect.ts';
export type { NamedWriteOptions } from './comdirect.ts';
