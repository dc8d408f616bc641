/** How columns look in DuckDB, and how the figures look that it tells of a file. */
import { encodeBounds } from '../../../iceberg/column-statistics.ts';
import type { MutableStatistics } from '../../../iceberg/column-statistics.ts';
import type { Cell, IcebergType, NestedField } from '../../../iceberg/types.ts';
import { decimalOf } from '../../../iceberg/types.ts';
import { codecOf } from '../cell-codec.ts';

/** The DuckDB type whose Parquet form is that of the Iceberg type; `undefined` where it has none. */
export function duckTypeOf(type: IcebergType): string | undefined {
  if (typeof type !== 'string') return undefined;
  const decimal = decimalOf(type);
  if (decimal) return `DECIMAL(${decimal.precision}, ${decimal.scale})`;
  return duckTypes.get(type);
}

const duckTypes: ReadonlyMap<string, string> = new Map([
  ['boolean', 'BOOLEAN'],
  ['long', 'BIGINT'],
  ['double', 'DOUBLE'],
  ['date', 'DATE'],
  ['timestamptz', 'TIMESTAMPTZ'],
  ['string', 'VARCHAR'],
  ['binary', 'BLOB'],
  ['uuid', 'UUID'],
]);

/** Notes what DuckDB tells of a column of a file it has written, as names and texts. A figure in doubt is left out. */
export function noteStatistics(
  { id, type }: NestedField,
  told: ReadonlyMap<string, string>,
  to: MutableStatistics,
): void {
  if (typeof type !== 'string') return;
  const count = (name: string, figures: Map<number, bigint>): void => {
    const text = told.get(name);
    if (text !== undefined && /^\d+$/.test(text)) figures.set(id, BigInt(text));
  };
  count('num_values', to.valueCounts);
  count('null_count', to.nullCounts);
  count('column_size_bytes', to.columnSizes);
  const hasNan = told.get('has_nan');
  if (hasNan === 'false') to.nanCounts.set(id, 0n);
  const min = readFigure(type, told.get('min'));
  const max = readFigure(type, told.get('max'));
  if (min === undefined || max === undefined || hasNan === 'true') return;
  // Of the two zeros DuckDB tells either; for Iceberg the one with the sign is below the other.
  encodeBounds(id, type, min === 0 ? -0 : min, max === 0 ? 0 : max, to);
}

function readFigure(type: string, text: string | undefined): Exclude<Cell, null> | undefined {
  if (text === undefined) return undefined;
  const decimal = decimalOf(type);
  if (decimal) return codecOf(`decimal(${decimal.precision},${decimal.scale})`).encode(text);
  switch (type) {
    case 'boolean':
      return text === '1' || text === 'true';
    case 'long':
      return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
    case 'double':
      return text !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'date':
      return codecOf('date').encode(text);
    case 'timestamptz':
      return codecOf('timestamp').encode(text.replace(/\+00$/, 'Z'));
    case 'string':
      return shownAsIs.test(text) ? text : undefined;
    default:
      return undefined;
  }
}

/** Other texts are cut or written with escapes by DuckDB, in ways that differ by version. */
const shownAsIs = /^[ !-[\]-~]{1,200}$/;
