/** Brings the table in the database to the definition that the load needs, in the caller's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import { PlumbingError } from '../../errors/index.ts';
import type { Column, TableDefinition } from '../../model/index.ts';
import { codecOf } from './codec.ts';
import { mayNotFit } from '../../model/convert-cell.ts';
import { cellConverter, isStoredAlike } from './convert-cell.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';
import { iterate } from './iterate.ts';
import { definitionText, physicalKey, sameNames } from '../../model/table-layout.ts';
import { otherColumns } from './other-columns.ts';
import { needsRebuild, rebuild } from './rebuild.ts';
import { writeDefinition } from './schema-store.ts';
import { createTableSql } from './table-layout.ts';

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
 * Looks, without changing anything, whether {@link migrate} would lose digits, find rows that share a key, or a column of
 * somebody else in the place of a new one.
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
  requireFreeNames(db, stored, target);
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

function requireFreeNames(db: DatabaseSync, stored: TableDefinition, target: TableDefinition): void {
  const added = target.columns.slice(stored.columns.length);
  if (added.length === 0) return;
  const others = new Set(otherColumns(db, stored).map(({ name }) => name.toLowerCase()));
  const taken = added.find(({ name }) => others.has(name.toLowerCase()));
  if (!taken) return;
  throw new PlumbingError(
    'SCHEMA_DRIFT',
    `table "${target.name}": the rows bring column "${taken.name}", and somebody has added a column of that name; rename or drop that one`,
    { context: { table: target.name, column: taken.name } },
  );
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
