/** The DuckDB table functions through which attached files are read. */
import type {
  DuckDBTableFunction,
  DuckDBTableFunctionBindInfo,
  DuckDBValue,
  DuckDBVector,
} from '@duckdb/node-api';
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import { quoteIdentifier } from '../model/sql-text.ts';
import type { ColumnShape } from '../destinations/sqlite/table-shapes.ts';
import type { AttachedFile } from './attached-file.ts';
import type { DuckDb } from './duckdb.ts';
import type { Cell, RowBatch } from './row-batches.ts';
import { duckColumn } from './values.ts';
import type { Packing } from './values.ts';

/** `plumbing_scan(alias, table)`: the rows of a table. */
export const scanName = 'plumbing_scan';
/**
 * `plumbing_rows(alias, table, loads)`: the same after the column {@link rowIdColumn}. `loads` is a JSON list of load ids whose
 * rows are wanted, or empty for all.
 */
export const rowsName = 'plumbing_rows';
/** SQLite's own number of a row, which stays while the row does. */
export const rowIdColumn = '_plumbing_row_id';
const maxThreads = 4;

/** What a scan failed with. */
export interface ScanErrors {
  last: unknown;
}

interface Bound {
  readonly file: AttachedFile;
  readonly table: string;
  readonly columns: readonly ColumnShape[];
  readonly loadIds: readonly string[] | undefined;
}

interface Scan {
  readonly batches: Iterator<RowBatch>;
  readonly columns: readonly ScanColumn[];
  rowsBefore: number;
}

/** One column of a scan. */
interface ScanColumn {
  /** Makes an error of the column out of what a value could not become. */
  readonly flawed: (cause: unknown) => unknown;
  /** A cell on its way into DuckDB. `row` counts from 1. */
  readonly convert: (cell: Exclude<Cell, null>, row: number) => DuckDBValue;
  readonly packing: (Packing & { readonly expression: string }) | undefined;
}

/**
 * Makes the functions over `files`. Only the columns that a query needs are read. DuckDB shows what is thrown here as a
 * text of its own, so the error itself is kept in `errors`.
 */
export function makeScanFunctions(
  duck: DuckDb,
  files: ReadonlyMap<string, AttachedFile>,
  errors: ScanErrors,
): DuckDBTableFunction[] {
  const guarded = (info: { setError(text: string): void }, work: () => void): void => {
    try {
      work();
    } catch (error) {
      errors.last = error;
      info.setError(error instanceof Error ? error.message : String(error));
    }
  };
  const bind = (info: DuckDBTableFunctionBindInfo, withRowIds: boolean): void => {
    const file = files.get(String(info.getParameter(0)));
    const table = file?.tables.find(({ name }) => name === String(info.getParameter(1)));
    const rowIds = withRowIds && table ? file?.rowIds(table.name) : undefined;
    if (!file || !table || (withRowIds && !rowIds)) throw new Error('no such table is attached');
    if (rowIds) info.addResultColumn(rowIdColumn, duck.BIGINT);
    for (const { name, type } of table.columns) info.addResultColumn(name, duckColumn(duck, type).type);
    const loads = withRowIds ? String(info.getParameter(2)) : '';
    info.setBindData({
      file,
      table: table.name,
      columns: rowIds ? [rowIds, ...table.columns] : table.columns,
      loadIds: loads === '' ? undefined : (JSON.parse(loads) as string[]),
    } satisfies Bound);
  };
  const make = (name: string, parameters: number, withRowIds: boolean): DuckDBTableFunction =>
    duck.DuckDBTableFunction.create({
      name,
      parameterTypes: Array.from({ length: parameters }, () => duck.VARCHAR),
      supportsProjectionPushdown: true,
      bindFunction: (info) => guarded(info, () => bind(info, withRowIds)),
      initFunction: (info) =>
        guarded(info, () => {
          const { file, table, columns, loadIds } = info.getBindData() as Bound;
          const chosen = info.getColumnIndexes().flatMap((index) => columns[index] ?? []);
          const scanned = chosen.map((column) => scanColumn(duck, file, table, column));
          const expressions = scanned.flatMap(({ packing }) => packing?.expression ?? []);
          const packed = expressions.length === chosen.length ? expressions : undefined;
          const scan: Scan = {
            batches: file.scan(table, chosen, packed, loadIds),
            columns: scanned,
            rowsBefore: 0,
          };
          // One statement gives the batches in turn, in this thread; others may work on those before meanwhile.
          info.setMaxThreads(maxThreads);
          info.setInitData(scan);
        }),
      mainFunction: (info, chunk) =>
        guarded(info, () => {
          const scan = info.getInitData() as Scan;
          const next = scan.batches.next();
          const batch = next.done ? { count: 0, rows: [] } : next.value;
          chunk.rowCount = batch.count;
          for (const [index, column] of scan.columns.entries()) {
            const vector = chunk.getColumnVector(index);
            try {
              if ('rows' in batch) fill(vector, batch.rows, index, column, scan.rowsBefore + 1);
              else unpack(vector, batch.texts[index] as string, batch.count, column.packing as Packing);
            } catch (error) {
              throw column.flawed(error);
            }
            vector.flush();
          }
          scan.rowsBefore += batch.count;
        }),
    });
  return [make(scanName, 2, false), make(rowsName, 3, true)];
}

function scanColumn(duck: DuckDb, file: AttachedFile, table: string, column: ColumnShape): ScanColumn {
  const { toDuck, fromCell, packing } = duckColumn(duck, column.type);
  const convert = (cell: Exclude<Cell, null>, row: number): DuckDBValue =>
    toDuck(file.valueOf(cell, column, table, row));
  const flawed = (cause: unknown): unknown =>
    isPlumbingError(cause)
      ? cause
      : new PlumbingError(
          'ROW_INVALID',
          `${file.path}: table "${table}" holds a value in column "${column.name}" that is no ${column.type}; another program must have written it`,
          { cause, context: { path: file.path, table } },
        );
  if (column.isForeign) return { convert, flawed, packing: undefined };
  return {
    flawed,
    convert: fromCell ?? convert,
    packing: packing && { ...packing, expression: packing.sql(quoteIdentifier(column.name)) },
  };
}

/** Rows into one column. */
function fill(
  vector: DuckDBVector,
  rows: readonly (readonly Cell[])[],
  index: number,
  { convert }: ScanColumn,
  firstRow: number,
): void {
  for (let i = 0; i < rows.length; i++) {
    const cell = rows[i]?.[index] ?? null;
    vector.setItem(i, cell === null ? null : convert(cell, firstRow + i));
  }
}

/** The text of a column into it. */
function unpack(vector: DuckDBVector, text: string, count: number, { read }: Packing): void {
  let from = 0;
  for (let i = 0; i < count; i++) {
    const comma = text.indexOf(',', from);
    const to = comma < 0 ? text.length : comma;
    vector.setItem(i, to === from ? null : read(text, from, to));
    from = to + 1;
  }
  if (from !== text.length + 1) throw new RangeError('more values than rows');
}
