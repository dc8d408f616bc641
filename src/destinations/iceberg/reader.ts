/** Reads committed rows, beside any load that is running. */
import { PlumbingError } from '../../errors/index.ts';
import type { LoadedTable } from '../../iceberg/catalog.ts';
import { compareCells } from '../../iceberg/compare-cells.ts';
import type { CellCondition } from '../../iceberg/conditions.ts';
import { schemaOf, snapshotOf } from '../../iceberg/metadata.ts';
import type { Snapshot } from '../../iceberg/metadata.ts';
import { fieldByName } from '../../iceberg/schema.ts';
import { TableScanner, planScan } from '../../iceberg/scan.ts';
import type { Cell, NestedField } from '../../iceberg/types.ts';
import type {
  Column,
  Condition,
  DestinationStatus,
  Reader,
  RowObject,
  RowQuery,
  StateEntry,
  StoredQuarantinedRow,
  Value,
} from '../../model/index.ts';
import { decodeJson } from '../../model/json-text.ts';
import { encodeValue } from '../../model/row-encoder.ts';
import { codecOf } from './cell-codec.ts';
import type { Lakehouse } from './lakehouse.ts';
import { loadsTable, readRecords, undoneLoads } from './load-records.ts';
import { quarantineTable } from './quarantine-table.ts';
import { readState } from './state-properties.ts';
import type { StoredState } from './state-properties.ts';
import { readableColumns } from './table-shape.ts';
import { WorkingTable } from './working-table.ts';

const shownLoads = 20;
const operators = new Set<string>(['=', '!=', '<', '<=', '>', '>=', 'is null', 'is not null']);

/** The {@link Reader} of a warehouse. Each call, and each stream of rows, sees one snapshot of its table. */
export class IcebergReader implements Reader {
  readonly #house: Lakehouse;

  constructor(house: Lakehouse) {
    this.#house = house;
  }

  async tables(): Promise<readonly string[]> {
    const names = await this.#house.tables();
    return names.filter((name) => name !== loadsTable && name !== quarantineTable);
  }

  async columns(table: string): Promise<readonly Column[] | undefined> {
    const loaded = await this.#house.load(table);
    return loaded && readableColumns(table, loaded.metadata);
  }

  /**
   * Streams rows. Files that can hold no row of the conditions are not read.
   *
   * @throws PlumbingError `SCHEMA_INVALID` for a table or column that does not exist, `ROW_INVALID` for the value of a
   * condition that does not fit its column.
   */
  async *readRows(table: string, query: RowQuery = {}): AsyncIterable<RowObject> {
    const loaded = await this.#require(table);
    yield* this.readSnapshot(loaded, snapshotOf(loaded.metadata), query);
  }

