/** Rows in quarantine whose key has come since in a row that fits, changed or not: a replay must not put them over it. */
import type { LoadedTable } from '../../iceberg/catalog.ts';
import { snapshotOf } from '../../iceberg/metadata.ts';
import type { Row, Value } from '../../model/index.ts';
import type { Lakehouse } from './lakehouse.ts';
import { loadsTable, undoneLoads } from './load-records.ts';
import { quarantineDefinition, quarantineTable } from './quarantine-table.ts';
import { IcebergReader } from './reader.ts';
import { readableColumns } from './table-shape.ts';

/** The keys that wait in quarantine, by table. Read once a load; rows that come into it meanwhile are of the load itself. */
export async function waitingKeys(house: Lakehouse): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const keys = new Map<string, Set<string>>();
  const loaded = await house.load(quarantineTable);
  if (!loaded || !keepsKeys(loaded)) return keys;
  const rows = new IcebergReader(house).readSnapshot(loaded, snapshotOf(loaded.metadata), {
    columns: ['table_name', 'key_text'],
    where: [{ column: 'key_text', op: 'is not null' }],
  });
  for await (const row of rows) {
    const table = row['table_name'] as string;
    const known = keys.get(table) ?? new Set();
    keys.set(table, known.add(row['key_text'] as string));
  }
  return keys;
}

/** Whether rows have their keys with them. In a table of an earlier version none has. */
export function keepsKeys({ identifier, metadata }: LoadedTable): boolean {
  return readableColumns(identifier.name, metadata).some(({ name }) => name === 'key_text');
}

/**
 * The rows of a table that wait under one of the keys, with a note of the load that has brought it; but for its own, and for those
 * with such a note already, unless that load has been taken back.
 */
export async function supersededRows(
  house: Lakehouse,
  table: string,
  keys: ReadonlySet<string>,
  loadId: string,
): Promise<Row[]> {
  const loaded = await house.load(quarantineTable);
  if (!loaded || !keepsKeys(loaded)) return [];
  const waiting = new IcebergReader(house).readSnapshot(loaded, snapshotOf(loaded.metadata), {
    where: [{ column: 'table_name', op: '=', value: table }],
  });
  const undone = undoneLoads((await house.load(loadsTable))?.metadata);
  const rows: Row[] = [];
  for await (const row of waiting) {
    // Of two rows of one load nobody knows which is the newer one.
    if (row['load_id'] === loadId || !keys.has(row['key_text'] as string)) continue;
    const by = row['superseded_by'];
    if (typeof by === 'string' && !undone.has(by)) continue;
    const noted: Record<string, Value> = { ...row, superseded_by: loadId };
    rows.push(quarantineDefinition.columns.map(({ name }) => noted[name] ?? null));
  }
  return rows;
}
