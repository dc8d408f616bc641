/** Statements that bring single rows into a table, one for each row that arrives. */
import type { DatabaseSync } from 'node:sqlite';
import type { LoadInfo, TableDefinition } from '../../model/index.ts';
import type { SqlValue } from './codec.ts';
import { quoteIdentifier, quoteText } from './identifier.ts';
import type { SqlRow } from './row-encoder.ts';
import { physicalKey } from './table-layout.ts';

/** What became of the rows of one commit. */
export interface Tally {
  inserted: number;
  updated: number;
  unchanged: number;
  deleted: number;
}

/** What identifies a load in its rows. */
export type LoadStamp = Pick<LoadInfo, 'loadId' | 'startedAt' | 'day'>;

/** Writes one row, and counts it. */
export type WriteRow = (row: SqlRow) => void;

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

  /** `INSERT INTO t (...) `; the values follow. */
  get insertInto(): string {
    const names = [...this.#definition.columns.map((column) => column.name), ...this.constants.keys()];
    return `INSERT INTO ${this.table} (${names.map(quoteIdentifier).join(', ')})`;
  }

  /** One parameter a column, then the constants. */
  get values(): string {
    return [...this.#definition.columns.map(() => '?'), ...this.constants.values()].join(', ');
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

/** The writer for rows that come one by one: by key where the table has one, else added. */
export function rowWriter(
  db: DatabaseSync,
  table: TableDefinition,
  stamp: LoadStamp,
  tally: Tally,
): WriteRow {
  const isInsertOnly = table.write.mode === 'merge' && table.write.strategy === 'insert-only';
  const sql = new TableSql(table, stamp);
  const key = physicalKey(table);
  if (key.length === 0) {
    const insert = db.prepare(`${sql.insertInto} VALUES (${sql.values})`);
    return (row) => {
      insert.run(...row);
      tally.inserted++;
    };
  }
  const conflict = `${sql.insertInto} VALUES (${sql.values}) ON CONFLICT (${key.map(quoteIdentifier).join(', ')})`;
  const data = sql.dataIndexes();
  if (isInsertOnly || data.length === 0) {
    const insert = db.prepare(`${conflict} DO NOTHING`);
    return (row) => {
      if (insert.run(...row).changes === 0) tally.unchanged++;
      else tally.inserted++;
    };
  }
  // One statement a row. `_inserted_at_*` stay as they are, the load id is the new one.
  const upsert = db.prepare(
    `${conflict} DO UPDATE SET ${sql.takenOver(data)}, "_plumbing_load_id" = excluded."_plumbing_load_id"
     WHERE ${sql.differsFromExcluded(data)}`,
  );
  // An insert moves the connection's last row id, to one that this table never had; an update leaves it alone.
  let lastRowId = markRowId(db);
  return (row) => {
    const { changes, lastInsertRowid } = upsert.run(...row);
    if (changes === 0) tally.unchanged++;
    else if (lastInsertRowid === lastRowId) tally.updated++;
    else {
      tally.inserted++;
      lastRowId = lastInsertRowid;
    }
  };
}

/** Sets the connection's last row id to one that no table of ours has, and gives it. */
function markRowId(db: DatabaseSync): number | bigint {
  db.exec('CREATE TEMP TABLE IF NOT EXISTS _plumbing_mark (id INTEGER PRIMARY KEY)');
  return db.prepare('INSERT OR REPLACE INTO temp._plumbing_mark VALUES (-1)').run().lastInsertRowid;
}
