/** The tables that hold state, schemas, run records and quarantine, and the version of their format. */
import type { DatabaseSync } from 'node:sqlite';
import { PlumbingError } from '../../errors/index.ts';

/** Version of the bookkeeping tables. Raised by a change that older code can't work with. */
const formatVersion = 1;

const tables = `
CREATE TABLE _plumbing_meta (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);
CREATE TABLE _plumbing_schemas (
  table_name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
  definition TEXT NOT NULL
);
CREATE TABLE _plumbing_state (
  pipeline TEXT NOT NULL,
  stream TEXT NOT NULL,
  partition TEXT NOT NULL,
  state TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  load_id TEXT NOT NULL,
  PRIMARY KEY (pipeline, stream, partition)
);
CREATE TABLE _plumbing_loads (
  load_id TEXT NOT NULL PRIMARY KEY,
  pipeline TEXT NOT NULL,
  status TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  counts TEXT NOT NULL,
  error TEXT
);
CREATE TABLE _plumbing_quarantine (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  load_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  row_index INTEGER NOT NULL,
  reason TEXT NOT NULL,
  raw_json TEXT NOT NULL,
  row_hash TEXT NOT NULL,
  quarantined_at TEXT NOT NULL,
  UNIQUE (table_name, row_hash)
);`;

/** Creates the tables, in the caller's transaction, unless they are there. */
export function createBookkeeping(db: DatabaseSync): void {
  if (hasBookkeeping(db)) return;
  db.exec(tables);
  db.prepare('INSERT INTO _plumbing_meta (key, value) VALUES (?, ?)').run(
    'format_version',
    String(formatVersion),
  );
}

/** Whether the tables are there. A database of someone else's has none until its first load. */
export function hasBookkeeping(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = '_plumbing_meta'").get() !== undefined;
}

/**
 * Reads the format's version, and nothing else.
 *
 * @throws PlumbingError `DEST_FOREIGN` when the tables are of a newer version, or not of this library.
 */
export function checkFormat(db: DatabaseSync, path: string): void {
  if (!hasBookkeeping(db)) return;
  const found = readVersion(db);
  if (found === formatVersion) return;
  const text = Number.isNaN(found)
    ? 'its table _plumbing_meta was not made by this library; load into another file'
    : `its bookkeeping has format version ${found}, and this version of the library knows ${formatVersion}: update the library`;
  throw new PlumbingError('DEST_FOREIGN', `${path}: ${text}`, { context: { path, formatVersion: found } });
}

function readVersion(db: DatabaseSync): number {
  try {
    const row = db.prepare("SELECT value FROM _plumbing_meta WHERE key = 'format_version'").get();
    return row === undefined ? Number.NaN : Number(row['value']);
  } catch (error) {
    // Another table of that name has other columns; a busy or damaged file is not that.
    if ((error as { errcode?: number }).errcode === 1) return Number.NaN;
    throw error;
  }
}
