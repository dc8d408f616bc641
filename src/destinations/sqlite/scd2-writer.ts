/** `scd2`: every version of a row, with the time from and to which it held. */
import type { DatabaseSync } from 'node:sqlite';
import type { TableDefinition } from '../../model/index.ts';
import { codecOf } from './codec.ts';
import { quoteIdentifier, quoteText } from '../../model/sql-text.ts';
import type { SqlRow } from './codec.ts';
import { TableSql, pickCells } from './row-writers.ts';
import type { LoadStamp, Tally } from './row-writers.ts';

const seenTable = 'temp._plumbing_seen';

/**
 * Writes the rows of a complete read. A changed row closes its open version at the instant at which the new one begins,
 * so there is neither gap nor overlap; an equal row changes nothing. A second row of the same key in one load takes the
 * place of the first. With `closeAbsent` the open versions of all other keys are closed.
 */
export function writeVersions(
  db: DatabaseSync,
  table: TableDefinition,
  stamp: LoadStamp,
  rows: Iterable<SqlRow>,
  closeAbsent: boolean,
  tally: Tally,
): void {
  const instant = quoteText(nextInstant(db, table, stamp.startedAt));
  const sql = new TableSql(table, stamp, [
    ['_valid_from_ts', instant],
    ['_valid_to_ts', 'NULL'],
  ]);
  const data = sql.dataIndexes();
  const keys = sql.indexesOf(table.primaryKey);
  const isOpen = `${sql.where(table.primaryKey, '=')} AND "_valid_to_ts" IS NULL`;
  const update = (assignment: string, condition: string): string =>
    `UPDATE ${sql.table} SET ${assignment} WHERE ${isOpen} AND "_valid_from_ts" ${condition} AND ${sql.differs(data)}`;
  const insert = db.prepare(`INSERT ${sql.into} VALUES (${sql.values})`);
  const insertUnlessOpen = db.prepare(
    `INSERT ${sql.into} SELECT ${sql.values} WHERE NOT EXISTS (SELECT 1 FROM ${sql.table} WHERE ${isOpen})`,
  );
  const close =
    data.length > 0 ? db.prepare(update(`"_valid_to_ts" = ${instant}`, `< ${instant}`)) : undefined;
  const amend = data.length > 0 ? db.prepare(update(sql.assignments(data), `= ${instant}`)) : undefined;
  const closing = pickCells(keys, data);
  const opening = pickCells([...table.columns.keys()], keys);
  const amending = pickCells(data, keys, data);
  const writeRow = (row: SqlRow): void => {
    if (close && close.run(...closing(row)).changes !== 0) {
      insert.run(...row);
      tally.updated++;
    } else if (insertUnlessOpen.run(...opening(row)).changes !== 0) {
      tally.inserted++;
    } else if (amend && amend.run(...amending(row)).changes !== 0) {
      tally.updated++;
    } else {
      tally.unchanged++;
    }
  };
  if (!closeAbsent) {
    for (const row of rows) writeRow(row);
    return;
  }
  const seen = new SeenKeys(db, table);
  const key = pickCells(keys);
  for (const row of rows) {
    writeRow(row);
    seen.add(key(row));
  }
  const absent = `NOT EXISTS (SELECT 1 FROM ${seenTable} AS seen WHERE ${seen.matches(sql.table)})`;
  const closed = db
    .prepare(`UPDATE ${sql.table} SET "_valid_to_ts" = ${instant} WHERE "_valid_to_ts" IS NULL AND ${absent}`)
    .run();
  tally.deleted += Number(closed.changes);
  seen.drop();
}

/** The keys of one load, in a table outside the database file: they may be many. */
class SeenKeys {
  readonly #db: DatabaseSync;
  readonly #names: readonly string[];
  readonly #insert: ReturnType<DatabaseSync['prepare']>;

  constructor(db: DatabaseSync, { primaryKey, columns }: TableDefinition) {
    this.#db = db;
    this.#names = primaryKey;
    // The key's own types: without them SQLite could not use the index.
    const keys = primaryKey.map((name, index) => {
      const column = columns.find((candidate) => candidate.name === name);
      return `k${index} ${column ? codecOf(column.type).sqlType : 'TEXT'} NOT NULL`;
    });
    const names = primaryKey.map((_, index) => `k${index}`).join(', ');
    db.exec(`CREATE TABLE ${seenTable} (${keys.join(', ')}, PRIMARY KEY (${names})) WITHOUT ROWID`);
    this.#insert = db.prepare(
      `INSERT OR IGNORE INTO ${seenTable} VALUES (${primaryKey.map(() => '?').join(', ')})`,
    );
  }

  add(key: SqlRow): void {
    this.#insert.run(...key);
  }

  matches(table: string): string {
    return this.#names
      .map((name, index) => `seen.k${index} = ${table}.${quoteIdentifier(name)}`)
      .join(' AND ');
  }

  drop(): void {
    this.#db.exec(`DROP TABLE ${seenTable}`);
  }
}

/** The load's start, or the first microsecond after the latest one in the table: versions of two loads never share an instant. */
function nextInstant(db: DatabaseSync, table: TableDefinition, startedAt: string): string {
  const row = db
    .prepare(
      `SELECT max("_valid_from_ts") AS opened, max("_valid_to_ts") AS closed FROM ${quoteIdentifier(table.name)}`,
    )
    .get();
  const latest = [row?.['opened'], row?.['closed']]
    .filter((value) => typeof value === 'string')
    .toSorted()
    .at(-1);
  return latest === undefined || startedAt > latest ? startedAt : microsecondAfter(latest);
}

/** Of a timestamp in the one form that is stored, with six digits of a second. */
function microsecondAfter(timestamp: string): string {
  const micros = Number(timestamp.slice(20, 26)) + 1;
  const second = new Date(`${timestamp.slice(0, 19)}Z`);
  second.setUTCSeconds(second.getUTCSeconds() + (micros === 1_000_000 ? 1 : 0));
  return `${second.toISOString().slice(0, 19)}.${String(micros % 1_000_000).padStart(6, '0')}Z`;
}
