/** Which loads can be taken back, and what is kept for each: the tables of it, and the names of those that hold rows. */
import type { DatabaseSync } from 'node:sqlite';
import { addKeyColumns } from './bookkeeping.ts';
import type { LoadInfo } from '../../model/index.ts';

/** What became of the rows that are kept. */
export type ImageKind = 'changed' | 'deleted';

/** A table with rows as they were before a load changed or deleted them. */
export interface Image {
  readonly id: number;
  readonly kind: ImageKind;
  /** Text of the definition that their table had then. */
  readonly definition: string;
}

/** What a load left in a table. */
export interface KeptTable {
  readonly table: string;
  /** Text of the write mode. */
  readonly write: string;
  /** Rows with the load's id. */
  readonly rowsLeft: number;
  /** Of a table that keeps versions: those of them that were open. */
  readonly openLeft: number;
  readonly images: readonly Image[];
}

const tables = `
CREATE TABLE _plumbing_undo_loads (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  load_id TEXT NOT NULL UNIQUE,
  pipeline TEXT NOT NULL
);
CREATE TABLE _plumbing_undo_tables (
  load_id TEXT NOT NULL,
  table_name TEXT NOT NULL COLLATE NOCASE,
  write TEXT NOT NULL,
  rows_left INTEGER NOT NULL,
  open_left INTEGER NOT NULL,
  PRIMARY KEY (load_id, table_name)
);
CREATE TABLE _plumbing_undo_images (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  load_id TEXT NOT NULL,
  table_name TEXT NOT NULL COLLATE NOCASE,
  kind TEXT NOT NULL,
  definition TEXT NOT NULL
);
CREATE TABLE _plumbing_undo_state (
  load_id TEXT NOT NULL,
  stream TEXT NOT NULL,
  partition TEXT NOT NULL,
  state TEXT,
  updated_at TEXT,
  state_load_id TEXT,
  state_left TEXT NOT NULL,
  PRIMARY KEY (load_id, stream, partition)
);
CREATE TABLE _plumbing_undo_quarantine (
  load_id TEXT NOT NULL,
  id INTEGER NOT NULL,
  row_load_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  row_index INTEGER NOT NULL,
  reason TEXT NOT NULL,
  raw_json TEXT NOT NULL,
  row_hash TEXT NOT NULL,
  quarantined_at TEXT NOT NULL,
  key_text TEXT,
  superseded_by TEXT,
  PRIMARY KEY (load_id, id)
);`;

/** Name of the table of an image. */
export function imageTable({ id }: Pick<Image, 'id'>): string {
  return `_plumbing_undo__${id}`;
}

/**
 * Notes, in the caller's transaction, that a load can be taken back, and forgets what was kept for all but the latest
 * `keep` of its pipeline. With 0 none is left, this one neither.
 */
export function openUndo(db: DatabaseSync, { loadId, pipeline }: LoadInfo, keep: number): void {
  if (!hasUndo(db)) {
    if (keep === 0) return;
    db.exec(tables);
  }
  addKeyColumns(db, '_plumbing_undo_quarantine');
  if (keep > 0) {
    db.prepare('INSERT OR IGNORE INTO _plumbing_undo_loads (load_id, pipeline) VALUES (?, ?)').run(
      loadId,
      pipeline,
    );
  }
  const old = db
    .prepare('SELECT load_id FROM _plumbing_undo_loads WHERE pipeline = ? ORDER BY id DESC LIMIT -1 OFFSET ?')
    .all(pipeline, keep);
  for (const row of old) forgetLoad(db, String(row['load_id']));
}

/** Drops what is kept for a load, in the caller's transaction. */
export function forgetLoad(db: DatabaseSync, loadId: string): void {
  const images = db.prepare('SELECT id FROM _plumbing_undo_images WHERE load_id = ?').all(loadId);
  for (const { id } of images) db.exec(`DROP TABLE IF EXISTS ${imageTable({ id: Number(id) })}`);
  for (const table of ['loads', 'tables', 'images', 'state', 'quarantine'])
    db.prepare(`DELETE FROM _plumbing_undo_${table} WHERE load_id = ?`).run(loadId);
}

/** Drops, in the caller's transaction, what is kept for all loads of a table that is no more. */
export function forgetTable(db: DatabaseSync, table: string): void {
  if (!hasUndo(db)) return;
  const loads = db.prepare('SELECT load_id FROM _plumbing_undo_tables WHERE table_name = ?').all(table);
  for (const row of loads) forgetLoad(db, String(row['load_id']));
}

/** Whether anything is kept for a load. */
export function isKept(db: DatabaseSync, loadId: string): boolean {
  if (!hasUndo(db)) return false;
  return db.prepare('SELECT 1 FROM _plumbing_undo_loads WHERE load_id = ?').get(loadId) !== undefined;
}

/** The tables that a load changed, by name. */
export function keptTables(db: DatabaseSync, loadId: string): KeptTable[] {
  const images = db.prepare(
    'SELECT id, kind, definition FROM _plumbing_undo_images WHERE load_id = ? AND table_name = ? ORDER BY id',
  );
  return db
    .prepare('SELECT * FROM _plumbing_undo_tables WHERE load_id = ? ORDER BY table_name')
    .all(loadId)
    .map((row) => ({
      table: String(row['table_name']),
      write: String(row['write']),
      rowsLeft: Number(row['rows_left']),
      openLeft: Number(row['open_left']),
      images: images.all(loadId, String(row['table_name'])).map((image) => ({
        id: Number(image['id']),
        kind: image['kind'] as ImageKind,
        definition: String(image['definition']),
      })),
    }));
}

function hasUndo(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = '_plumbing_undo_loads'").get() !== undefined;
}
