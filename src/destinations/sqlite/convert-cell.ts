/** Moves stored values of SQLite from one type to another. */
import type { DatabaseSync } from 'node:sqlite';
import { decimalShape } from '../../model/index.ts';
import type { Column, LogicalType, Value } from '../../model/index.ts';
import { cellConverter as converter } from '../../model/convert-cell.ts';
import { codecOf, isPlainText, isWideDecimal } from './codec.ts';
import type { SqlValue } from './codec.ts';

/** Converts one stored value. */
export type ConvertCell = (stored: SqlValue) => SqlValue;

/** Whether values of both types are stored alike, so that nothing has to be converted. */
export function isStoredAlike(from: LogicalType, to: LogicalType): boolean {
  if (from === to) return true;
  if (isWideDecimal(from) && isWideDecimal(to)) return decimalShape(from)?.scale === decimalShape(to)?.scale;
  return isPlainText(from) && to === 'string';
}

/**
 * The conversion for a column.
 *
 * @throws the conversion throws PlumbingError `SCHEMA_DRIFT` for a value that would lose digits.
 */
export function cellConverter(table: string, name: string, from: LogicalType, to: LogicalType): ConvertCell {
  const { decode = asText } = codecOf(from);
  return converter<SqlValue>({ table, name, from, to }, decode, codecOf(to));
}

/**
 * The SQL expression that gives the stored value `cell` of a column as the column has it now. `call` names the function
 * that it needs on the connection, if it needs one.
 *
 * @throws PlumbingError the statement throws as {@link cellConverter} does.
 */
export function convertedCell(
  db: DatabaseSync,
  table: string,
  [from, to]: readonly [Column, Column],
  cell: string,
  call: string,
): string {
  if (isStoredAlike(from.type, to.type)) return cell;
  db.function(call, { useBigIntArguments: true }, cellConverter(table, to.name, from.type, to.type));
  // As bytes, because Node 22 ends a text argument at its first NUL; those of a UTF-16 database would be others.
  const { encoding } = db.prepare('PRAGMA encoding').get() ?? {};
  return from.type === 'string' && encoding === 'UTF-8'
    ? `${call}(CAST(${cell} AS BLOB))`
    : `${call}(${cell})`;
}

/** A text that was read as bytes, so that a NUL in it is kept. */
function asText(stored: SqlValue): Value {
  return stored instanceof Uint8Array ? Buffer.from(stored).toString('utf8') : stored;
}
