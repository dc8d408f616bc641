/** Statements that bring single rows into a table, one for each row that arrives. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LoadInfo, TableDefinition } from '../../model/index.ts';
import type { SqlValue } from './codec.ts';
import { quoteIdentifier, quoteText } from '../../model/sql-text.ts';
import type { SqlRow } from './codec.ts';
import { rowIdName } from './table-layout.ts';
import { physicalKey } from '../../model/table-layout.ts';

/** What became of the rows of one commit. */
export interface Tally {
  inserted: number;
  updated: number;
  unchanged: number;
  deleted: number;
}

/** What identifies a load in its rows. */
export type LoadStamp = Pick<LoadInfo, 'loadId' | 'startedAt' | 'day'>;

/** The parts of statements on one table. Names are quoted; the load's own values are constants, bound to nothing. */
export class TableSql {
  readonly table: string;
  /** Constants of the columns that the library adds. */
  readonly constants: ReadonlyMap<string, string>;
  readonly #definition: TableDefinition;

  constructor(
    definition: TableDefinition,
    stamp: LoadStamp,
    more: readonly (readonly [string, string])[] = [],
  ) {
    this.#definition = definition;
    this.table = quoteIdentifier(definition.name);
    this.constants = new Map([
      ...more,
      ['_inserted_at_ts', quoteText(stamp.startedAt)],
      ['_inserted_at_day', quoteText(stamp.day)],
      ['_plumbing_load_id', quoteText(stamp.loadId)],
    ]);
  }

