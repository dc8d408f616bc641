/** The rows of a SQLite table, many at a time. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { quoteIdentifier } from '../model/sql-text.ts';
import type { ColumnShape } from '../destinations/sqlite/table-shapes.ts';

/** A cell as it is stored. */
export type Cell = null | number | bigint | string | Uint8Array;

/** One batch: rows, of which each is an array of cells, or all cells of each column in a text. */
export type RowBatch =
  | { readonly count: number; readonly rows: readonly (readonly Cell[])[] }
  | { readonly count: number; readonly texts: readonly string[] };

/** Rows of a batch: those of one DuckDB vector. */
const batchRows = 2_048;
const firstId = -(2n ** 63n);
const lastId = 2n ** 63n - 1n;

/**
 * The cells of some columns. INTEGER comes as `bigint` where a column may hold such beyond 2^53. `packed` holds, where cells of
 * all columns may come in texts, the SQL expressions to be joined. With `loadIds`, only rows that those loads wrote.
 */
export function* rowBatches(
  db: DatabaseSync,
  table: string,
  columns: readonly ColumnShape[],
  packed: readonly string[] | undefined,
  loadIds: readonly string[] | undefined,
): Generator<RowBatch> {
  const source = quoteIdentifier(table);
  // DuckDB asks for a column also where it needs none, as for count(*).
  const list = columns.map(({ name }, i) => `${quoteIdentifier(name)} AS c${i}`).join(', ') || '1 AS none';
  const isWide = columns.some(({ isForeign, type }) => isForeign || type === 'int64');
  const id = rowIdOf(db, table);
  if (id === undefined || loadIds) {
    const where = loadIds ? ` WHERE "_plumbing_load_id" IN (${loadIds.map(() => '?').join(', ')})` : '';
    yield* inBatches(inArrays(db.prepare(`SELECT ${list} FROM ${source}${where}`), isWide), loadIds ?? []);
    return;
  }
  // Ranges of ids, whose rows come at once: half the time of rows one by one. With LIMIT, each row's id would have to come too.
  const end = inArrays(
    db.prepare(
      `SELECT max(id) FROM (SELECT ${id} AS id FROM ${source} WHERE ${id} >= ? ORDER BY ${id} LIMIT ${batchRows})`,
    ),
    true,
  );
  // SQLite joins the cells of a batch in less time than they take to come one by one.
  const texts = packed?.map((sql) => `group_concat(coalesce(${sql}, ''))`);
  const cells = texts ? `count(*) AS count, ${texts.join(', ')}` : list;
  const range = inArrays(db.prepare(`SELECT ${cells} FROM ${source} WHERE ${id} BETWEEN ? AND ?`), isWide);
  for (let from = firstId; ;) {
    const [to] = cellsOf(end.get(from)) as [bigint | null];
    if (to === null) return;
    const rows = range.all(from, to).map(cellsOf);
    if (texts) {
      const [count, ...columnTexts] = rows[0] as [number | bigint, ...string[]];
      yield { count: Number(count), texts: columnTexts };
    } else {
      yield { count: rows.length, rows };
    }
    if (to === lastId) return;
    from = to + 1n;
  }
}

/** A name of the table's row ids; undefined where it has none, or columns have taken all names. */
export function rowIdOf(db: DatabaseSync, table: string): string | undefined {
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

function* inBatches(statement: StatementSync, parameters: readonly string[]): Generator<RowBatch> {
  let batch: (readonly Cell[])[] = [];
  for (const row of statement.iterate(...parameters)) {
    batch.push(cellsOf(row));
    if (batch.length < batchRows) continue;
    yield { count: batch.length, rows: batch };
    batch = [];
  }
  if (batch.length > 0) yield { count: batch.length, rows: batch };
}
