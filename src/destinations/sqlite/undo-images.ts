/** Keeps rows as they were before a load, while it writes. */
import type { DatabaseSync } from 'node:sqlite';
import type { TableDefinition } from '../../model/index.ts';
import { quoteIdentifier, quoteText } from '../../model/sql-text.ts';
import { definitionText, physicalColumns } from '../../model/table-layout.ts';
import { imageTable } from './undo-store.ts';
import type { Image, ImageKind } from './undo-store.ts';

const triggers: Readonly<Record<ImageKind, string>> = { changed: 'UPDATE', deleted: 'DELETE' };
const kinds = Object.keys(triggers) as ImageKind[];

/** Numbers of rows that were kept. */
export type KeptRows = Record<ImageKind, number>;

/** Name of the column that holds the cells of the table's column at `index`: no name of a table's own is in the way. */
export function imageColumn(index: number): string {
  return `c${index}`;
}

/**
 * Does `write`, and keeps each row of another load that it changes or deletes, in the caller's transaction, which must be
 * rolled back when it fails: then the triggers go with it. Nobody else sees them, they are the connection's own.
 *
 * A row that the load has changed has its id, so of its changes only the first is kept.
 */
export function keepImages(
  db: DatabaseSync,
  loadId: string,
  table: TableDefinition,
  write: () => void,
): KeptRows {
  const images = kinds.map((kind) => openImage(db, loadId, table, kind));
  const before = images.map((image) => countOf(db, image));
  const cells = physicalColumns(table).map(({ name }) => `OLD.${quoteIdentifier(name)}`);
  for (const image of images) {
    db.exec(
      `CREATE TEMP TRIGGER _plumbing_undo_${image.kind} AFTER ${triggers[image.kind]} ON main.${quoteIdentifier(table.name)}
       WHEN OLD._plumbing_load_id IS NOT ${quoteText(loadId)}
       BEGIN INSERT INTO ${imageTable(image)} VALUES (${cells.join(', ')}); END`,
    );
  }
  write();
  for (const kind of kinds) db.exec(`DROP TRIGGER temp._plumbing_undo_${kind}`);
  const kept: KeptRows = { changed: 0, deleted: 0 };
  for (const [index, image] of images.entries()) {
    const count = countOf(db, image);
    kept[image.kind] = count - (before[index] ?? 0);
    if (count === 0) dropImage(db, image);
  }
  return kept;
}

/** The table that takes the rows: another one once the load has changed their columns. */
function openImage(db: DatabaseSync, loadId: string, table: TableDefinition, kind: ImageKind): Image {
  const definition = definitionText(table);
  const latest = db
    .prepare(
      `SELECT id, definition FROM _plumbing_undo_images WHERE load_id = ? AND table_name = ? AND kind = ?
       ORDER BY id DESC LIMIT 1`,
    )
    .get(loadId, table.name, kind);
  if (latest?.['definition'] === definition) return { id: Number(latest['id']), kind, definition };
  const { lastInsertRowid } = db
    .prepare('INSERT INTO _plumbing_undo_images (load_id, table_name, kind, definition) VALUES (?, ?, ?, ?)')
    .run(loadId, table.name, kind, definition);
  const image = { id: Number(lastInsertRowid), kind, definition };
  // Columns without a type: values stay as they are, whatever they are.
  const columns = physicalColumns(table).map((_, index) => imageColumn(index));
  db.exec(`CREATE TABLE ${imageTable(image)} (${columns.join(', ')})`);
  return image;
}

/** Rows are only ever added, so the last number is their count. */
function countOf(db: DatabaseSync, image: Image): number {
  return Number(db.prepare(`SELECT max(rowid) AS n FROM ${imageTable(image)}`).get()?.['n'] ?? 0);
}

function dropImage(db: DatabaseSync, image: Image): void {
  db.exec(`DROP TABLE ${imageTable(image)}`);
  db.prepare('DELETE FROM _plumbing_undo_images WHERE id = ?').run(image.id);
}
