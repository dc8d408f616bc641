/** `scd2`: every version of a row, with the time from and to which it held. */
import type { Cell, NestedField } from '../../iceberg/types.ts';
import { chunksOf, lookupRows, rangeOf } from './lookup.ts';
import { columnKey, keyReader } from './row-keys.ts';
import type { MapKey } from './row-keys.ts';
import type { CellRow } from './row-spool.ts';
import type { RowSet } from './row-set.ts';
import type { TableStamp } from './table-stamp.ts';
import type { Tally } from './tally.ts';
import type { WorkingTable } from './working-table.ts';

/**
 * Writes the rows of a complete read. A changed row closes its open version at the instant at which the new one begins,
 * so there is neither gap nor overlap; an equal row changes nothing. A second row of the same key in one load takes the
 * place of the first. With `closeAbsent` the open versions of all other keys are closed.
 */
export async function writeVersions(
  table: WorkingTable,
  layout: TableStamp,
  closeAbsent: boolean,
  { rows, signal }: RowSet,
  tally: Tally,
): Promise<void> {
  const writer = new VersionWriter(table, layout, await nextInstant(table, layout), tally);
  const seen = new Set<MapKey>();
  for (const chunk of chunksOf(rows, lookupRows)) {
    signal.throwIfAborted();
    await writer.write(chunk, seen);
    if (rows.length > lookupRows || closeAbsent) await table.flush();
  }
  if (closeAbsent) await writer.closeAbsent(seen);
}

class VersionWriter {
  readonly #table: WorkingTable;
  readonly #layout: TableStamp;
  readonly #instant: bigint;
  readonly #tally: Tally;
  readonly #keyFields: readonly NestedField[];
  readonly #from: number;
  readonly #to: number;

  constructor(table: WorkingTable, layout: TableStamp, instant: bigint, tally: Tally) {
    this.#table = table;
    this.#layout = layout;
    this.#instant = instant;
    this.#tally = tally;
    this.#keyFields = layout.keys.map((index) => table.fields[index] as NestedField);
    this.#from = layout.indexOf('_valid_from_ts');
    this.#to = layout.indexOf('_valid_to_ts');
  }

  async write(given: readonly CellRow[], seen: Set<MapKey>): Promise<void> {
    const wanted = this.#lastOfEach(given);
    for (const key of wanted.keys()) seen.add(key);
    const keys = [...wanted.values()].map((row) => this.#layout.keys.map((index) => row[index] ?? null));
    for await (const { found, key, place } of this.#open(rangeOf(this.#keyFields, keys), (k) =>
      wanted.has(k),
    )) {
      const row = wanted.get(key);
      if (!row) continue;
      wanted.delete(key);
      const stored = (await found.readAll()).map((cells) => cells[place] ?? null);
      if (this.#layout.sameData(stored, row)) {
        this.#tally.unchanged++;
        continue;
      }
      this.#table.delete(found.file, found.start + place);
      // A version of this very load is replaced, an older one ends.
      if ((stored[this.#from] as bigint) < this.#instant) await this.#table.insert(this.#closed(stored));
      await this.#table.insert(row);
      this.#tally.updated++;
    }
    for (const row of wanted.values()) {
      const writing = this.#table.insert(row);
      if (writing) await writing;
    }
    this.#tally.inserted += wanted.size;
  }

  /** Closes the open versions of all keys that were not seen. */
  async closeAbsent(seen: ReadonlySet<MapKey>): Promise<void> {
    for await (const { found, place } of this.#open([], (key) => !seen.has(key))) {
      const stored = (await found.readAll()).map((cells) => cells[place] ?? null);
      this.#table.delete(found.file, found.start + place);
      await this.#table.insert(this.#closed(stored));
      this.#tally.deleted++;
    }
  }

  #lastOfEach(given: readonly CellRow[]): Map<MapKey, Cell[]> {
    const wanted = new Map<MapKey, Cell[]>();
    const readKey = keyReader(this.#layout.keys);
    for (const cells of given) {
      const row = this.#layout.complete(cells);
      row[this.#from] = this.#instant;
      const key = readKey(row);
      const known = wanted.get(key);
      if (known) this.#tally[this.#layout.sameData(known, row) ? 'unchanged' : 'updated']++;
      wanted.set(key, row);
    }
    return wanted;
  }

  async *#open(range: ReturnType<typeof rangeOf>, isWanted: (key: MapKey) => boolean) {
    const to = this.#table.fields[this.#to] as NestedField;
    for await (const found of this.#table.find(this.#keyFields, [...range, { field: to, op: 'is null' }])) {
      for (const place of found.selected) {
        const key = columnKey(found.columns, place);
        if (isWanted(key)) yield { found, key, place };
      }
    }
  }

  #closed(stored: CellRow): Cell[] {
    const closed = [...stored];
    closed[this.#to] = this.#instant;
    return closed;
  }
}

/** The load's start, or the first microsecond after the latest one in the table: versions of two loads never share an instant. */
async function nextInstant(table: WorkingTable, layout: TableStamp): Promise<bigint> {
  let instant = layout.startedAt as bigint;
  const fields = ['_valid_from_ts', '_valid_to_ts'].map(
    (name) => table.fields[layout.indexOf(name)] as NestedField,
  );
  for await (const { columns, selected } of table.find(fields)) {
    for (const cells of columns) {
      for (const place of selected) {
        const cell = cells[place] ?? null;
        if (cell !== null && (cell as bigint) >= instant) instant = (cell as bigint) + 1n;
      }
    }
  }
  return instant;
}
