/** The short way to one database file. */
import type { SqliteOptions } from '../destinations/sqlite/index.ts';
import { loadSqliteConfig } from '../destinations/sqlite/index.ts';
import type { Analytics } from './analytics.ts';
import { openAnalytics } from './open.ts';

/**
 * DuckDB over the database of a configuration, by default that of `SQLITE_DB_PATH`. Its tables are those of `bank`; close it
 * after use, or take {@link withDuckdb}.
 *
 * @throws PlumbingError as `loadSqliteConfig` and `openAnalytics` do
 *
 * @example
 * ```ts
 * await using db = await getDuckdbConnection();
 * console.log(await db.query('SELECT count(*) AS n FROM bank.account_balances').all());
 * ```
 */
export function getDuckdbConnection(
  config: Pick<SqliteOptions, 'path'> = loadSqliteConfig(),
): Promise<Analytics> {
  return openAnalytics({ attach: { bank: config.path } });
}

/**
 * Runs `work` with such a connection, and closes it, also after an error.
 *
 * @throws PlumbingError as `getDuckdbConnection` does; whatever `work` throws
 */
export async function withDuckdb<T>(
  work: (db: Analytics) => Promise<T>,
  config?: Pick<SqliteOptions, 'path'>,
): Promise<T> {
  const db = await getDuckdbConnection(config);
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
