/** Moves stored values from one type to another, exactly or not at all. */
import { PlumbingError } from '../../errors/index.ts';
import { decimalShape, stringifyJson, widenType } from '../../model/index.ts';
import type { LogicalType, Value } from '../../model/index.ts';
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

/** Whether some values of `from` do not fit `to`. */
export function mayNotFit(from: LogicalType, to: LogicalType): boolean {
  return to === 'float64' ? from !== to : widenType(from, to) !== to;
}

/**
 * The conversion for a column.
 *
 * @throws the conversion throws PlumbingError `SCHEMA_DRIFT` for a value that would lose digits.
 */
export function cellConverter(
  table: string,
  column: string,
  from: LogicalType,
  to: LogicalType,
): ConvertCell {
  const { decode = asText } = codecOf(from);
  const { encode } = codecOf(to);
  return (stored) => {
    if (stored === null) return null;
    const value = decode(stored);
    const converted = encode(to === 'string' ? textOf(value) : value);
    if (converted !== undefined) return converted;
    throw new PlumbingError(
      'SCHEMA_DRIFT',
      `table "${table}": column "${column}" holds values that do not fit ${to} exactly; declare a wider type`,
      { context: { table, column, from, to } },
    );
  };
}

/** A text that was read as bytes, so that a NUL in it is kept. */
function asText(stored: SqlValue): Value {
  return stored instanceof Uint8Array ? Buffer.from(stored).toString('utf8') : stored;
}

function textOf(value: Value): string {
  return typeof value === 'object' ? stringifyJson(value) : String(value);
}