  /** Streams the rows of one snapshot of a table. */
  async *readSnapshot(
    loaded: LoadedTable,
    snapshot: Snapshot | undefined,
    query: RowQuery = {},
    known: readonly Column[] = readableColumns(loaded.identifier.name, loaded.metadata),
  ): AsyncIterable<RowObject> {
    const { limit = Number.POSITIVE_INFINITY } = query;
    if (!(limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit >= 0)))
      throw invalid(loaded, 'limit must be a whole number, 0 or more');
    const view = new TableView(loaded, snapshot, known);
    const columns = query.columns ? [...new Set(query.columns)].map((name) => view.column(name)) : known;
    if (columns.length === 0) throw invalid(loaded, 'a query must select at least one column');
    const conditions = (query.where ?? []).map((condition) => view.condition(condition));
    const order = (query.orderBy ?? []).map((name) => view.order(name));
    const toRow = rowMaker(columns);
    const fields = [...columns.map(({ name }) => view.field(name)), ...order.map(({ field }) => field)];
    const rows = this.#cells(loaded, snapshot, fields, conditions);
    if (order.length === 0) {
      let left = limit;
      if (left > 0) {
        for await (const cells of rows) {
          yield toRow(cells);
          if (--left === 0) return;
        }
      }
      return;
    }
    const all: Cell[][] = [];
    for await (const cells of rows) all.push(cells);
    all.sort((a, b) => {
      for (const [i, { isDescending }] of order.entries()) {
        const place = columns.length + i;
        const difference = compareNullable(a[place] ?? null, b[place] ?? null);
        if (difference !== 0) return isDescending ? -difference : difference;
      }
      return 0;
    });
    for (const cells of all.slice(0, limit)) yield toRow(cells);
  }

  /** The largest value of a column among the rows that meet `where`; `null` when there is none, or no such table yet. */
  async getMax(table: string, column: string, where: readonly Condition[] = []): Promise<Value> {
    const loaded = await this.#house.load(table);
    if (!loaded) return null;
    const snapshot = snapshotOf(loaded.metadata);
    const view = new TableView(loaded, snapshot, readableColumns(table, loaded.metadata));
    const { type } = view.column(column);
    const field = view.field(column);
    const conditions = where.map((condition) => view.condition(condition));
    let max: Cell = null;
    for await (const [cell = null] of this.#cells(loaded, snapshot, [field], conditions)) {
      if (cell === null || Number.isNaN(cell)) continue;
      if (max === null || compareCells(cell, max) > 0) max = cell;
    }
    if (max === null) return null;
    const { decode } = codecOf(type);
    return decode ? decode(max) : (max as Value);
  }

  async *quarantined(table: string): AsyncIterable<StoredQuarantinedRow> {
    const loaded = await this.#house.load(quarantineTable);
    if (!loaded) return;
    const hasSequence = readableColumns(quarantineTable, loaded.metadata).some(
      ({ name }) => name === 'sequence',
    );
    const query: RowQuery = {
      where: [{ column: 'table_name', op: '=', value: table }],
      // Rows of an earlier version, which have no number, come first.
      orderBy: [...(hasSequence ? ['sequence'] : []), 'quarantined_at', 'row_index'],
    };
    const undone = undoneLoads((await this.#house.load(loadsTable))?.metadata);
    for await (const row of this.readSnapshot(loaded, snapshotOf(loaded.metadata), query)) {
      const by = row['superseded_by'];
      yield {
        id: Number(row['id']),
        loadId: textOf(row['load_id']),
        index: Number(row['row_index']),
        reason: textOf(row['reason']),
        raw: decodeJson(textOf(row['raw_json'])),
        quarantinedAt: textOf(row['quarantined_at']),
        ...(typeof row['key_text'] === 'string' && { key: row['key_text'] }),
        isSuperseded: typeof by === 'string' && !undone.has(by),
      };
    }
  }

  async status(): Promise<DestinationStatus> {
    const quarantined = new Map<string, number>();
    const waiting = await this.#house.load(quarantineTable);
    if (waiting) {
      const query = { columns: ['table_name'] };
      for await (const { table_name: name } of this.readSnapshot(
        waiting,
        snapshotOf(waiting.metadata),
        query,
      )) {
        quarantined.set(textOf(name), (quarantined.get(textOf(name)) ?? 0) + 1);
      }
    }
    const tables: DestinationStatus['tables'][number][] = [];
    for (const table of await this.tables()) {
      const loaded = await this.#require(table);
      const { io, manifests, filePolicy } = this.#house;
      const work = new WorkingTable(io, manifests, loaded.metadata, snapshotOf(loaded.metadata), filePolicy);
      tables.push({ table, rows: await work.countBase(), quarantined: quarantined.get(table) ?? 0 });
    }
    const state = (await this.#allState()).toSorted((a, b) => (stateKey(a) < stateKey(b) ? -1 : 1));
    const loads = readRecords((await this.#house.load(loadsTable))?.metadata);
    return {
      tables,
      state,
      loads: loads.slice(0, shownLoads).map(({ commitToken: _token, ...record }) => record),
    };
  }

  /** The stored state of a pipeline. */
  async state(pipeline: string): Promise<StateEntry[]> {
    const entries = await this.#allState(pipeline);
    return entries.map(({ stream, partition, state }) => ({ stream, partition, state }));
  }

  async #allState(pipeline?: string): Promise<StoredState[]> {
    const state: StoredState[] = [];
    // What a table says of its own stream counts, so it comes later.
    const names = [loadsTable, ...(await this.#house.tables()).filter((name) => name !== loadsTable)];
    for (const name of names) {
      const loaded = await this.#house.load(name);
      if (loaded) state.push(...readState(loaded.metadata, pipeline));
    }
    return state;
  }

  async *#cells(
    { metadata }: LoadedTable,
    snapshot: Snapshot | undefined,
    fields: readonly NestedField[],
    conditions: readonly CellCondition[],
  ): AsyncGenerator<Cell[]> {
    const { io, manifests } = this.#house;
    const scanner = new TableScanner(io, metadata);
    for (const file of await planScan(manifests, metadata, snapshot, conditions)) {
      for await (const { columns, rows, selected } of scanner.read(file, fields, conditions)) {
        for (const place of selected ?? Array(rows).keys())
          yield columns.map((cells) => cells[place] ?? null);
      }
    }
  }

  async #require(table: string): Promise<LoadedTable> {
    const loaded = await this.#house.load(table);
    if (loaded) return loaded;
    throw new PlumbingError('SCHEMA_INVALID', `${this.#house.path}: there is no table "${table}"`);
  }
}

/** Names of a table's columns, made fields, conditions and orders. */
class TableView {
  readonly #loaded: LoadedTable;
  readonly #columns: readonly Column[];
  readonly #schema: ReturnType<typeof schemaOf>;

  constructor(loaded: LoadedTable, snapshot: Snapshot | undefined, columns: readonly Column[]) {
    this.#loaded = loaded;
    this.#columns = columns;
    const current = loaded.metadata['current-schema-id'];
    // Of a branch that is not published yet, the schema may be newer than the table's.
    const isNewer = (snapshot?.['schema-id'] ?? current) > current;
    this.#schema = schemaOf(loaded.metadata, isNewer ? snapshot?.['schema-id'] : current);
  }

  column(name: string): Column {
    const column = this.#columns.find((candidate) => candidate.name === name);
    if (column) return column;
    const known = this.#columns.map((candidate) => candidate.name).join(', ');
    throw invalid(this.#loaded, `there is no column "${name}"; there are ${known}`);
  }

  field(name: string): NestedField {
    return (
      fieldByName(this.#schema, name) ?? {
        id: -1,
        name,
        required: false,
        type: codecOf(this.column(name).type).icebergType,
      }
    );
  }

  condition({ column: name, op, value }: Condition): CellCondition {
    const column = this.column(name);
    if (!operators.has(op)) throw invalid(this.#loaded, `"${op}" is not an operator of a condition`);
    const field = this.field(name);
    if (op === 'is null' || op === 'is not null') return { field, op };
    if (value === undefined || value === null)
      throw invalid(this.#loaded, `${op} needs a value; use "is null" or "is not null"`);
    const table = this.#loaded.identifier.name;
    if (Number.isNaN(value)) {
      throw new PlumbingError(
        'ROW_INVALID',
        `table "${table}", column "${name}": NaN is neither equal to a number nor less nor more; no condition holds for it; give a number`,
      );
    }
    const cell = encodeValue(table, column, value, codecOf);
    return { field, op, value: cell as Exclude<Cell, null> };
  }

  order(name: string): { readonly field: NestedField; readonly isDescending: boolean } {
    const isDescending = name.startsWith('-');
    const column = this.column(isDescending ? name.slice(1) : name);
    return { field: this.field(column.name), isDescending };
  }
}

/** NULL comes first, as in SQLite. */
function compareNullable(a: Cell, b: Cell): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return compareCells(a, b);
}

function rowMaker(columns: readonly Column[]): (cells: readonly Cell[]) => RowObject {
  const decoders = columns.map(({ type }) => codecOf(type).decode);
  return (cells) => {
    const row: RowObject = {};
    for (const [i, { name }] of columns.entries()) {
      const cell = cells[i] ?? null;
      const value = cell === null ? null : (decoders[i]?.(cell) ?? (cell as Value));
      if (name === '__proto__')
        Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true });
      else row[name] = value;
    }
    return row;
  };
}

function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value : '';
}

function stateKey({ pipeline, stream, partition }: StoredState): string {
  return JSON.stringify([pipeline, stream, partition]);
}

function invalid({ identifier }: LoadedTable, what: string): PlumbingError {
  return new PlumbingError('SCHEMA_INVALID', `table "${identifier.name}": ${what}`, {
    context: { table: identifier.name },
  });
}
