/** Configuration from the environment. */
import { PlumbingError } from '../../errors/index.ts';
import type { SqliteOptions } from './options.ts';

/**
 * Reads the SQLite destination's configuration: `SQLITE_DB_PATH`, the path of the database file, unless `path` is given, and
 * `SQLITE_UNDO_LOADS`, how many of the latest loads of each pipeline can be taken back.
 *
 * @throws PlumbingError `CONFIG_INVALID` when the path is missing or empty, or the number is none.
 *
 * @example
 * ```ts
 * const destination = sqlite(loadSqliteConfig());
 * ```
 */
export function loadSqliteConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  path: string | undefined = env['SQLITE_DB_PATH']?.trim(),
): SqliteOptions {
  if (!path) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      'SQLITE_DB_PATH is not set: set it to the path of the database file, e.g. SQLITE_DB_PATH=comdirect.db',
    );
  }
  const undoLoads = env['SQLITE_UNDO_LOADS']?.trim();
  if (!undoLoads) return { path };
  if (!/^\d{1,9}$/.test(undoLoads)) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      'SQLITE_UNDO_LOADS: expected a whole number, 0 or more: how many of the latest loads of a pipeline can be taken back',
    );
  }
  return { path, undoLoads: Number(undoLoads) };
}
