/** The DuckDB table function through which attached files are read: `plumbing_scan(alias, table)`. */
import type { DuckDBTableFunction, DuckDBValue } from '@duckdb/node-api';
import type { ColumnShape } from '../destinations/sqlite/table-shapes.ts';
import type { AttachedFile } from './attached-file.ts';
import type { DuckDb } from './duckdb.ts';
import type { Cell, RowBatch } from './row-batches.ts';
import { duckColumn } from './values.ts';

/** Name of the function. */
export const scanName = 'plumbing_scan';

interface Bound {
  readonly file: AttachedFile;
  readonly table: string;
  readonly columns: readonly ColumnShape[];
}

interface Scan {
  readonly batches: Iterator<RowBatch>;
  /** One a column: a cell on its way into DuckDB. `row` counts from 1. */
  readonly converters: readonly ((cell: Exclude<Cell, null>, row: number) => DuckDBValue)[];
  rowsBefore: number;
}

/**
 * Makes the function over `files`. Only the columns that a query needs are read. DuckDB shows what is thrown here as a
 * text of its own, so `onError` is told the error itself.
 */
export function makeScanFunction(
  duck: DuckDb,
  files: ReadonlyMap<string, AttachedFile>,
  onError: (error: unknown) => void,
): DuckDBTableFunction {
  const guarded = (info: { setError(text: string): void }, work: () => void): void => {
    try {
      work();
    } catch (error) {
      onError(error);
      info.setError(error instanceof Error ? error.message : String(error));
    }
  };
  return duck.DuckDBTableFunction.create({
    name: scanName,
    parameterTypes: [duck.VARCHAR, duck.VARCHAR],
    supportsProjectionPushdown: true,
    bindFunction: (info) =>
      guarded(info, () => {
        const file = files.get(String(info.getParameter(0)));
        const table = file?.tables.find(({ name }) => name === String(info.getParameter(1)));
        if (!file || !table) throw new Error('no such table is attached');
        for (const { name, type } of table.columns) info.addResultColumn(name, duckColumn(duck, type).type);
        info.setBindData({ file, table: table.name, columns: table.columns } satisfies Bound);
      }),
    initFunction: (info) =>
      guarded(info, () => {
        const { file, table, columns } = info.getBindData() as Bound;
        const chosen = info.getColumnIndexes().flatMap((index) => columns[index] ?? []);
        const scan: Scan = {
          batches: file.scan(table, chosen),
          converters: chosen.map((column) => converterOf(duck, file, table, column)),
          rowsBefore: 0,
        };
        // One statement gives the rows in turn.
        info.setMaxThreads(1);
        info.setInitData(scan);
      }),
    mainFunction: (info, chunk) =>
      guarded(info, () => {
        const scan = info.getInitData() as Scan;
        const next = scan.batches.next();
        const rows = next.done ? [] : next.value;
        chunk.rowCount = rows.length;
        for (const [index, convert] of scan.converters.entries()) {
          const vector = chunk.getColumnVector(index);
          for (let i = 0; i < rows.length; i++) {
            const cell = rows[i]?.[index] ?? null;
            vector.setItem(i, cell === null ? null : convert(cell, scan.rowsBefore + i + 1));
          }
          vector.flush();
        }
        scan.rowsBefore += rows.length;
      }),
  });
}

function converterOf(
  duck: DuckDb,
  file: AttachedFile,
  table: string,
  column: ColumnShape,
): (cell: Exclude<Cell, null>, row: number) => DuckDBValue {
  const { toDuck, fromCell } = duckColumn(duck, column.type);
  if (fromCell && !column.isForeign) return fromCell;
  return (cell, row) => toDuck(file.valueOf(cell, column, table, row));
}
