/** Rows that wait for their commit: in memory while they are few, else in a private temporary file. */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { sqliteError } from '../../errors/sqlite-error.ts';
import { failpoint } from '../../failpoints/index.ts';
import type { Cell } from '../../iceberg/types.ts';

/** A row in stored form. */
export type CellRow = readonly Cell[];

/** Characters and bytes of cells that stay in memory. */
const maxSize = 8 * 1024 * 1024;
const maxRows = 25_000;
/** Rows that come back to memory together. */
const chunkRows = 2_000;
const lengthBytes = 4;

/** An ordered list of rows of any length, in bounded memory. It can be read any number of times. */
export class RowSpool {
  #rows: CellRow[] = [];
  #size = 0;
  #length = 0;
  #folder: string | undefined;
  #file = -1;
  #fileBytes = 0;

  /** Number of rows. */
  get length(): number {
    return this.#length;
  }

  /** Adds rows at the end. */
  push(rows: readonly CellRow[]): void {
    for (const row of rows) {
      this.#rows.push(row);
      this.#size += sizeOf(row);
      if (this.#rows.length > maxRows || this.#size >= maxSize) this.#spill();
    }
    this.#length += rows.length;
  }

  /** All rows, in order, in lists of some thousands. */
  *chunks(): Generator<readonly CellRow[]> {
    const head = Buffer.alloc(lengthBytes);
    for (let at = 0; at < this.#fileBytes;) {
      readSync(this.#file, head, 0, lengthBytes, at);
      const bytes = Buffer.alloc(head.readUInt32LE());
      readSync(this.#file, bytes, 0, bytes.length, at + lengthBytes);
      at += lengthBytes + bytes.length;
      yield deserialize(bytes) as CellRow[];
    }
    for (let first = 0; first < this.#rows.length; first += chunkRows) {
      yield this.#rows.slice(first, first + chunkRows);
    }
  }

  /** Replaces each row by what `change` makes of it. */
  rewrite(change: (row: CellRow) => CellRow): void {
    const changed = new RowSpool();
    for (const rows of this.chunks()) changed.push(rows.map(change));
    this.clear();
    for (const rows of changed.chunks()) this.push(rows);
    changed.clear();
  }

  /** Drops all rows. */
  clear(): void {
    if (this.#folder !== undefined) {
      closeSync(this.#file);
      rmSync(this.#folder, { recursive: true, force: true });
    }
    this.#folder = undefined;
    this.#fileBytes = 0;
    this.#rows = [];
    this.#size = 0;
    this.#length = 0;
  }

  #spill(): void {
    try {
      if (this.#folder === undefined) {
        this.#folder = mkdtempSync(join(tmpdir(), 'plumbing-rows-'));
        this.#file = openSync(join(this.#folder, 'rows'), 'wx+', 0o600);
      }
      for (let first = 0; first < this.#rows.length; first += chunkRows) {
        this.#append(serialize(this.#rows.slice(first, first + chunkRows)));
      }
    } catch (error) {
      throw sqliteError(error, this.#folder ?? tmpdir());
    }
    this.#rows = [];
    this.#size = 0;
    failpoint('iceberg.rows_spilled');
  }

  #append(bytes: Uint8Array): void {
    const head = Buffer.alloc(lengthBytes);
    head.writeUInt32LE(bytes.byteLength);
    for (const part of [head, bytes]) {
      let written = 0;
      while (written < part.byteLength) {
        written += writeSync(this.#file, part, written, part.byteLength - written, this.#fileBytes + written);
      }
      this.#fileBytes += part.byteLength;
    }
  }
}

function sizeOf(row: CellRow): number {
  let size = 16 * row.length;
  for (const cell of row) {
    if (typeof cell === 'string') size += cell.length;
    else if (cell instanceof Uint8Array) size += cell.byteLength;
  }
  return size;
}
