/** Scopes that a source names for `delete-insert`, in stored form. */
import { PlumbingError } from '../../errors/index.ts';
import type { JsonObject, TableDefinition } from '../../model/index.ts';
import { encodeValue } from '../../model/row-encoder.ts';
import { codecOf } from './cell-codec.ts';
import type { CellRow } from './row-spool.ts';

/**
 * The cells of a scope's own columns, in the order of the write mode.
 *
 * @throws PlumbingError `ROW_INVALID` when one is missing or does not fit.
 */
export function encodeScope(table: TableDefinition, scope: JsonObject): CellRow {
  const { write } = table;
  const names = write.mode === 'merge' && write.strategy === 'delete-insert' ? write.scope : [];
  return names.flatMap((name) => {
    const column = table.columns.find((candidate) => candidate.name === name);
    if (!column) return [];
    const value = scope[name];
    if (value !== undefined) return [encodeValue(table.name, column, value, codecOf)];
    throw new PlumbingError(
      'ROW_INVALID',
      `table "${table.name}": a scope of the source lacks column "${name}"`,
      { context: { table: table.name } },
    );
  });
}