  /** `INTO t (...)`, to stand after `INSERT`; the values follow. */
  get into(): string {
    const names = [...this.#definition.columns.map((column) => column.name), ...this.constants.keys()];
    return `INTO ${this.table} (${names.map(quoteIdentifier).join(', ')})`;
  }

  /** One parameter a column, then the constants. */
  get values(): string {
    return [...this.#definition.columns.map(() => '?'), ...this.constants.values()].join(', ');
  }

  /**
   * The statement that brings `count` rows at once into the table, by key where it has one. With `OR FAIL` a failure leaves the rows
   * before it in place, so the caller's transaction must be rolled back: then SQLite keeps no copies of pages for it.
   */
  insertRows(count: number, orFail: '' | 'OR FAIL'): string {
    const insert = `INSERT ${orFail} ${this.into} VALUES ${Array(count).fill(`(${this.values})`).join(', ')}`;
    const key = physicalKey(this.#definition);
    if (key.length === 0) return insert;
    const conflict = `${insert} ON CONFLICT (${key.map(quoteIdentifier).join(', ')})`;
    const { write } = this.#definition;
    const data = this.dataIndexes();
    if (data.length === 0 || (write.mode === 'merge' && write.strategy === 'insert-only'))
      return `${conflict} DO NOTHING`;
    // `_inserted_at_*` stay as they are, the load id is the new one.
    return `${conflict} DO UPDATE SET ${this.takenOver(data)}, "_plumbing_load_id" = excluded."_plumbing_load_id"
      WHERE ${this.differsFromExcluded(data)}`;
  }

  /** Indexes of the named columns among the table's own; names of added columns have none. */
  indexesOf(names: readonly string[]): readonly number[] {
    return names.map((name) => this.indexOf(name)).filter((index) => index >= 0);
  }

  /** Index of a column among the table's own, or -1. */
  indexOf(name: string): number {
    return this.#definition.columns.findIndex((column) => column.name === name);
  }

  /** Indexes of the columns that are not part of the key. */
  dataIndexes(): readonly number[] {
    const keys = new Set(this.#definition.primaryKey);
    return this.#definition.columns.flatMap((column, index) => (keys.has(column.name) ? [] : [index]));
  }

  /** `a = ? AND b = ?`; an added column is compared with the load's own value. `IS` lets NULL equal NULL. */
  where(names: readonly string[], operator: '=' | 'IS'): string {
    return names
      .map(
        (name) =>
          `${quoteIdentifier(name)} ${operator} ${this.indexOf(name) < 0 ? this.constants.get(name) : '?'}`,
      )
      .join(' AND ');
  }

  /** `a = excluded.a, b = excluded.b` */
  takenOver(indexes: readonly number[]): string {
    return indexes.map((index) => `${this.#quoted(index)} = excluded.${this.#quoted(index)}`).join(', ');
  }

  /** `(t.a, t.b) IS NOT (excluded.a, excluded.b)`; both sides are in stored form. */
  differsFromExcluded(indexes: readonly number[]): string {
    const side = (name: string): string =>
      indexes.map((index) => `${name}.${this.#quoted(index)}`).join(', ');
    return `(${side(this.table)}) IS NOT (${side('excluded')})`;
  }

  /** `a = ?, b = ?` */
  assignments(indexes: readonly number[]): string {
    return indexes.map((index) => `${this.#quoted(index)} = ?`).join(', ');
  }

  /** `(a, b) IS NOT (?, ?)` */
  differs(indexes: readonly number[]): string {
    const names = indexes.map((index) => this.#quoted(index)).join(', ');
    return `(${names}) IS NOT (${indexes.map(() => '?').join(', ')})`;
  }

  #quoted(index: number): string {
    return quoteIdentifier(this.#definition.columns[index]?.name ?? '');
  }
}

/** Picks the cells at the given indexes, in one array that is used again and again. */
export function pickCells(...groups: readonly (readonly number[])[]): (row: SqlRow) => SqlRow {
  const indexes = groups.flat();
  const picked: SqlValue[] = indexes.map(() => null);
  return (row) => {
    for (let i = 0; i < indexes.length; i++) picked[i] = row[indexes[i] as number] ?? null;
    return picked;
  };
}

/** Rows that one statement takes. More would save little, and each costs the statement its compilation. */
const rowsAtOnce = 8;
/** SQLITE_MAX_VARIABLE_NUMBER, as SQLite comes with Node. */
const maxParameters = 32_766;

/** Brings rows into a table one after the other: by key where it has one, else added. Counts what became of them. */
export class RowsWriter {
  readonly #tally: Tally;
  readonly #width: number;
  readonly #mark: StatementSync;
  readonly #selectMaxRowId: StatementSync;
  readonly #one: StatementSync;
  readonly #many: StatementSync;
  readonly #manyRows: number;
  /** The cells of the rows that wait for their statement. */
  #cells: SqlValue[] = [];
  #waiting = 0;
  /** An insert moves the connection's last row id, to one that this table never had; an update leaves it alone. */
  #lastRowId: number;
  /** Inserted rows are numbered on from here, so the last number tells how many a statement inserted. */
  #maxRowId: number;

  constructor(db: DatabaseSync, table: TableDefinition, stamp: LoadStamp, tally: Tally) {
    const sql = new TableSql(table, stamp);
    this.#tally = tally;
    this.#width = table.columns.length;
    db.exec('CREATE TEMP TABLE IF NOT EXISTS _plumbing_mark (id INTEGER PRIMARY KEY)');
    this.#mark = db.prepare('INSERT OR REPLACE INTO temp._plumbing_mark VALUES (-1)');
    this.#lastRowId = this.#markRowId();
    const rowId = rowIdName(table.columns.map(({ name }) => name));
    this.#selectMaxRowId = db.prepare(`SELECT max(${rowId ?? 'NULL'}) AS id FROM ${sql.table}`);
    this.#selectMaxRowId.setReadBigInts(true);
    this.#maxRowId = this.#readMaxRowId();
    // Where the numbers can not be read, or SQLite might give them at random, rows are counted one by one.
    const isCountable = rowId !== undefined && this.#maxRowId < 2 ** 50;
    this.#manyRows = isCountable ? Math.min(rowsAtOnce, Math.floor(maxParameters / this.#width)) : 1;
    // It would also hold for statements within triggers of the table, whatever those say (INSERT OR IGNORE).
    const orFail = hasTrigger(db, table.name) ? '' : 'OR FAIL';
    this.#one = db.prepare(sql.insertRows(1, orFail));
    this.#many = this.#manyRows > 1 ? db.prepare(sql.insertRows(this.#manyRows, orFail)) : this.#one;
  }

  /** Takes a row; it may wait until {@link flush}. */
  write(row: SqlRow): void {
    const first = this.#waiting * this.#width;
    for (let i = 0; i < this.#width; i++) this.#cells[first + i] = row[i] ?? null;
    if (++this.#waiting === this.#manyRows) {
      this.#run(this.#many, this.#cells, this.#manyRows);
      this.#waiting = 0;
    }
  }

  /** Writes the rows that wait. */
  flush(): void {
    for (let i = 0; i < this.#waiting; i++)
      this.#run(this.#one, this.#cells.slice(i * this.#width, (i + 1) * this.#width), 1);
    this.#waiting = 0;
  }

  /** Must be called after rows of the table were deleted by others' statements: numbers may have become free. */
  afterDelete(): void {
    this.#maxRowId = this.#readMaxRowId();
    this.#lastRowId = this.#markRowId();
  }

  /** Sets the connection's last row id to one that no table of ours has, and gives it. */
  #markRowId(): number {
    return Number(this.#mark.run().lastInsertRowid);
  }

  #readMaxRowId(): number {
    return Number(this.#selectMaxRowId.get()?.['id'] ?? 0);
  }

  #run(statement: StatementSync, cells: readonly SqlValue[], rows: number): void {
    const result = statement.run(...cells);
    const changes = Number(result.changes);
    const lastRowId = Number(result.lastInsertRowid);
    let inserted = 0;
    if (lastRowId !== this.#lastRowId) {
      inserted = this.#manyRows === 1 ? 1 : lastRowId - this.#maxRowId;
      this.#lastRowId = lastRowId;
      this.#maxRowId = lastRowId;
    }
    this.#tally.inserted += inserted;
    this.#tally.updated += changes - inserted;
    this.#tally.unchanged += rows - changes;
  }
}

function hasTrigger(db: DatabaseSync, table: string): boolean {
  const find = db.prepare(
    "SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE",
  );
  return find.get(table) !== undefined;
}
