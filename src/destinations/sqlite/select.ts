/** Turns a query on a table into SQL with bound parameters, and its answer back into exact values. */
import { PlumbingError } from '../../errors/index.ts';
import type { Column, Condition, RowObject, RowQuery, TableDefinition, Value } from '../../model/index.ts';
import { codecOf, isWideDecimal } from './codec.ts';
import type { SqlValue } from './codec.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';
import { encodeValue } from '../../model/row-encoder.ts';
import { physicalColumns } from '../../model/table-layout.ts';

/** SQL function that makes text of wide decimals sort as numbers; the reader registers it. */
export const sortKeyFunction = '_plumbing_sort_key';

/** A statement, ready to run. */
export interface Select {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  /** Whether integers of the answer may be beyond 2^53. */
  readonly needsBigInts: boolean;
  /** Makes the cells of one answer an object of exact values. */
  readonly toRow: (cells: readonly SqlValue[]) => RowObject;
}

const operators = new Set<string>(['=', '!=', '<', '<=', '>', '>=', 'is null', 'is not null']);

/**
 * `SELECT` for {@link RowQuery}. With `endsTextAtNul`, texts that hold a NUL are fetched as bytes. The columns of `absent`, which
 * the table does not have, are NULL in all rows.
 *
 * @throws PlumbingError `SCHEMA_INVALID` for a column that the table does not have; `ROW_INVALID` for a condition's value
 * that does not fit its column.
 */
export function selectRows(
  stored: TableDefinition,
  query: RowQuery,
  endsTextAtNul: boolean,
  absent: readonly Column[] = [],
): Select {
  const table = { ...stored, columns: [...stored.columns, ...absent] };
  const all = physicalColumns(table);
  const columns = query.columns ? [...new Set(query.columns)].map((name) => columnOf(table, name)) : all;
  if (columns.length === 0) throw invalid(table, 'a query must select at least one column');
  const { limit } = query;
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
    throw invalid(table, 'limit must be a whole number, 0 or more');
  }
  const { clause, parameters } = whereClause(table, query.where ?? []);
  const order = (query.orderBy ?? []).map((name) => orderTerm(table, name)).join(', ');
  const cells = columns.map(({ name, type }) => {
    const quoted = quoteIdentifier(name);
    if (!endsTextAtNul || type !== 'string') return quoted;
    return `CASE WHEN instr(${quoted}, char(0)) THEN CAST(${quoted} AS BLOB) ELSE ${quoted} END AS ${quoted}`;
  });
  const sql = [
    `SELECT ${cells.join(', ')} FROM ${sourceOf(table.name, absent)}`,
    clause,
    order && `ORDER BY ${order}`,
    limit !== undefined && 'LIMIT ?',
  ];
  return {
    sql: sql.filter((part) => part).join(' '),
    parameters: limit === undefined ? parameters : [...parameters, limit],
    needsBigInts: columns.some(({ type }) => type === 'int64'),
    toRow: rowDecoder(columns),
  };
}

function sourceOf(table: string, absent: readonly Column[]): string {
  const name = quoteIdentifier(table);
  if (absent.length === 0) return name;
  return `(SELECT *, ${absent.map((column) => `NULL AS ${quoteIdentifier(column.name)}`).join(', ')} FROM ${name})`;
}

/** `SELECT` for the largest value of a column, as the one column `value` of at most one row. */
export function selectMax(table: TableDefinition, column: string, where: readonly Condition[]): Select {
  const found = columnOf(table, column);
  const quoted = quoteIdentifier(column);
  const { clause, parameters } = whereClause(table, [...where, { column, op: 'is not null' }]);
  const from = `FROM ${quoteIdentifier(table.name)} ${clause}`;
  const sql = isWideDecimal(found.type)
    ? `SELECT ${quoted} AS value ${from} ORDER BY ${orderTerm(table, `-${column}`)} LIMIT 1`
    : `SELECT max(${quoted}) AS value ${from}`;
  return {
    sql,
    parameters,
    needsBigInts: found.type === 'int64',
    toRow: rowDecoder([{ ...found, name: 'value' }]),
  };
}

function whereClause(
  table: TableDefinition,
  where: readonly Condition[],
): { clause: string; parameters: SqlValue[] } {
  const parameters: SqlValue[] = [];
  const terms = where.map(({ column: name, op, value }) => {
    const column = columnOf(table, name);
    if (!operators.has(op)) throw invalid(table, `"${op}" is not an operator of a condition`);
    if (op === 'is null' || op === 'is not null') return `${quoteIdentifier(name)} ${op}`;
    if (value === undefined || value === null)
      throw invalid(table, `${op} needs a value; use "is null" or "is not null"`);
    parameters.push(encodeValue(table.name, column, value, codecOf));
    return `${sortable(column)} ${op} ${isWideDecimal(column.type) ? `${sortKeyFunction}(?)` : '?'}`;
  });
  return { clause: terms.length > 0 ? `WHERE ${terms.join(' AND ')}` : '', parameters };
}

function orderTerm(table: TableDefinition, name: string): string {
  const isDescending = name.startsWith('-');
  const column = columnOf(table, isDescending ? name.slice(1) : name);
  return `${sortable(column)} ${isDescending ? 'DESC' : 'ASC'}`;
}

function sortable({ name, type }: Column): string {
  return isWideDecimal(type) ? `${sortKeyFunction}(${quoteIdentifier(name)})` : quoteIdentifier(name);
}

function columnOf(table: TableDefinition, name: string): Column {
  const columns = physicalColumns(table);
  const column = columns.find((candidate) => candidate.name === name);
  if (column) return column;
  throw invalid(
    table,
    `there is no column "${name}"; there are ${columns.map((known) => known.name).join(', ')}`,
  );
}

function invalid(table: TableDefinition, what: string): PlumbingError {
  return new PlumbingError('SCHEMA_INVALID', `table "${table.name}": ${what}`, {
    context: { table: table.name },
  });
}

/** Makes objects of the cells, decoding those whose stored form is not the value. */
function rowDecoder(columns: readonly Column[]): (cells: readonly SqlValue[]) => RowObject {
  const names = columns.map(({ name }) => name);
  const decoders = columns.map(({ type }) => (type === 'string' ? textOf : codecOf(type).decode));
  const define = names.includes('__proto__') ? defineCell : undefined;
  return (cells) => {
    const row: RowObject = {};
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      const stored = cells[i] as SqlValue;
      const value = stored === null ? null : (decoders[i]?.(stored) ?? stored);
      if (define) define(row, name, value);
      else row[name] = value;
    }
    return row;
  };
}

/** Assigning to `__proto__` would change the object's prototype instead. */
function defineCell(row: RowObject, name: string, value: Value): void {
  Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true });
}

function textOf(stored: SqlValue): Value {
  return stored instanceof Uint8Array ? Buffer.from(stored).toString('utf8') : stored;
}
