/** Moves stored values from one type to another, exactly or not at all. */
import { PlumbingError } from '../errors/index.ts';
import type { CellEncoder } from './row-encoder.ts';
import { stringifyJson } from './value.ts';
import type { LogicalType, Value } from './value.ts';
import { widenType } from './widen.ts';

/** Whether some values of `from` do not fit `to`. */
export function mayNotFit(from: LogicalType, to: LogicalType): boolean {
  if (from === 'float64' && to === 'json') return true;
  return to === 'float64' ? from !== to : widenType(from, to) !== to;
}

/**
 * The conversion for a column: from what a store holds for `from` to what it holds for `to`. NULL stays NULL.
 *
 * @throws the conversion throws PlumbingError `SCHEMA_DRIFT` for a value that would lose digits.
 */
export function cellConverter<Cell>(
  column: {
    readonly table: string;
    readonly name: string;
    readonly from: LogicalType;
    readonly to: LogicalType;
  },
  decode: (cell: Cell) => Value,
  { encode }: CellEncoder<Cell>,
): (cell: Cell | null) => Cell | null {
  const { table, name, from, to } = column;
  return (cell) => {
    if (cell === null) return null;
    const value = decode(cell);
    const converted = encode(to === 'string' ? textOf(value) : value);
    if (converted !== undefined) return converted;
    throw new PlumbingError(
      'SCHEMA_DRIFT',
      `table "${table}": column "${name}" holds values that do not fit ${to} exactly; declare a wider type`,
      { context: { table, column: name, from, to } },
    );
  };
}

function textOf(value: Value): string {
  return typeof value === 'object' ? stringifyJson(value) : String(value);
}
