/** Table definitions as they are stored: the logical types behind the SQL ones. */
import type { DatabaseSync } from 'node:sqlite';
import { PlumbingError } from '../../errors/index.ts';
import type { TableDefinition } from '../../model/index.ts';
import { hasBookkeeping } from './bookkeeping.ts';
import { definitionText, physicalColumns } from '../../model/table-layout.ts';

/** The stored definition of a table, or `undefined` when this library has not made it (yet). */
export function readDefinition(db: DatabaseSync, table: string, path: string): TableDefinition | undefined {
  if (!hasBookkeeping(db)) return undefined;
  const row = db
    .prepare('SELECT table_name, definition FROM _plumbing_schemas WHERE table_name = ?')
    .get(table);
  if (!row) return undefined;
  try {
    const { columns, primaryKey, write } = JSON.parse(String(row['definition'])) as TableDefinition;
    if (Array.isArray(columns) && Array.isArray(primaryKey)) {
      return { name: String(row['table_name']), columns, primaryKey, write };
    }
  } catch {
    // Reported below.
  }
  throw new PlumbingError(
    'DEST_CORRUPT',
    `${path}: the definition of table "${table}" in _plumbing_schemas can not be read; restore the file from a backup`,
    { context: { path, table } },
  );
}

/** Stores a definition, in the caller's transaction. */
export function writeDefinition(db: DatabaseSync, table: TableDefinition): void {
  db.prepare(
    'INSERT INTO _plumbing_schemas (table_name, definition) VALUES (?, ?) ON CONFLICT (table_name) DO UPDATE SET definition = excluded.definition',
  ).run(table.name, definitionText(table));
}

/** Forgets a definition, in the caller's transaction. */
export function deleteDefinition(db: DatabaseSync, table: string): void {
  db.prepare('DELETE FROM _plumbing_schemas WHERE table_name = ?').run(table);
}

/** Names of the tables that this library made and that are still there. */
export function listTables(db: DatabaseSync): string[] {
  if (!hasBookkeeping(db)) return [];
  const rows = db
    .prepare(
      `SELECT table_name FROM _plumbing_schemas
       WHERE EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = table_name COLLATE NOCASE)
       ORDER BY table_name`,
    )
    .all();
  return rows.map((row) => String(row['table_name']));
}

/** What the database has under a name: nothing, a table or view, and whether all columns of `stored` are in it. */
export function physicalTable(
  db: DatabaseSync,
  table: string,
): { readonly isTable: boolean; readonly columns: ReadonlySet<string> } | undefined {
  const row = db
    .prepare("SELECT type FROM sqlite_schema WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')")
    .get(table);
  if (!row) return undefined;
  const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(table);
  return {
    isTable: row['type'] === 'table',
    columns: new Set(columns.map((column) => String(column['name']))),
  };
}

/**
 * The stored definition of `table`, after a look at what is really there.
 *
 * @throws PlumbingError `DEST_FOREIGN` when something else bears the name, or when someone took columns away.
 */
export function requireOwnTable(db: DatabaseSync, table: string, path: string): TableDefinition | undefined {
  const stored = readDefinition(db, table, path);
  const found = physicalTable(db, table);
  const fail = (what: string): never => {
    throw new PlumbingError('DEST_FOREIGN', `${path}: ${what}`, { context: { path, table } });
  };
  if (!found) return undefined;
  if (!stored || !found.isTable) {
    return fail(`"${table}" is there already and was not made by this library; rename one of the two`);
  }
  if (stored.name !== table) {
    return fail(
      `"${table}" differs from the table "${stored.name}" only by case; SQLite can not tell them apart`,
    );
  }
  const missing = physicalColumns(stored).find((column) => !found.columns.has(column.name));
  if (missing) {
    return fail(
      `table "${table}" has lost its column "${missing.name}"; put it back, or drop the table to load it anew`,
    );
  }
  return stored;
}
