/** Brings the table in the database to the definition that the load needs, in the caller's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import { failpoint } from '../../failpoints/index.ts';
import { PlumbingError } from '../../errors/index.ts';
import type { Column, TableDefinition } from '../../model/index.ts';
import { codecOf } from './codec.ts';
import { mayNotFit } from '../../model/convert-cell.ts';
import { cellConverter, convertedCell, isStoredAlike } from './convert-cell.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';
import { iterate } from './iterate.ts';
import { addedColumns, definitionText, physicalKey, sameNames } from '../../model/table-layout.ts';
import { writeDefinition } from './schema-store.ts';
import { createTableSql } from './table-layout.ts';

const rebuildName = '_plumbing_rebuild';
const convertFunction = '_plumbing_convert';

/**
 * Creates or alters the table, and stores its definition. Added columns are cheap; a changed type or key rewrites the
 * table, with its indexes and triggers.
 *
 * @returns the definition as it is stored now.
 * @throws PlumbingError `SCHEMA_DRIFT` when stored values do not fit.
 */
export function migrate(
  db: DatabaseSync,
  stored: TableDefinition | undefined,
  target: TableDefinition,
): TableDefinition {
  const next = stored ? { ...target, columns: storedNullability(stored, target) } : target;
  if (!stored) {
    db.exec(createTableSql(target, target.name, physicalKey(target)));
  } else if (needsRebuild(stored, target)) {
    rebuild(db, stored, target);
  } else {
    for (const column of target.columns.slice(stored.columns.length)) {
      db.exec(`ALTER TABLE ${quoteIdentifier(target.name)} ADD COLUMN ${columnSql(column)}`);
    }
  }
  if (!stored || definitionText(next) !== definitionText(stored)) writeDefinition(db, next);
  return next;
}

/**
 * Looks, without changing anything, whether {@link migrate} would lose digits or find rows that share a key.
 *
 * @throws PlumbingError `SCHEMA_DRIFT`
 */
export function requireMigratable(db: DatabaseSync, stored: TableDefinition, target: TableDefinition): void {
  const table = quoteIdentifier(target.name);
  for (const [index, from] of stored.columns.entries()) {
    const to = target.columns[index] as Column;
    if (isStoredAlike(from.type, to.type) || !mayNotFit(from.type, to.type)) continue;
    const convert = cellConverter(target.name, to.name, from.type, to.type);
    const name = quoteIdentifier(from.name);
    const values = db.prepare(`SELECT DISTINCT ${name} AS value FROM ${table} WHERE ${name} IS NOT NULL`);
    values.setReadBigInts(true);
    for (const { value = null } of iterate(values)) convert(value);
  }
  const key = physicalKey(target);
  if (key.length === 0 || sameNames(key, physicalKey(stored))) return;
  const names = key.map(quoteIdentifier);
  const present = new Set(stored.columns.map((column) => column.name));
  const isNew = target.primaryKey.some(
    (name) => !present.has(name) && target.columns.some((column) => column.name === name),
  );
  const wrong = isNew
    ? `SELECT 1 FROM ${table} LIMIT 1`
    : `SELECT 1 FROM ${table} GROUP BY ${names.join(', ')}
       HAVING count(*) > 1 OR ${names.map((name) => `${name} IS NULL`).join(' OR ')} LIMIT 1`;
  if (db.prepare(wrong).get() === undefined) return;
  throw new PlumbingError(
    'SCHEMA_DRIFT',
    `table "${target.name}": the stored rows can not have the key (${target.primaryKey.join(', ')}), some share it or lack it; load into a table of another name`,
    { context: { table: target.name } },
  );
}

function needsRebuild(stored: TableDefinition, target: TableDefinition): boolean {
  if (!sameNames(physicalKey(stored), physicalKey(target))) return true;
  return stored.columns.some((column, index) => {
    const { type } = target.columns[index] as Column;
    return !isStoredAlike(column.type, type) || codecOf(column.type).sqlType !== codecOf(type).sqlType;
  });
}

function rebuild(db: DatabaseSync, stored: TableDefinition, target: TableDefinition): void {
  const table = quoteIdentifier(target.name);
  const extras = db
    .prepare(
      "SELECT sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL",
    )
    .all(target.name);
  db.exec(createTableSql(target, rebuildName, physicalKey(target)));
  const names = [...stored.columns, ...addedColumns(stored)].map(({ name }) => quoteIdentifier(name));
  const cells = stored.columns.map((from, index) => {
    const change = [from, target.columns[index] as Column] as const;
    return convertedCell(db, target.name, change, quoteIdentifier(from.name), `${convertFunction}_${index}`);
  });
  const added = addedColumns(stored).map(({ name }) => quoteIdentifier(name));
  db.exec(
    `INSERT INTO ${rebuildName} (${names.join(', ')}) SELECT ${[...cells, ...added].join(', ')} FROM ${table}`,
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

/** A column may be empty as long as older rows may lack it. */
function storedNullability(stored: TableDefinition, target: TableDefinition): readonly Column[] {
  const keys = new Set(target.primaryKey);
  return target.columns.map((column, index) => {
    const before = stored.columns[index];
    const nullable = !keys.has(column.name) && (column.nullable || before === undefined || before.nullable);
    return { ...column, nullable };
  });
}

function columnSql({ name, type }: Column): string {
  return `${quoteIdentifier(name)} ${codecOf(type).sqlType}`;
}
