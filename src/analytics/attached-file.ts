/** A SQLite file as DuckDB sees it: its tables, and one consistent snapshot of them for each query. */
import { realpathSync } from 'node:fs';
import { PlumbingError } from '../errors/index.ts';
import type { LoadRecord, Value } from '../model/index.ts';
import { openSqlite } from '../destinations/sqlite/index.ts';
import { quoteIdentifier } from '../model/sql-text.ts';
import { codecOf } from '../destinations/sqlite/codec.ts';
import { readRecords } from '../destinations/sqlite/load-records.ts';
import type { SqliteConnection } from '../destinations/sqlite/index.ts';
import { tableShapes } from '../destinations/sqlite/table-shapes.ts';
import type { ColumnShape, TableShape } from '../destinations/sqlite/table-shapes.ts';
import { fileState, settledState } from '../destinations/sqlite/write-trail.ts';
import { rowBatches, rowIdOf } from './row-batches.ts';
import type { Cell, RowBatch } from './row-batches.ts';

/** A file, open to read. */
export class AttachedFile {
  readonly alias: string;
  readonly path: string;
  /** The file itself, whatever links lead to it. */
  readonly file: string;
  readonly #connection: SqliteConnection;
  readonly #mixedTypes: 'error' | 'varchar';
  #tables: readonly TableShape[] = [];
  #version = '';
  #hasSnapshot = false;

  private constructor(
    alias: string,
    path: string,
    connection: SqliteConnection,
    mixedTypes: 'error' | 'varchar',
  ) {
    this.alias = alias;
    this.path = path;
    this.file = realpathSync(path);
    this.#connection = connection;
    this.#mixedTypes = mixedTypes;
  }

  static async open(alias: string, path: string, mixedTypes: 'error' | 'varchar'): Promise<AttachedFile> {
    return new AttachedFile(alias, path, await openSqlite(path, { readOnly: true }), mixedTypes);
  }

  get tables(): readonly TableShape[] {
    return this.#tables;
  }

  /** Takes the snapshot that all reads see until `endSnapshot`. `tables` is a new array when tables or columns changed. */
  beginSnapshot(): void {
    const { db } = this.#connection;
    this.#connection.run(() => {
      db.exec('BEGIN');
      this.#hasSnapshot = true;
      // The snapshot is taken by the first read, not by BEGIN.
      const version = JSON.stringify(db.prepare('PRAGMA schema_version').get());
      const tables = tableShapes(db, this.path).map((table) => this.#loosened(table));
      const text = `${version}${JSON.stringify(tables)}`;
      if (text === this.#version) return;
      this.#version = text;
      this.#tables = tables;
    });
  }

  /**
   * Takes a snapshot, and tells the state that the file had at that moment; `undefined` when it is written to so often that
   * nobody could tell.
   */
  async beginKnownSnapshot(): Promise<string | undefined> {
    for (let tries = 0; tries < 3; tries++) {
      const { text } = await settledState(this.file);
      this.beginSnapshot();
      if (fileState(this.file).text === text) return text;
      this.endSnapshot();
    }
    this.beginSnapshot();
    return undefined;
  }

  endSnapshot(): void {
    if (!this.#hasSnapshot) return;
    this.#hasSnapshot = false;
    this.#connection.run(() => this.#connection.db.exec('ROLLBACK'));
  }

  /** The cells of some columns, batch by batch, as {@link rowBatches} gives them. */
  *scan(
    tableName: string,
    columns: readonly ColumnShape[],
    packed: readonly string[] | undefined,
    loadIds: readonly string[] | undefined,
  ): Generator<RowBatch> {
    const batches = rowBatches(this.#connection.db, tableName, columns, packed, loadIds);
    for (;;) {
      const next = this.#connection.run(() => batches.next());
      if (next.done) return;
      yield next.value;
    }
  }

  /** The value of a cell, of the column's logical type. `row` counts from 1. */
  valueOf(cell: Exclude<Cell, null>, column: ColumnShape, table: string, row: number): Value {
    const { codec, isForeign, isUntyped, type, name } = column;
    if (!isForeign) return codec.decode ? codec.decode(cell) : cell;
    if (isUntyped || this.#mixedTypes === 'varchar') return textOf(cell);
    const value = type === 'boolean' && typeof cell === 'bigint' ? cell !== 0n : plain(cell, type);
    if (codec.encode(value) !== undefined) return value;
    throw new PlumbingError(
      'ROW_INVALID',
      `${this.path}: row ${row} of table "${table}" holds ${kindOf(cell)} in column "${name}", which is declared as ${type}; attach with mixedTypes: 'varchar' to read such files as text`,
      { context: { path: this.path, table, row } },
    );
  }

  /** The row ids of a table as a column; undefined where they can't be named. */
  rowIds(tableName: string): ColumnShape | undefined {
    const name = rowIdOf(this.#connection.db, tableName);
    return name === undefined
      ? undefined
      : { name, type: 'int64', codec: codecOf('int64'), isForeign: false };
  }

  /** How many rows a table has. */
  count(tableName: string): number {
    const { db } = this.#connection;
    const from = quoteIdentifier(tableName);
    return this.#connection.run(() => Number(db.prepare(`SELECT count(*) AS n FROM ${from}`).get()?.['n']));
  }

  /** The run log. */
  loads(): readonly LoadRecord[] {
    return this.#connection.run(() => readRecords(this.#connection.db, Number.MAX_SAFE_INTEGER));
  }

  close(): void {
    this.#connection.close();
  }

  /** With `varchar`, columns of other programs are text. */
  #loosened(table: TableShape): TableShape {
    if (this.#mixedTypes === 'error') return table;
    return {
      ...table,
      columns: table.columns.map((column) => (column.isForeign ? { ...column, type: 'string' } : column)),
    };
  }
}

function plain(cell: Exclude<Cell, null>, type: string): Value {
  // Others stay as they are, and are refused: a double would be another number.
  return type === 'float64' && typeof cell === 'bigint' && isDouble(cell) ? Number(cell) : cell;
}

function isDouble(cell: bigint): boolean {
  return BigInt(Number(cell)) === cell;
}

function textOf(cell: Exclude<Cell, null>): string {
  return cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : String(cell);
}

function kindOf(cell: Exclude<Cell, null>): string {
  if (cell instanceof Uint8Array) return 'bytes';
  if (typeof cell === 'bigint' && !isDouble(cell)) return 'an integer with more digits than a double has';
  return typeof cell === 'string' ? 'a text' : 'a number';
}
