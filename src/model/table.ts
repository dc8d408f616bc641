/** A table as a destination sees it: columns, key, and how rows are written. */
import type { LogicalType } from './value.ts';

/** One column. */
export interface Column {
  /** Unique in its table, also without regard to case. */
  readonly name: string;
  readonly type: LogicalType;
  /** `false`: a row without a value is rejected. */
  readonly nullable: boolean;
  /** Where the value comes from in the source's row, e.g. `['amount', 'value']`. Keeps names stable over runs. */
  readonly path: readonly string[];
}

/**
 * How the rows of a stream meet the rows that are there already.
 *
 * - `append`: added.
 * - `replace`: the new rows take the place of all old ones, at once. With no rows at all the old ones stay, unless `allowEmpty`.
 * - `merge`: by the table's primary key.
 *   `upsert` updates or inserts; `insert-only` never touches an existing row;
 *   `delete-insert` first removes all rows that share the `scope` columns with a new row (or with a scope named by the source);
 *   `scd2` keeps every version of a row with the time from and to which it held; a key that is absent from a complete
 *   read is closed when `closeAbsent` is set: unless the read has no rows at all and `allowEmpty` is not set, or rows of it went
 *   to quarantine, whose keys are not absent.
 */
export type WriteMode =
  | { readonly mode: 'append' }
  | { readonly mode: 'replace'; readonly allowEmpty?: boolean }
  | { readonly mode: 'merge'; readonly strategy: 'upsert' | 'insert-only' }
  | { readonly mode: 'merge'; readonly strategy: 'delete-insert'; readonly scope: readonly string[] }
  | {
      readonly mode: 'merge';
      readonly strategy: 'scd2';
      readonly closeAbsent?: boolean;
      readonly allowEmpty?: boolean;
    };

/** What to do when the source's rows no longer fit the table. */
export type DriftPolicy =
  /** Unknown fields become columns, columns widen; rows that do not validate go to quarantine. The default. */
  | 'evolve'
  /** Any difference is a `SCHEMA_DRIFT` error, and nothing of the load is written. */
  | 'freeze'
  /** Rows with unknown fields or invalid values go to quarantine; the table never changes. */
  | 'quarantine';

/** A table of a destination. Bookkeeping columns (`_inserted_at_ts`, ...) are not listed; every destination adds them. */
export interface TableDefinition {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Names of columns; empty for a table without a key. May contain `_inserted_at_day`. */
  readonly primaryKey: readonly string[];
  readonly write: WriteMode;
  /** `true`: the rows of a load become visible all together, when the table is finished, whatever the mode. */
  readonly atomic?: boolean;
}

/** Columns that every destination adds to every table. */
export const bookkeepingColumns: readonly Column[] = [
  { name: '_inserted_at_ts', type: 'timestamp', nullable: false, path: [] },
  { name: '_inserted_at_day', type: 'date', nullable: false, path: [] },
  { name: '_plumbing_load_id', type: 'string', nullable: false, path: [] },
];

/** Columns that an `scd2` table has beside the bookkeeping ones. An open version has no `_valid_to_ts`. */
export const scd2Columns: readonly Column[] = [
  { name: '_valid_from_ts', type: 'timestamp', nullable: false, path: [] },
  { name: '_valid_to_ts', type: 'timestamp', nullable: true, path: [] },
];

/** Whether rows that a load does not give are gone afterwards. */
export function takesWholeSets(write: WriteMode): boolean {
  return write.mode === 'replace' || ('closeAbsent' in write && write.closeAbsent);
}

/**
 * Whether a load closes the open versions of all keys that are not among its rows.
 *
 * @param given rows of the load, those in quarantine aside
 */
export function closesAbsent(write: WriteMode, given: number, quarantined: number): boolean {
  if (!('closeAbsent' in write) || !write.closeAbsent || quarantined > 0) return false;
  // An answer without rows is more often a fault of the source than an empty world.
  return given > 0 || write.allowEmpty === true;
}

/** Whether the rows of this table become visible only all together, at the end of their stream. */
export function isStagedMode(table: Pick<TableDefinition, 'write' | 'atomic'>): boolean {
  const { write } = table;
  return (
    table.atomic === true ||
    write.mode === 'replace' ||
    (write.mode === 'merge' && (write.strategy === 'delete-insert' || write.strategy === 'scd2'))
  );
}
