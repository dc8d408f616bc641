/** The DuckDB table function through which attached files are read: `plumbing_scan(alias, table)`. */
import type { DuckDBTableFunction, DuckDBValue } from '@duckdb/node-api';
import type { Value } from '../model/index.ts';
import type { ColumnShape } from '../destinations/sqlite/table-shapes.ts';
import type { AttachedFile } from './attached-file.ts';
import type { DuckDb } from './duckdb.ts';
import { duckColumn } from './values.ts';
import type { DuckColumn } from './values.ts';

/** Name of the function. */
export const scanName = 'plumbing_scan';
/** Rows of one DuckDB vector. */
const chunkRows = 2_048;

interface Bound {
  readonly file: AttachedFile;
  readonly table: string;
  readonly columns: readonly ColumnShape[];
}

interface Scan {
  readonly rows: Iterator<(Value | null)[]>;
  readonly columns: readonly DuckColumn[];
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
          rows: file.scan(table, chosen),
          columns: chosen.map(({ type }) => duckColumn(duck, type)),
        };
        // One statement gives the rows in turn.
        info.setMaxThreads(1);
        info.setInitData(scan);
      }),
    mainFunction: (info, chunk) =>
      guarded(info, () => {
        const { rows, columns } = info.getInitData() as Scan;
        const vectors: DuckDBValue[][] = columns.map(() => []);
        let count = 0;
        for (; count < chunkRows; count++) {
          const next = rows.next();
          if (next.done) break;
          for (let i = 0; i < columns.length; i++) {
            const value = next.value[i] ?? null;
            (vectors[i] as DuckDBValue[]).push(
              value === null ? null : (columns[i] as DuckColumn).toDuck(value),
            );
          }
        }
        chunk.rowCount = count;
        for (let i = 0; i < vectors.length; i++) chunk.setColumnValues(i, vectors[i] as DuckDBValue[]);
      }),
  });
}
