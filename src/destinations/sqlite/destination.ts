/** The SQLite destination. */
import type { Destination } from '../../model/index.ts';
import { openSqlite } from './connection.ts';
import { resolveOptions } from './options.ts';
import type { SqliteTarget } from './options.ts';
import { SqliteSession } from './session.ts';

/**
 * A database file as a destination. Rows, cursors and run record of a commit are one SQLite transaction
 * (write-ahead log, `synchronous=FULL`); one load runs at a time, guarded by the file `<path>.lock`; readers are never
 * blocked and see whole commits only.
 *
 * @throws PlumbingError `CONFIG_INVALID` for a path that is not that of a file. `open` throws as `openSqlite`
 * does; `begin` throws `DEST_BUSY` (retryable) when another load does not end in time, `DEST_FOREIGN` when a table of
 * the same name is not this library's, `SCHEMA_DRIFT` when a column is declared narrower than it is stored,
 * `SCHEMA_INVALID` and `LIMIT_EXCEEDED` for a definition that SQLite can't hold.
 *
 * @example
 * ```ts
 * const report = await run({ source: comdirect(), destination: sqlite('comdirect.db') });
 * ```
 */
export function sqlite(target: SqliteTarget): Destination {
  const options = resolveOptions(target);
  return {
    name: 'sqlite',
    location: options.path,
    // Rows that wait longer for their commit outlive the young generation, at a cost in memory and speed.
    checkpoint: { rows: 2_500 },
    async open({ readOnly = false, signal } = {}) {
      signal?.throwIfAborted();
      const connection = await openSqlite(options, { readOnly });
      if (!readOnly) return new SqliteSession(options, connection);
      // A session that reads opens a connection for each call; this one only showed that the file is right.
      connection.close();
      return new SqliteSession(options, undefined);
    },
  };
}
