/** Brings a stored table and a declared one together: names stay, types widen, columns are never lost. */
import { PlumbingError } from '../errors/index.ts';
import { pathKey } from './naming.ts';
import { isVersioned } from './table-layout.ts';
import type { Column, TableDefinition, WriteMode } from './table.ts';
import type { LogicalType } from './value.ts';
import { widenType } from './widen.ts';

/** Throws when a store can not hold a table; `isOpen` tells that it has no columns yet. */
export type CheckDefinition = (table: TableDefinition, isOpen: boolean) => void;

/**
 * The table that rows of `declared` need, given what is `stored`. A declared column is the stored one of the same path
 * (and takes its name), else the one of the same name. Stored columns that are not declared stay, and may be empty.
 *
 * @throws PlumbingError `SCHEMA_DRIFT` for a column declared narrower than it is stored, or with a type that shares no
 * wider one with it; what `check` throws.
 */
export function mergeDefinition(
  stored: TableDefinition | undefined,
  declared: TableDefinition,
  check: CheckDefinition,
): TableDefinition {
  if (!stored) {
    const table = requireKeys(declared);
    check(table, table.columns.length === 0);
    return table;
  }
  if (isVersioned(stored) !== isVersioned(declared)) {
    throw drift(declared.name, 'it can not be changed to or from scd2; load into a table of another name');
  }
  const columns: Column[] = stored.columns.map((column) => ({ ...column, nullable: true }));
  const places = new ColumnPlaces(columns);
  const nameOf = new Map<string, string>();
  const claimed = new Map<number, Column>();
  for (const column of declared.columns) {
    const index = places.find(column);
    if (index === undefined) {
      columns.push(column);
      continue;
    }
    const { name, type } = columns[index] as Column;
    const other = claimed.get(index);
    if (other) throw twoFields(declared.name, name, other, column);
    claimed.set(index, column);
    nameOf.set(column.name, name);
    columns[index] = { ...column, name, type: widened(declared.name, name, type, column.type) };
  }
  const rename = (name: string): string => nameOf.get(name) ?? name;
  const table = requireKeys({
    ...declared,
    columns,
    primaryKey: declared.primaryKey.map(rename),
    write: renamedScope(declared.write, rename),
  });
  check(table, false);
  return table;
}

/**
 * The table with `changes` applied: a column of a name that exists is widened, another one is added at the end.
 *
 * @throws PlumbingError as {@link mergeDefinition}.
 */
export function evolveDefinition(
  table: TableDefinition,
  changes: readonly Column[],
  check: CheckDefinition,
): TableDefinition {
  const columns = [...table.columns];
  for (const change of changes) {
    const index = columns.findIndex((column) => column.name === change.name);
    const known = columns[index];
    if (!known) {
      columns.push(change);
      continue;
    }
    const type = widenType(known.type, change.type);
    if (type === undefined) throw noCommonType(table.name, known.name, known.type, change.type);
    columns[index] = { ...known, type };
  }
  const evolved = requireKeys({ ...table, columns });
  check(evolved, evolved.columns.length === 0);
  return evolved;
}

/** The declared columns that a stored table does not have, under no name. */
export function absentColumns(stored: readonly Column[], declared: readonly Column[]): readonly Column[] {
  const places = new ColumnPlaces(stored);
  return declared.filter((column) => places.find(column) === undefined);
}

/** Finds the column that another run knew a field as. */
class ColumnPlaces {
  readonly #byPath = new Map<string, number>();
  readonly #byName = new Map<string, number>();

  constructor(columns: readonly Column[]) {
    for (const [index, { name, path }] of columns.entries()) {
      if (path.length > 0) this.#byPath.set(pathKey(path), index);
      this.#byName.set(name.toLowerCase(), index);
    }
  }

  find({ name, path }: Column): number | undefined {
    return (
      (path.length > 0 ? this.#byPath.get(pathKey(path)) : undefined) ?? this.#byName.get(name.toLowerCase())
    );
  }
}

/** Key and scope by the names that the columns have; key columns never lack a value. */
function requireKeys(table: TableDefinition): TableDefinition {
  const rename = (name: string): string => columnNamed(table.columns, name)?.name ?? name;
  const primaryKey = table.primaryKey.map(rename);
  const keys = new Set(primaryKey);
  const columns = table.columns.map((column) =>
    keys.has(column.name) ? { ...column, nullable: false } : column,
  );
  return { ...table, columns, primaryKey, write: renamedScope(table.write, rename) };
}

/** The column of that name, else that of the field of that name: a stream without a schema knows only its fields. */
export function columnNamed(columns: readonly Column[], name: string): Column | undefined {
  return (
    columns.find((column) => column.name === name) ??
    columns.find(({ path }) => path.length === 1 && path[0] === name) ??
    columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
  );
}

function renamedScope(write: WriteMode, rename: (name: string) => string): WriteMode {
  if (write.mode !== 'merge' || write.strategy !== 'delete-insert') return write;
  return { ...write, scope: write.scope.map(rename) };
}

function widened(table: string, column: string, stored: LogicalType, declared: LogicalType): LogicalType {
  if (stored === declared) return stored;
  const wide = widenType(stored, declared);
  if (wide === undefined) throw noCommonType(table, column, stored, declared);
  if (wide === stored) {
    throw drift(
      table,
      `column "${column}" is stored as ${stored} and can not become the narrower ${declared}`,
    );
  }
  // Where neither holds the other (int64 and decimal(10,2)), the values that are stored decide: all must fit exactly.
  return declared;
}

/** A vendor's `user_id` beside the `userId` that was there first: one of them would be lost. */
function twoFields(table: string, column: string, a: Column, b: Column): PlumbingError {
  const [one, other] = [a, b].map(({ name, path }) => (path.length > 0 ? path.join('.') : name));
  return drift(
    table,
    `its fields "${one}" and "${other}" would both be column "${column}", which is stored as one of them; load into a table of another name`,
  );
}

function noCommonType(table: string, column: string, from: LogicalType, to: LogicalType): PlumbingError {
  return drift(table, `column "${column}" is ${from}, and no type holds both that and ${to}`);
}

function drift(table: string, what: string): PlumbingError {
  return new PlumbingError('SCHEMA_DRIFT', `table "${table}": ${what}`, { context: { table } });
}
