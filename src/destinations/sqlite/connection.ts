/** A connection to a database file, with the settings that the guarantees rest on. */
import { existsSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { PlumbingError } from '../../errors/index.ts';
import { failpoint } from '../../failpoints/index.ts';
import { checkFormat } from './bookkeeping.ts';
import { createDatabaseFile, removeDraftName } from './database-file.ts';
import { resolveOptions } from './options.ts';
import type { ResolvedOptions, SqliteTarget } from './options.ts';
import { sqliteError } from '../../errors/sqlite-error.ts';
import { requireNoLeftLog } from '../../locks/left-log.ts';
import { switchToLog } from '../../locks/write-ahead-log.ts';
import { warnOfOldSqlite } from './sqlite-version.ts';

/** What {@link openSqlite} takes beside the target. */
export interface ConnectOptions {
  /** Only read: the file must exist and is not changed. */
  readonly readOnly?: boolean;
}

/** A connection to one database file. Made by {@link openSqlite}. */
export class SqliteConnection {
  /** The driver's own object. */
  readonly db: DatabaseSync;
  /** The path as it was given. */
  readonly path: string;
  /** Node 22 ends a text at its first NUL when it reads; such texts are then read as bytes. */
  readonly endsTextAtNul: boolean;
  #inTransaction = false;
  /** Set in a transaction without foreign keys. */
  #danglingBefore: number | undefined;
  #isOpen = true;

  constructor(db: DatabaseSync, path: string) {
    this.db = db;
    this.path = path;
    const probe = db.prepare("SELECT 'a' || char(0) || 'b' AS text").get();
    this.endsTextAtNul = probe?.['text'] !== 'a\0b';
  }

  /** Runs `work`; errors of SQLite become typed ones that name the file. */
  run<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteError(error, this.path);
    }
  }

  /**
   * Starts a write transaction, waiting for its lock at once and not at the first write. Without foreign keys a table can be
   * replaced that others point to; rows that then point to nothing are found by {@link commit}.
   */
  begin(foreignKeys: 'on' | 'off' = 'on'): void {
    // Within a transaction the setting has no effect.
    if (foreignKeys === 'off') this.db.exec('PRAGMA foreign_keys = OFF');
    try {
      this.run(() => this.db.exec('BEGIN IMMEDIATE'));
      this.#inTransaction = true;
      this.#danglingBefore = foreignKeys === 'off' ? this.#countDangling() : undefined;
    } catch (error) {
      if (foreignKeys === 'off') {
        this.rollback();
        this.db.exec('PRAGMA foreign_keys = ON');
      }
      throw error;
    }
  }

  /** Makes the transaction durable and visible; after an error it is rolled back. */
  commit(): void {
    try {
      failpoint('sqlite.committing');
      this.#requireNoneDangling();
      this.run(() => this.db.exec('COMMIT'));
      this.#ended();
    } catch (error) {
      this.rollback();
      throw error;
    }
    failpoint('sqlite.committed');
  }

  /** Undoes the transaction, if there is one. */
  rollback(): void {
    if (!this.#inTransaction) return;
    try {
      this.db.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
    this.#ended();
  }

  #ended(): void {
    this.#inTransaction = false;
    if (this.#danglingBefore === undefined) return;
    this.#danglingBefore = undefined;
    this.db.exec('PRAGMA foreign_keys = ON');
  }

  /** Rows whose foreign keys point to nothing. */
  #countDangling(): number {
    return Number(this.db.prepare('SELECT count(*) AS n FROM pragma_foreign_key_check').get()?.['n']);
  }

  #requireNoneDangling(): void {
    if (this.#danglingBefore === undefined || this.#countDangling() <= this.#danglingBefore) return;
    throw new PlumbingError(
      'DEST_FAILED',
      `${this.path}: rows of a table that somebody has added would point to rows that this load removes; delete them, or drop that foreign key, and run again`,
      { context: { path: this.path } },
    );
  }

  /** Runs `work` in one write transaction: all of it is committed, or nothing. */
  transaction<T>(work: () => T, foreignKeys: 'on' | 'off' = 'on'): T {
    this.begin(foreignKeys);
    let result: T;
    try {
      result = this.run(() => {
        failpoint('sqlite.begun');
        return work();
      });
    } catch (error) {
      this.rollback();
      throw error;
    }
    this.commit();
    return result;
  }

  /** Closes the connection. What is not committed is undone. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.rollback();
    this.db.close();
  }
}

/**
 * Opens a database file: write-ahead log, `synchronous=FULL`, foreign keys on, at every open, and read back.
 * A file that is absent is created (mode 0600, its folder 0700), complete, in one step.
 *
 * @throws PlumbingError `DEST_FOREIGN` for a file that is empty, is no SQLite database, or was written by a newer
 * version, and for one that is gone while its log is still there; `DEST_CORRUPT`, `DEST_READ_ONLY`, `DEST_BUSY` (retryable), `DEST_FULL`; `DEST_FAILED` when it is to be read
 * and does not exist. In all these cases the file stays as it was.
 *
 * @example
 * ```ts
 * const connection = await openSqlite('comdirect.db', { readOnly: true });
 * try {
 *   console.log(connection.db.prepare('SELECT count(*) AS n FROM account_balances').get());
 * } finally {
 *   connection.close();
 * }
 * ```
 */
export async function openSqlite(
  target: SqliteTarget,
  options: ConnectOptions = {},
): Promise<SqliteConnection> {
  const resolved = resolveOptions(target);
  // Loaded here: importing the package must not print Node 22's notice that its SQLite is experimental.
  const { DatabaseSync } = await import('node:sqlite');
  try {
    return options.readOnly ? openToRead(DatabaseSync, resolved) : openToWrite(DatabaseSync, resolved);
  } catch (error) {
    throw sqliteError(error, resolved.path);
  }
}

type Driver = typeof DatabaseSync;

function openToRead(Driver: Driver, options: ResolvedOptions): SqliteConnection {
  requireContent(options);
  return configure(new Driver(options.file, { readOnly: true }), options, () => undefined);
}

function openToWrite(Driver: Driver, options: ResolvedOptions): SqliteConnection {
  if (!existsSync(options.file)) {
    requireNoLeftLog(options.file, options.path);
    createDatabaseFile(Driver, options);
  }
  requireContent(options);
  removeDraftName(options);
  warnOfOldSqlite();
  return configure(new Driver(options.file), options, (db) => {
    const mode = switchToLog(db, options.busyTimeoutMs);
    db.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    const synchronous = db.prepare('PRAGMA synchronous').get()?.['synchronous'];
    if (mode !== 'wal' || synchronous !== 2) {
      throw new PlumbingError(
        'DEST_FAILED',
        `${options.path}: its file system does not allow a write-ahead log (journal mode "${String(mode)}"); put the file on a local disk`,
      );
    }
  });
}

function configure(
  db: DatabaseSync,
  options: ResolvedOptions,
  prepare: (db: DatabaseSync) => void,
): SqliteConnection {
  try {
    // First of all: without it, openers that meet on a log left by a crash fail at once.
    db.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs}`);
    // Before anything is written: a newer version's file must stay as it is.
    checkFormat(db, options.path);
    prepare(db);
    return new SqliteConnection(db, options.path);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** SQLite would take an empty file for a new database, and a lost one for a first run. */
function requireContent({ file, path }: ResolvedOptions): void {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) {
    requireNoLeftLog(file, path);
    throw new PlumbingError('DEST_FAILED', `${path}: no such database yet; it is created by the first load`);
  }
  if (!stat.isFile()) {
    throw new PlumbingError('DEST_FOREIGN', `${path}: not a file; give the path of a database file`);
  }
  if (stat.size === 0) {
    throw new PlumbingError(
      'DEST_FOREIGN',
      `${path}: the file is empty, so it holds no database and no state. Restore it from a backup, or, to begin anew, delete it together with its -wal and -shm`,
    );
  }
}
