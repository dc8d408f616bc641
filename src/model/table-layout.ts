/** How a table definition looks in a store: the columns that are added, the key, and what may not be. */
import { PlumbingError } from '../errors/index.ts';
import { bookkeepingColumns, scd2Columns } from './table.ts';
import type { Column, TableDefinition } from './table.ts';

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

/** The columns that tell rows apart; empty when rows may repeat. */
export function physicalKey({ primaryKey, write }: TableDefinition): readonly string[] {
  if (write.mode === 'append' || primaryKey.length === 0) return [];
  return isVersioned({ write }) ? [...primaryKey, '_valid_from_ts'] : primaryKey;
}

/** Whether two keys are made of the same columns. */
export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}

/** A definition as it is stored. Equal definitions give equal texts. */
export function definitionText({ columns, primaryKey, write }: TableDefinition): string {
  const plain = columns.map(({ name, type, nullable, path }) => ({ name, type, nullable, path }));
  return JSON.stringify({ columns: plain, primaryKey, write });
}

/** What a store can hold. */
export interface LayoutLimits {
  readonly maxColumns: number;
  /** Words for the error, e.g. `SQLite holds 2000`. */
  readonly maxColumnsText: string;
  /** Names that tables may not have. */
  readonly reserved: RegExp;
  /** Throws for a name that can't be one. */
  readonly checkName: (name: string) => void;
}

/**
 * Checks that a store can hold the table, and that key and scope name columns of it. A stream without a schema has no
 * columns yet (`isOpen`): then names are checked later.
 *
 * @throws PlumbingError `SCHEMA_INVALID`, or `LIMIT_EXCEEDED` for too many columns.
 */
export function checkLayout(table: TableDefinition, limits: LayoutLimits, isOpen: boolean): void {
  const fail = (what: string): never => {
    throw new PlumbingError('SCHEMA_INVALID', `table "${table.name}": ${what}`, {
      context: { table: table.name },
    });
  };
  limits.checkName(table.name);
  if (limits.reserved.test(table.name)) fail('names that start with _plumbing_ or sqlite_ are reserved');
  const names = new Set<string>();
  for (const { name } of physicalColumns(table)) {
    limits.checkName(name);
    const folded = name.toLowerCase();
    if (names.has(folded))
      fail(`two columns are named "${name}" (case does not count, and some names are reserved)`);
    names.add(folded);
  }
  if (names.size > limits.maxColumns) {
    throw new PlumbingError(
      'LIMIT_EXCEEDED',
      `table "${table.name}": ${names.size} columns; ${limits.maxColumnsText}. Keep nested objects as json()`,
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
