/** Brings the rows of a load into a table, by its write mode. */
import type { Cell, NestedField } from '../../iceberg/types.ts';
import type { LoadInfo, TableDefinition } from '../../model/index.ts';
import { closesAbsent } from '../../model/table.ts';
import { physicalKey } from '../../model/table-layout.ts';
import { writeFiles } from './duckdb/write-files.ts';
import { chunksOf, lookupRows, rangeOf } from './lookup.ts';
import { columnKey, keyReader } from './row-keys.ts';
import type { MapKey } from './row-keys.ts';
import type { CellRow } from './row-spool.ts';
import type { RowSet } from './row-set.ts';
import { TableStamp } from './table-stamp.ts';
import type { Tally } from './tally.ts';
import { writeVersions } from './write-versions.ts';
import type { FoundRows, WorkingTable } from './working-table.ts';

/** Writes a set of rows by the table's write mode, and counts what became of them. */
export async function writeRows(
  table: WorkingTable,
  definition: TableDefinition,
  stamp: Pick<LoadInfo, 'loadId' | 'startedAt' | 'day'>,
  set: RowSet,
  tally: Tally,
): Promise<void> {
  const { write } = definition;
  const layout = new TableStamp(table.fields, definition, stamp);
  if (write.mode === 'merge' && write.strategy === 'scd2') {
    const closeAbsent = closesAbsent(write, set.rows.length, set.quarantined);
    await writeVersions(table, layout, closeAbsent, set, tally);
    return;
  }
  if (write.mode === 'replace') {
    // An answer without rows is more often a fault of the source than an empty world.
    const { files, rows } = set;
    if (rows.length === 0 && files.length === 0 && write.allowEmpty !== true) return;
    tally.deleted += await table.deleteAll();
  }
  if (write.mode === 'merge' && write.strategy === 'delete-insert') {
    await clearScopes(table, layout, write.scope, set, tally);
  }
  if (set.files.length > 0) await writeFiles(table, definition, stamp, set, tally);
  if (physicalKey(definition).length === 0) {
    for (const rows of set.rows.chunks()) {
      set.signal.throwIfAborted();
      for (const row of rows) {
        const writing = table.insert(layout.complete(row));
        if (writing) await writing;
      }
      tally.inserted += rows.length;
    }
    return;
  }
  const keepsOld = write.mode === 'merge' && write.strategy === 'insert-only';
  for (const rows of chunksOf(set.rows, lookupRows)) {
    set.signal.throwIfAborted();
    await mergeRows(table, layout, rows, keepsOld, tally);
    // What comes later may bear the same keys, and must find these rows.
    if (set.rows.length > lookupRows) await table.flush();
  }
}

async function mergeRows(
  table: WorkingTable,
  layout: TableStamp,
  rows: readonly CellRow[],
  keepsOld: boolean,
  tally: Tally,
): Promise<void> {
  const wanted = new Map<MapKey, CellRow>();
  const readKey = keyReader(layout.keys);
  for (const given of rows) {
    const row = layout.complete(given);
    const key = readKey(row);
    const known = wanted.get(key);
    if (known && (keepsOld || layout.sameData(known, row))) tally.unchanged++;
    else {
      if (known) tally.updated++;
      wanted.set(key, row);
    }
  }
  const keyFields = layout.keys.map((index) => table.fields[index] as NestedField);
  const conditions = rangeOf(
    keyFields,
    [...wanted.values()].map((row) => layout.keys.map((index) => row[index] ?? null)),
  );
  for await (const found of table.find(keyFields, conditions)) {
    await meetFound(table, layout, found, wanted, keepsOld, tally);
  }
  for (const row of wanted.values()) {
    const writing = table.insert(row);
    if (writing) await writing;
  }
  tally.inserted += wanted.size;
}

/** Takes the rows that are there already off `wanted`: equal ones stay, others make way. */
async function meetFound(
  table: WorkingTable,
  layout: TableStamp,
  found: FoundRows,
  wanted: Map<MapKey, CellRow>,
  keepsOld: boolean,
  tally: Tally,
): Promise<void> {
  const hits: { readonly place: number; readonly key: MapKey }[] = [];
  for (const place of found.selected) {
    const key = columnKey(found.columns, place);
    if (wanted.has(key)) hits.push({ place, key });
  }
  if (hits.length === 0) return;
  const columns = keepsOld ? [] : await found.readAll();
  for (const { place, key } of hits) {
    const row = wanted.get(key);
    // Two rows of one key, as another program may have left them: the first has settled it.
    if (!row) continue;
    wanted.delete(key);
    const stored = columns.map((cells) => cells[place] ?? null);
    if (keepsOld || layout.sameData(stored, row)) {
      tally.unchanged++;
      continue;
    }
    table.delete(found.file, found.start + place);
    const writing = table.insert(layout.updated(stored, row));
    if (writing) await writing;
    tally.updated++;
  }
}

/** Deletes all rows of the scopes that the load names, by rows or by themselves. */
async function clearScopes(
  table: WorkingTable,
  layout: TableStamp,
  scope: readonly string[],
  { rows, scopes }: RowSet,
  tally: Tally,
): Promise<void> {
  const indexes = scope.map((name) => layout.indexOf(name));
  const readScope = keyReader(indexes);
  const cleared = new Map<MapKey, readonly Cell[]>();
  const clear = (row: readonly Cell[]): void => {
    const key = readScope(row);
    if (!cleared.has(key))
      cleared.set(
        key,
        indexes.map((index) => row[index] ?? null),
      );
  };
  for (const cells of scopes) clear(layout.scopeRow(scope, cells));
  for (const chunk of rows.chunks()) for (const row of chunk) clear(layout.complete(row));
  if (cleared.size === 0) return;
  const fields = indexes.map((index) => table.fields[index] as NestedField);
  for await (const found of table.find(fields, rangeOf(fields, cleared.values()))) {
    for (const place of found.selected) {
      if (!cleared.has(columnKey(found.columns, place))) continue;
      table.delete(found.file, found.start + place);
      tally.deleted++;
    }
  }
}
