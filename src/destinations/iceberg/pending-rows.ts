/** What one load has taken for one table since its last commit. */
import { PlumbingError } from '../../errors/index.ts';
import type { Cell } from '../../iceberg/types.ts';
import type { Column, JsonObject, LoadInfo, Row, TableDefinition } from '../../model/index.ts';
import { RowEncoder } from '../../model/row-encoder.ts';
import { encodeScope, scopeIndexes } from '../../model/scope.ts';
import { codecOf } from './cell-codec.ts';
import type { IncomingFile } from './duckdb/incoming-file.ts';
import { converterOf, isStoredAlike } from './evolve-schema.ts';
import type { RowSet } from './row-set.ts';
import { RowSpool } from './row-spool.ts';
import type { CellRow } from './row-spool.ts';

/** Rows, files and scopes in the form in which the table will store them. */
export class PendingRows {
  readonly #rows = new RowSpool();
  #files: IncomingFile[] = [];
  #scopes: CellRow[] = [];
  #target: TableDefinition;
  #encoder: RowEncoder<Exclude<Cell, null>>;
  /** In the whole load. */
  #taken = 0;

  constructor(target: TableDefinition) {
    this.#target = target;
    this.#encoder = new RowEncoder(target, codecOf);
  }

  get isEmpty(): boolean {
    return this.#files.length === 0 && !this.hasRows;
  }

  /** Rows or scopes have been taken one by one. */
  get hasRows(): boolean {
    return this.#rows.length > 0 || this.#scopes.length > 0;
  }

  get files(): readonly IncomingFile[] {
    return this.#files;
  }

  /** All of it. */
  set(quarantined: number, signal: LoadInfo['signal']): RowSet {
    return { files: this.#files, rows: this.#rows, quarantined, scopes: this.#scopes, signal };
  }

  write(rows: readonly Row[], scopes: readonly JsonObject[]): void {
    const { name, columns } = this.#target;
    if (rows.length > 0 && columns.length === 0) {
      throw new PlumbingError('SCHEMA_INVALID', `table "${name}": rows came, but it has no columns`);
    }
    const encoded = this.#encoder.encode(rows, this.#taken);
    const encodedScopes = scopes.map((scope) => encodeScope(this.#target, scope, codecOf));
    this.#rows.push(encoded);
    this.#scopes.push(...encodedScopes);
    this.#taken += rows.length;
  }

  addFile(file: IncomingFile): void {
    this.#files.push(file);
    this.#taken += file.rows;
  }

  /** The table gets columns or wider types; rows and scopes that were taken before get their new form. */
  evolve(next: TableDefinition): void {
    this.#convertRows(next);
    this.#target = next;
    this.#encoder = new RowEncoder(next, codecOf);
  }

  /** Drops all of it. What comes next is for this definition. */
  clear(target: TableDefinition): void {
    this.#scopes = [];
    for (const file of this.#files) file.drop();
    this.#files = [];
    this.#rows.clear();
    if (target === this.#target) return;
    this.#target = target;
    this.#encoder = new RowEncoder(target, codecOf);
  }

  #convertRows(next: TableDefinition): void {
    if (!this.hasRows) return;
    const converters = this.#target.columns.map(({ name, type }, index) => {
      const to = (next.columns[index] as Column).type;
      return isStoredAlike(type, to) ? undefined : converterOf(next.name, name, type, to);
    });
    if (converters.every((convert) => convert === undefined)) return;
    this.#rows.rewrite((row) => row.map((cell, index) => converters[index]?.(cell) ?? cell));
    const places = scopeIndexes(this.#target);
    this.#scopes = this.#scopes.map((cells) =>
      cells.map((cell, i) => converters[places[i] as number]?.(cell) ?? cell),
    );
  }
}
