/** Rows that wait for their commit: in memory while they are few, else in a temporary table outside the database file. */
import type { DatabaseSync } from 'node:sqlite';
import { deserialize, serialize } from 'node:v8';
import { failpoint } from '../../failpoints/index.ts';
import { iterate } from './iterate.ts';
import type { SqlRow } from './codec.ts';

/** From here on rows leave memory; long-lived rows would only burden the garbage collector. */
const fewRows = 2_000;
/** The same for rows that the next checkpoint writes: above its default, so that they are written only once. */
export const checkpointRows = 20_000;
/** The same, in characters and bytes of cells. */
const maxSize = 32 * 1024 * 1024;
/** Rows that come back to memory together. */
const chunkRows = 500;

let serial = 0;

/** An ordered list of rows of any length, in bounded memory. */
export class RowBuffer {
  readonly #db: DatabaseSync;
  readonly #table = `_plumbing_buffer_${serial++}`;
  readonly #maxRows: number;
  #rows: SqlRow[] = [];
  #size = 0;
  #length = 0;
  #hasTable = false;

  constructor(db: DatabaseSync, maxRows: number = fewRows) {
    this.#db = db;
    this.#maxRows = maxRows;
  }

  /** Number of rows. */
  get length(): number {
    return this.#length;
  }

  /** Adds rows at the end. */
  push(rows: readonly SqlRow[]): void {
    for (const row of rows) {
      this.#rows.push(row);
      this.#size += sizeOf(row);
      if (this.#rows.length >= this.#maxRows || this.#size >= maxSize) this.#spill();
    }
    this.#length += rows.length;
  }

  /** All rows, in order. */
  *rows(): Iterable<SqlRow> {
    if (this.#hasTable) {
      const chunks = this.#db.prepare(`SELECT rows FROM temp.${this.#table} ORDER BY id`);
      for (const { rows } of iterate(chunks)) yield* deserialize(rows as Uint8Array) as SqlRow[];
    }
    yield* this.#rows;
  }

  /** Replaces each row by what `change` makes of it. */
  rewrite(change: (row: SqlRow) => SqlRow): void {
    const changed = new RowBuffer(this.#db);
    for (const row of this.rows()) changed.push([change(row)]);
    this.clear();
    for (const row of changed.rows()) this.push([row]);
    changed.clear();
  }

  /** Drops all rows. */
  clear(): void {
    if (this.#hasTable) this.#db.exec(`DROP TABLE IF EXISTS temp.${this.#table}`);
    this.#hasTable = false;
    this.#rows = [];
    this.#size = 0;
    this.#length = 0;
  }

  #spill(): void {
    if (!this.#hasTable) {
      this.#db.exec(`CREATE TABLE temp.${this.#table} (id INTEGER PRIMARY KEY, rows BLOB NOT NULL)`);
      this.#hasTable = true;
    }
    const insert = this.#db.prepare(`INSERT INTO temp.${this.#table} (rows) VALUES (?)`);
    for (let first = 0; first < this.#rows.length; first += chunkRows) {
      insert.run(serialize(this.#rows.slice(first, first + chunkRows)));
    }
    this.#rows = [];
    this.#size = 0;
    failpoint('sqlite.rows_spilled');
  }
}

function sizeOf(row: SqlRow): number {
  let size = 0;
  for (let i = 0; i < row.length; i++) {
    const cell = row[i];
    if (typeof cell === 'string') size += cell.length;
    else if (cell instanceof Uint8Array) size += cell.byteLength;
  }
  return size;
}
