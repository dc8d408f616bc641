/** How a table definition looks in SQLite: what it may hold, and `CREATE TABLE`. */
import { bookkeepingColumns } from '../../model/index.ts';
import type { TableDefinition } from '../../model/index.ts';
import { checkLayout, physicalColumns } from '../../model/table-layout.ts';
import { codecOf } from './codec.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';

/** Limit of SQLite as it comes with Node (SQLITE_MAX_COLUMN). */
const maxColumns = 2_000;

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

/** A name of SQLite's row id that no column has taken. */
export function rowIdName(columns: readonly string[]): string | undefined {
  const taken = new Set(columns.map((name) => name.toLowerCase()));
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
}

/**
 * Checks that SQLite can hold the table, and that key and scope name columns of it. A stream without a schema has no
 * columns yet (`isOpen`): then names are checked later.
 *
 * @throws PlumbingError `SCHEMA_INVALID`, or `LIMIT_EXCEEDED` for more than 2,000 columns.
 */
export function checkDefinition(table: TableDefinition, isOpen = false): void {
  checkLayout(table, limits, isOpen);
}

const limits = {
  maxColumns,
  maxColumnsText: `SQLite holds ${maxColumns}`,
  reserved: /^(_plumbing_|sqlite_)/i,
  checkName: quoteIdentifier,
};
