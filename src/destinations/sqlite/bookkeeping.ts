/** The tables that hold state, schemas, run records and quarantine, and the version of their format. */
import type { DatabaseSync } from 'node:sqlite';
import { PlumbingError } from '../../errors/index.ts';

/** Version of the bookkeeping tables. Raised by a change that older code can't work with. */
const formatVersion = 1;

/** Each row of a load may have to be looked for. */
const quarantineIndex =
  'CREATE INDEX _plumbing_quarantine_keys ON _plumbing_quarantine (table_name, key_text);';

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
  key_text TEXT,
  superseded_by TEXT,
  UNIQUE (table_name, row_hash)
);
${quarantineIndex}`;

/** Columns that files of the first versions do not have. Older code neither fills nor misses them, so the format stays the same. */
const laterColumns = ['key_text', 'superseded_by'];

/** Creates the tables, in the caller's transaction, or adds to them what is missing. */
export function createBookkeeping(db: DatabaseSync): void {
  if (hasBookkeeping(db)) {
    if (addKeyColumns(db, '_plumbing_quarantine')) db.exec(quarantineIndex);
    return;
  }
  db.exec(tables);
  db.prepare('INSERT INTO _plumbing_meta (key, value) VALUES (?, ?)').run(
    'format_version',
    String(formatVersion),
  );
}

/** Gives a table of quarantined rows the columns that it did not have at first; `false` when they are there. */
export function addKeyColumns(db: DatabaseSync, table: string): boolean {
  const known = new Set(
    db
      .prepare('SELECT name FROM pragma_table_info(?)')
      .all(table)
      .map(({ name }) => name),
  );
  const missing = laterColumns.filter((name) => !known.has(name));
  for (const name of missing) db.exec(`ALTER TABLE ${table} ADD COLUMN ${name} TEXT`);
  return missing.length > 0;
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
