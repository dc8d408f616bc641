/** Scopes of `delete-insert`, in the form in which a store holds them: the cells of the scope's own columns. */
import { PlumbingError } from '../errors/index.ts';
import { encodeValue } from './row-encoder.ts';
import type { CellEncoder } from './row-encoder.ts';
import type { Column, TableDefinition } from './table.ts';
import type { JsonObject, LogicalType } from './value.ts';

/** Places of the scope's columns among those of the table, but for bookkeeping ones. */
export function scopeIndexes({ columns, write }: TableDefinition): number[] {
  const scope = write.mode === 'merge' && write.strategy === 'delete-insert' ? write.scope : [];
  return scope
    .map((name) => columns.findIndex((column) => column.name === name))
    .filter((index) => index >= 0);
}

/**
 * A scope that a source names, by columns or by fields.
 *
 * @throws PlumbingError `ROW_INVALID` when it lacks a column or a value does not fit.
 */
export function encodeScope<Cell>(
  table: TableDefinition,
  scope: JsonObject,
  codecOf: (type: LogicalType) => CellEncoder<Cell>,
): (Cell | null)[] {
  return scopeIndexes(table).map((index) => {
    const column = table.columns[index] as Column;
    const { name, path } = column;
    const [field = name] = path.length === 1 ? path : [];
    const value = scope[Object.hasOwn(scope, name) ? name : field];
    if (value !== undefined) return encodeValue(table.name, column, value, codecOf);
    throw new PlumbingError(
      'ROW_INVALID',
      `table "${table.name}": a scope of the source lacks column "${name}"`,
      { context: { table: table.name } },
    );
  });
}
