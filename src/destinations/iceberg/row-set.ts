/** What is to be written. */
import type { IncomingFile } from './duckdb/incoming-file.ts';
import type { CellRow, RowSpool } from './row-spool.ts';

/** All that a load has for one table. */
export interface RowSet {
  /** Files that came before the rows. */
  readonly files: readonly IncomingFile[];
  readonly rows: RowSpool;
  /** Rows of the load that went to quarantine. */
  readonly quarantined: number;
  /** For `delete-insert`: scopes to be emptied even without rows; cells of the scope's own columns. */
  readonly scopes: readonly CellRow[];
  readonly signal: AbortSignal;
}
