/** What the SQLite destination is told: where, and how long to wait. */
import { resolve } from 'node:path';
import { PlumbingError } from '../../errors/index.ts';

/** Options of the SQLite destination. */
export interface SqliteOptions {
  /** The database file. Created with its folder when absent, readable by its owner only. */
  readonly path: string;
  /** How long one statement waits for a lock of another process. Default 5,000. */
  readonly busyTimeoutMs?: number;
  /** How long a load waits for another load of the same file to end. Default 60,000. */
  readonly lockTimeoutMs?: number;
  /** How many of the latest loads of each pipeline can be taken back by `undoLoad`. Default 0: nothing is kept for it. */
  readonly undoLoads?: number;
}

/** A path, or options with a path. */
export type SqliteTarget = string | SqliteOptions;

/** Options with defaults filled in. `path` stays as it was given, for messages; `file` is absolute. */
export interface ResolvedOptions extends Required<SqliteOptions> {
  readonly file: string;
}

/**
 * Completes options.
 *
 * @throws PlumbingError `CONFIG_INVALID` when the path is not that of a file, or a timeout or count is not a whole number.
 */
export function resolveOptions(target: SqliteTarget): ResolvedOptions {
  const options = typeof target === 'string' ? { path: target } : target;
  const { path, busyTimeoutMs = 5_000, lockTimeoutMs = 60_000, undoLoads = 0 } = options;
  if (typeof path !== 'string' || path.trim() === '' || path.includes('\0') || path.startsWith(':memory:')) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      'the SQLite destination needs the path of a file, e.g. sqlite("comdirect.db"); a database in memory would lose its state',
    );
  }
  requireWhole('milliseconds', { busyTimeoutMs, lockTimeoutMs });
  requireWhole('loads', { undoLoads });
  return { path, busyTimeoutMs, lockTimeoutMs, undoLoads, file: resolve(path) };
}

function requireWhole(unit: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new PlumbingError('CONFIG_INVALID', `${name}: expected a whole number of ${unit}, 0 or more`);
  }
}
