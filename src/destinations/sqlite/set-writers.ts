/** Write modes that swap whole sets of rows: all rows of a load are there when one of these starts. */
import type { DatabaseSync } from 'node:sqlite';
import type { TableDefinition } from '../../model/index.ts';
import { closesAbsent } from '../../model/table.ts';
import type { SqlRow, SqlValue } from './codec.ts';
import { RowsWriter, TableSql } from './row-writers.ts';
import type { LoadStamp, Tally } from './row-writers.ts';
import { writeVersions } from './scd2-writer.ts';

/** All that a load has for one table, ready to be written. */
export interface RowSet {
  readonly length: number;
  /** Rows of the load that went to quarantine. */
  readonly quarantined: number;
  readonly rows: Iterable<SqlRow>;
  /** For `delete-insert`: scopes to be emptied even without rows. */
  readonly scopes: readonly SqlRow[];
}

/** Writes a set of rows by the table's write mode, in the caller's transaction. */
export function writeSet(
  db: DatabaseSync,
  table: TableDefinition,
  stamp: LoadStamp,
  set: RowSet,
  tally: Tally,
): void {
  const { write } = table;
  if (write.mode === 'merge' && write.strategy === 'scd2') {
    writeVersions(db, table, stamp, set.rows, closesAbsent(write, set.length, set.quarantined), tally);
    return;
  }
  if (write.mode === 'merge' && write.strategy === 'delete-insert') {
    writeScopes(db, table, write.scope, stamp, set, tally);
    return;
  }
  if (write.mode === 'replace') {
    // An answer without rows is more often a fault of the source than an empty world.
    if (set.length === 0 && write.allowEmpty !== true) return;
    tally.deleted += Number(db.prepare(`DELETE FROM ${new TableSql(table, stamp).table}`).run().changes);
  }
  const writer = new RowsWriter(db, table, stamp, tally);
  for (const row of set.rows) writer.write(row);
  writer.flush();
}

function writeScopes(
  db: DatabaseSync,
  table: TableDefinition,
  scope: readonly string[],
  stamp: LoadStamp,
  { rows, scopes }: RowSet,
  tally: Tally,
): void {
  const sql = new TableSql(table, stamp);
  const writer = new RowsWriter(db, table, stamp, tally);
  const indexes = sql.indexesOf(scope);
  const remove = db.prepare(`DELETE FROM ${sql.table} WHERE ${sql.where(scope, 'IS')}`);
  const cleared = new Set<string>();
  const clear = (cells: readonly SqlValue[]): void => {
    const key = cells.map((cell) => `${typeof cell}:${String(cell).length}:${String(cell)}`).join();
    if (cleared.has(key)) return;
    cleared.add(key);
    writer.flush();
    const deleted = Number(remove.run(...cells).changes);
    tally.deleted += deleted;
    if (deleted > 0) writer.afterDelete();
  };
  for (const cells of scopes) clear(cells);
  for (const row of rows) {
    clear(indexes.map((index) => row[index] ?? null));
    writer.write(row);
  }
  writer.flush();
}
