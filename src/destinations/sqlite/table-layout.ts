/** How a table definition looks in SQLite: physical columns, key, and `CREATE TABLE`. */
import { PlumbingError } from '../../errors/index.ts';
import { bookkeepingColumns, scd2Columns } from '../../model/index.ts';
import type { Column, TableDefinition } from '../../model/index.ts';
import { codecOf } from './codec.ts';
import { quoteIdentifier } from './identifier.ts';

/** Limit of SQLite as it comes with Node (SQLITE_MAX_COLUMN). */
const maxColumns = 2_000;

/** Whether the table keeps versions of its rows. */
export function isVersioned({ write }: Pick<TableDefinition, 'write'>): boolean {
  return write.mode === 'merge' && write.strategy === 'scd2';
}

/** Columns that the library adds, after those of the stream. */
export function addedColumns(table: Pick<TableDefinition, 'write'>): readonly Column[] {
  return isVersioned(table) ? [...scd2Columns, ...bookkeepingColumns] : bookkeepingColumns;
}

/** All columns, in the order in which a reader sees them. */
export function physicalColumns(table: TableDefinition): readonly Column[] {
  return [...table.columns, ...addedColumns(table)];
}

/** The columns of the PRIMARY KEY; empty when rows may repeat. */
export function physicalKey({ primaryKey, write }: TableDefinition): readonly string[] {
  if (write.mode === 'append' || primaryKey.length === 0) return [];
  return isVersioned({ write }) ? [...primaryKey, '_valid_from_ts'] : primaryKey;
}

/**
 * The statement that creates `table` under `name`. Only keys and bookkeeping columns are NOT NULL in SQL; whether another
 * column may be empty is checked on each row instead, so that it can change without rewriting the table.
 */
export function createTableSql(table: TableDefinition, name: string, key: readonly string[]): string {
  const required = new Set([...key, ...bookkeepingColumns.map((column) => column.name)]);
  // An update of a NOT NULL column may fail half-way, for which SQLite would copy each page before each statement.
  required.delete('_plumbing_load_id');
  const lines = physicalColumns(table).map((column) => {
    const notNull = required.has(column.name) ? ' NOT NULL' : '';
    // A lone INTEGER key would be the row id, which the driver reports after each insert, and can't beyond 2^53.
    const isRowId = key.length === 1 && key[0] === column.name && column.type === 'int64';
    const sqlType = isRowId ? 'BIGINT' : codecOf(column.type).sqlType;
    return `${quoteIdentifier(column.name)} ${sqlType}${notNull}`;
  });
  if (key.length > 0) lines.push(`PRIMARY KEY (${key.map(quoteIdentifier).join(', ')})`);
  return `CREATE TABLE ${quoteIdentifier(name)} (\n  ${lines.join(',\n  ')}\n)`;
}

/**
 * Checks that SQLite can hold the table, and that key and scope name columns of it. A stream without a schema has no
 * columns yet (`isOpen`): then names are checked later.
 *
 * @throws PlumbingError `SCHEMA_INVALID`, or `LIMIT_EXCEEDED` for more than 2,000 columns.
 */
export function checkDefinition(table: TableDefinition, isOpen = false): void {
  const fail = (what: string): never => {
    throw new PlumbingError('SCHEMA_INVALID', `table "${table.name}": ${what}`, {
      context: { table: table.name },
    });
  };
  quoteIdentifier(table.name);
  if (/^(_plumbing_|sqlite_)/i.test(table.name))
    fail('names that start with _plumbing_ or sqlite_ are reserved');
  const names = new Set<string>();
  for (const { name } of physicalColumns(table)) {
    quoteIdentifier(name);
    const folded = name.toLowerCase();
    if (names.has(folded))
      fail(`two columns are named "${name}" (case does not count, and some names are reserved)`);
    names.add(folded);
  }
  if (names.size > maxColumns) {
    throw new PlumbingError(
      'LIMIT_EXCEEDED',
      `table "${table.name}": ${names.size} columns; SQLite holds ${maxColumns}. Keep nested objects as json()`,
      { context: { table: table.name, columns: names.size } },
    );
  }
  const { write } = table;
  if (write.mode === 'merge' && write.strategy !== 'delete-insert' && table.primaryKey.length === 0) {
    fail(`write mode ${write.strategy} needs a primary key`);
  }
  const scope = write.mode === 'merge' && write.strategy === 'delete-insert' ? write.scope : [];
  if (write.mode === 'merge' && write.strategy === 'delete-insert' && scope.length === 0) {
    fail('write mode delete-insert needs at least one scope column');
  }
  if (
    isVersioned(table) &&
    table.primaryKey.some((name) => bookkeepingColumns.some((own) => own.name === name))
  ) {
    fail('the key of an scd2 table can not hold bookkeeping columns');
  }
  if (isOpen) return;
  for (const name of [...table.primaryKey, ...scope]) {
    if (!names.has(name.toLowerCase())) fail(`there is no column "${name}", which its key or scope names`);
  }
}
