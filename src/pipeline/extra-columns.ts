/** Columns that no schema declares: found in the rows, typed by what they hold. */
import {
  ColumnNames,
  decimalShape,
  inferType,
  pathKey,
  stringifyJson,
  toTimestamp,
  widenType,
} from '../model/index.ts';
import type { Column, LogicalType, UnknownField, Value } from '../model/index.ts';
import { columnNamed } from '../model/merge-definition.ts';

/** A change of the table that new fields call for. */
export interface ColumnChange {
  readonly column: Column;
  readonly kind: 'added' | 'widened';
}

/** A type that no common type with the column's exists for. */
export interface TypeConflict {
  readonly path: readonly string[];
  readonly from: LogicalType;
  readonly to: LogicalType;
}

/**
 * The undeclared columns of one table. `place` notes the column of a field, adding or widening it where needed;
 * the changes wait until they are taken, once a batch.
 */
export class ExtraColumns {
  readonly #names: ColumnNames;
  readonly #columns: Column[];
  readonly #indexByPath = new Map<string, number>();
  readonly #declared: ReadonlySet<string>;
  #changes = new Map<string, ColumnChange>();

  /** `columns`: the table's columns in order. `declared`: path keys of the columns whose type the schema fixes. */
  constructor(columns: readonly Column[], declared: ReadonlySet<string>) {
    this.#columns = [...columns];
    this.#declared = declared;
    this.#names = new ColumnNames(columns);
    for (const [index, column] of columns.entries()) this.#indexByPath.set(pathKey(column.path), index);
  }

  /** Index of the column for `field`, or the conflict that keeps it from having one; `undefined` for a null in an unknown field. */
  place(field: UnknownField): number | TypeConflict | undefined {
    const key = pathKey(field.path);
    const index = this.#indexByPath.get(key);
    const type = inferType(field.value);
    if (index === undefined) {
      if (type === undefined) return undefined;
      const column: Column = {
        name: this.#names.nameFor(field.path),
        type,
        nullable: true,
        path: field.path,
      };
      this.#indexByPath.set(key, this.#columns.length);
      this.#columns.push(column);
      this.#changes.set(key, { column, kind: 'added' });
      return this.#columns.length - 1;
    }
    const column = this.#columns[index] as Column;
    if (type === undefined || fits(field.value, type, column.type)) return index;
    const wide = this.#declared.has(key) ? undefined : widenType(column.type, type);
    if (wide === undefined) return { path: field.path, from: column.type, to: type };
    if (wide !== column.type) {
      const widened = { ...column, type: wide };
      this.#columns[index] = widened;
      const kind = this.#changes.get(key)?.kind ?? 'widened';
      this.#changes.set(key, { column: widened, kind });
    }
    return index;
  }

  /** Index of the column of this name, else of the field of it, or -1. */
  indexOfName(name: string): number {
    const column = columnNamed(this.#columns, name);
    return column ? this.#columns.indexOf(column) : -1;
  }

  /** The changes since the last call. */
  takeChanges(): ColumnChange[] {
    const changes = [...this.#changes.values()];
    this.#changes = new Map();
    return changes;
  }

  /** `value` in the form that column `index` holds now. */
  convert(value: unknown, index: number): Value {
    const { type } = this.#columns[index] as Column;
    if (value === null || value === undefined) return null;
    // Also as text and in JSON in the form of the column that its field had before.
    if (value instanceof Date) return toTimestamp(value) as string;
    if (type === 'string' || decimalShape(type)) return textOf(value);
    if (type === 'timestamp') return toTimestamp(value) as string;
    if (type === 'int64' && typeof value === 'bigint' && BigInt(Number(value)) === value) {
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    return value as Value;
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  // JSON would say null for NaN.
  return typeof value === 'number' ? String(value) : stringifyJson(value);
}

/** The text of a `Date`, as it comes back from quarantine. */
const dateText = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Whether a value of type `actual` needs no wider column. */
function fits(value: unknown, actual: LogicalType, column: LogicalType): boolean {
  if (actual === column) return true;
  if (column === 'string' || column === 'json') return actual !== 'binary';
  if (column === 'timestamp')
    return actual === 'string' && dateText.test(value as string) && toTimestamp(value) !== undefined;
  if (column === 'float64') return actual === 'int64' && Number.isSafeInteger(value);
  const shape = decimalShape(column);
  if (!shape) return false;
  return actual === 'int64' && String(value).replace('-', '').length <= shape.precision - shape.scale;
}
