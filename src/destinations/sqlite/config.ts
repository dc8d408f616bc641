/** Configuration from the environment. */
import { PlumbingError } from '../../errors/index.ts';
import type { SqliteOptions } from './options.ts';

/**
 * Reads the SQLite destination's configuration: `SQLITE_DB_PATH`, the path of the database file.
 *
 * @throws PlumbingError `CONFIG_INVALID` when it is missing or empty.
 *
 * @example
 * ```ts
 * const destination = sqlite(loadSqliteConfig());
 * ```
 */
export function loadSqliteConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): SqliteOptions {
  const path = env['SQLITE_DB_PATH']?.trim();
  if (!path) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      'SQLITE_DB_PATH is not set: set it to the path of the database file, e.g. SQLITE_DB_PATH=comdirect.db',
    );
  }
  return { path };
}
