/** The rows of a SQLite table, many at a time. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { quoteIdentifier } from '../destinations/sqlite/identifier.ts';
import type { ColumnShape } from '../destinations/sqlite/table-shapes.ts';

/** A cell as it is stored. */
export type Cell = null | number | bigint | string | Uint8Array;

/** One batch of rows, of which each is an array of cells. */
export type RowBatch = readonly (readonly Cell[])[];

/** Rows of a batch: those of one DuckDB vector. */
const batchRows = 2_048;
const firstId = -(2n ** 63n);
const lastId = 2n ** 63n - 1n;

/** The cells of some columns. INTEGER comes as `bigint` where a column may hold such beyond 2^53. */
export function* rowBatches(
  db: DatabaseSync,
  table: string,
  columns: readonly ColumnShape[],
): Generator<RowBatch> {
  const source = quoteIdentifier(table);
  // DuckDB asks for a column also where it needs none, as for count(*).
  const list = columns.map(({ name }, i) => `${quoteIdentifier(name)} AS c${i}`).join(', ') || '1 AS none';
  const isWide = columns.some(({ isForeign, type }) => isForeign || type === 'int64');
  const id = rowIdOf(db, table);
  if (id === undefined) {
    yield* inBatches(inArrays(db.prepare(`SELECT ${list} FROM ${source}`), isWide));
    return;
  }
  // Ranges of ids, whose rows come at once: half the time of rows one by one. With LIMIT, each row's id would have to come too.
  const end = inArrays(
    db.prepare(
      `SELECT max(id) FROM (SELECT ${id} AS id FROM ${source} WHERE ${id} >= ? ORDER BY ${id} LIMIT ${batchRows})`,
    ),
    true,
  );
  const rows = inArrays(db.prepare(`SELECT ${list} FROM ${source} WHERE ${id} BETWEEN ? AND ?`), isWide);
  for (let from = firstId; ;) {
    const [to] = cellsOf(end.get(from)) as [bigint | null];
    if (to === null) return;
    yield rows.all(from, to).map(cellsOf);
    if (to === lastId) return;
    from = to + 1n;
  }
}

/** A name of the table's row ids; undefined where it has none, or columns have taken all names. */
function rowIdOf(db: DatabaseSync, table: string): string | undefined {
  const shape = db.prepare(`SELECT type, wr FROM pragma_table_list(?) WHERE schema = 'main'`).get(table);
  if (shape?.['type'] !== 'table' || shape['wr'] !== 0) return undefined;
  const columns = db.prepare('SELECT lower(name) AS name FROM pragma_table_xinfo(?)').all(table);
  return ['rowid', '_rowid_', 'oid'].find((id) => columns.every(({ name }) => name !== id));
}

function inArrays(statement: StatementSync, isWide: boolean): StatementSync {
  statement.setReadBigInts(isWide);
  // Node before 22.16 has objects only.
  (statement as Partial<StatementSync>).setReturnArrays?.(true);
  return statement;
}

function cellsOf(row: unknown): readonly Cell[] {
  return Array.isArray(row) ? (row as Cell[]) : (Object.values(row as object) as Cell[]);
}

function* inBatches(statement: StatementSync): Generator<RowBatch> {
  let batch: (readonly Cell[])[] = [];
  for (const row of statement.iterate()) {
    batch.push(cellsOf(row));
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
