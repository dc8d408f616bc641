/** Writes a table anew, with other types or another key; what others have added to it stays. */
import type { DatabaseSync } from 'node:sqlite';
import { PlumbingError } from '../../errors/index.ts';
import { failpoint } from '../../failpoints/index.ts';
import type { Column, TableDefinition } from '../../model/index.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';
import { addedColumns, physicalKey, sameNames } from '../../model/table-layout.ts';
import { codecOf } from './codec.ts';
import { convertedCell, isStoredAlike } from './convert-cell.ts';
import { otherColumns } from './other-columns.ts';
import { createTableSql, rowIdName } from './table-layout.ts';

const rebuildName = '_plumbing_rebuild';
const convertFunction = '_plumbing_convert';

/** Whether the rows have to be written anew. */
export function needsRebuild(stored: TableDefinition, target: TableDefinition): boolean {
  if (!sameNames(physicalKey(stored), physicalKey(target))) return true;
  return stored.columns.some((column, index) => {
    const { type } = target.columns[index] as Column;
    return !isStoredAlike(column.type, type) || codecOf(column.type).sqlType !== codecOf(type).sqlType;
  });
}

/** Whether another table points to this one: then dropping it would carry out the actions of that table's foreign keys. */
export function isReferenced(db: DatabaseSync, table: string): boolean {
  const children = db.prepare(
    `SELECT 1 FROM sqlite_schema AS child, pragma_foreign_key_list(child.name) AS key
     WHERE child.type = 'table' AND key."table" = ? COLLATE NOCASE LIMIT 1`,
  );
  return children.get(table) !== undefined;
}

/**
 * Does it, in the caller's transaction, which must have begun without foreign keys where {@link isReferenced}. Row ids stay, for
 * indexes of others that hold them; so do indexes, triggers, and columns of others.
 *
 * @throws PlumbingError `SCHEMA_DRIFT` when values do not fit, or a column of others can't be made again.
 */
export function rebuild(db: DatabaseSync, stored: TableDefinition, target: TableDefinition): void {
  const table = quoteIdentifier(target.name);
  const extras = db
    .prepare(
      "SELECT sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL",
    )
    .all(target.name);
  const others = otherColumns(db, stored);
  db.exec(createTableSql(target, rebuildName, physicalKey(target)));
  for (const { name, definition } of others) addOther(db, target, name, definition);
  const kept = [...addedColumns(stored), ...others.filter(({ hasValues }) => hasValues)];
  const rowId = rowIdName([...columnNames(stored, target), ...others.map(({ name }) => name)]);
  const same = [...kept.map(({ name }) => quoteIdentifier(name)), ...(rowId === undefined ? [] : [rowId])];
  const names = [...stored.columns.map(({ name }) => quoteIdentifier(name)), ...same];
  const cells = stored.columns.map((from, index) => {
    const change = [from, target.columns[index] as Column] as const;
    return convertedCell(db, target.name, change, quoteIdentifier(from.name), `${convertFunction}_${index}`);
  });
  db.exec(
    `INSERT INTO ${rebuildName} (${names.join(', ')}) SELECT ${[...cells, ...same].join(', ')} FROM ${table}`,
  );
  failpoint('sqlite.table_copied');
  // Without it SQLite would refuse the renaming while a view still names the table that is gone for a moment.
  db.exec('PRAGMA legacy_alter_table = ON');
  try {
    db.exec(`DROP TABLE ${table}; ALTER TABLE ${rebuildName} RENAME TO ${table}`);
  } finally {
    db.exec('PRAGMA legacy_alter_table = OFF');
  }
  for (const { sql } of extras) db.exec(String(sql));
}

function columnNames(...tables: readonly TableDefinition[]): string[] {
  return tables.flatMap(({ columns }) => columns.map(({ name }) => name));
}

function addOther(
  db: DatabaseSync,
  { name: table }: TableDefinition,
  name: string,
  definition: string | undefined,
): void {
  try {
    if (definition === undefined) throw new Error('its definition can not be read');
    db.exec(`ALTER TABLE ${rebuildName} ADD COLUMN ${definition}`);
  } catch (cause) {
    throw new PlumbingError(
      'SCHEMA_DRIFT',
      `table "${table}": it has to be written anew, and column "${name}", which is not the load's, could not be made again (${(cause as Error).message}); drop that column, run, and add it again`,
      { context: { table, column: name }, cause },
    );
  }
}
