/** Reading a warehouse without a pipeline, also as it was. */
import type { z } from 'zod';
import { PlumbingError } from '../../errors/index.ts';
import type { LoadedTable } from '../../iceberg/catalog.ts';
import { snapshotById, snapshotOf } from '../../iceberg/metadata.ts';
import type { Snapshot } from '../../iceberg/metadata.ts';
import { declaredColumns } from '../../model/stored-row.ts';
import type {
  Column,
  RowObject,
  RowQuery,
  SelectedRow,
  StoredRow,
  TableOf,
  TypedQuery,
  WriteMode,
} from '../../model/index.ts';
import { absentColumns } from '../../model/merge-definition.ts';
import { openLakehouse } from './open-lakehouse.ts';
import { resolveOptions } from './options.ts';
import type { IcebergTarget } from './options.ts';
import { IcebergReader } from './reader.ts';
import { readableColumns } from './table-shape.ts';

/** Which state of a table is read; default: the current one. At most one of the three. */
export interface TimeTravel {
  /** The id of a snapshot that the table still has. */
  readonly snapshotId?: bigint | string;
  /** The state that readers saw at this time: an ISO 8601 timestamp, or a `Date`. */
  readonly asOf?: string | Date;
  /** A branch or tag, e.g. `audit_<load id>`. */
  readonly ref?: string;
}

/**
 * Streams the rows of a table with their exact logical values, from one snapshot. Files whose bounds and partitions tell that
 * they can hold no row of `where` are not read. With a stream, or any `{ name, schema }`, in place of a table's name the rows
 * are typed. Columns are the table's current ones, also for an earlier state; one that the stream got after rows were stored is
 * `null` in these, whatever the schema says.
 *
 * @throws PlumbingError `SCHEMA_INVALID` for a table, column, snapshot or branch that does not exist, `CONFIG_INVALID` as
 * `iceberg`, `DEST_*` when catalog or files can't be read.
 *
 * @example
 * ```ts
 * const asOf = '2026-11-01T00:00:00Z';
 * for await (const row of readRows('./warehouse', 'account_balances', { asOf })) console.log(row);
 * ```
 */
export function readRows<
  S extends z.ZodObject,
  W extends WriteMode = WriteMode,
  const C extends keyof StoredRow<S, W> = never,
>(
  target: IcebergTarget,
  table: TableOf<S, W>,
  query?: TypedQuery<StoredRow<S, W>, C> & TimeTravel,
): AsyncIterable<SelectedRow<StoredRow<S, W>, C>>;
export function readRows(
  target: IcebergTarget,
  table: string,
  query?: RowQuery & TimeTravel,
): AsyncIterable<RowObject>;
export function readRows(
  target: IcebergTarget,
  table: string | TableOf<z.ZodObject>,
  query: RowQuery & TimeTravel = {},
): AsyncIterable<never> {
  const name = typeof table === 'string' ? table : table.name;
  // The stored schema decides what comes out; the overloads above say what that is.
  return rowsOf(target, name, query, declaredColumns(table)) as AsyncIterable<never>;
}

async function* rowsOf(
  target: IcebergTarget,
  table: string,
  query: RowQuery & TimeTravel,
  declared: readonly Column[],
): AsyncIterable<RowObject> {
  const house = await openLakehouse(resolveOptions(target), true);
  try {
    const loaded = await house.load(table);
    if (!loaded) throw new PlumbingError('SCHEMA_INVALID', `${house.path}: there is no table "${table}"`);
    const stored = readableColumns(table, loaded.metadata);
    const columns = [...stored, ...absentColumns(stored, declared)];
    yield* new IcebergReader(house).readSnapshot(loaded, chosenSnapshot(loaded, query), query, columns);
  } finally {
    await house.close();
  }
}

function chosenSnapshot(
  { metadata, identifier }: LoadedTable,
  { snapshotId, asOf, ref }: TimeTravel,
): Snapshot | undefined {
  const missing = (what: string): PlumbingError =>
    new PlumbingError('SCHEMA_INVALID', `table "${identifier.name}" has no ${what}`, {
      context: { table: identifier.name },
    });
  if ([snapshotId, asOf, ref].filter((choice) => choice !== undefined).length > 1) {
    throw new PlumbingError('CONFIG_INVALID', 'give one of snapshotId, asOf and ref');
  }
  if (snapshotId !== undefined) {
    const snapshot = snapshotById(metadata, BigInt(snapshotId));
    if (!snapshot) throw missing(`snapshot ${snapshotId}; it may have been expired`);
    return snapshot;
  }
  if (asOf !== undefined) {
    const timeMs = new Date(asOf).getTime();
    const last = metadata['snapshot-log'].findLast((entry) => entry['timestamp-ms'] <= timeMs);
    const snapshot = last && snapshotById(metadata, last['snapshot-id']);
    if (!snapshot)
      throw missing(`state of ${new Date(asOf).toISOString()}; it was made later, or that was expired`);
    return snapshot;
  }
  if (ref === undefined) return snapshotOf(metadata);
  const snapshot = snapshotOf(metadata, ref);
  if (!snapshot) throw missing(`branch or tag "${ref}"`);
  return snapshot;
}
