/** The rows that a load changed or deleted, as they were, in the columns that their table has now. */
import type { DatabaseSync } from 'node:sqlite';
import type { Column, TableDefinition } from '../../model/index.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';
import { physicalColumns } from '../../model/table-layout.ts';
import { convertedCell } from './convert-cell.ts';
import { imageColumn } from './undo-images.ts';
import { imageTable } from './undo-store.ts';
import type { Image, ImageKind } from './undo-store.ts';

/** Rows of one table, for statements that begin with {@link BeforeRows.with}. */
export class BeforeRows {
  readonly #db: DatabaseSync;
  readonly #table: TableDefinition;
  readonly #images: readonly Image[];

  constructor(db: DatabaseSync, table: TableDefinition, images: readonly Image[]) {
    this.#db = db;
    this.#table = table;
    this.#images = images;
  }

  /** Name of the table that holds the rows of an image. */
  static tableOf(image: Image): string {
    return imageTable(image);
  }

  /** `WITH before (...) AS (...)`: all rows, or those of one kind. */
  with(kind?: ImageKind): string {
    const names = physicalColumns(this.#table).map(({ name }) => quoteIdentifier(name));
    const selects = this.#images.flatMap((image) =>
      kind === undefined || image.kind === kind ? [this.#select(image)] : [],
    );
    if (selects.length === 0) selects.push(`SELECT ${names.map(() => 'NULL').join(', ')} WHERE false`);
    return `WITH before (${names.join(', ')}) AS (${selects.join(' UNION ALL ')})`;
  }

  /** How many they are. */
  count(): number {
    return this.#images
      .map((image) => this.#db.prepare(`SELECT count(*) AS n FROM ${imageTable(image)}`).get()?.['n'])
      .reduce((sum: number, n) => sum + Number(n), 0);
  }

  /** Columns of later are empty, columns that were widened later are converted as the table was. */
  #select(image: Image): string {
    const then = physicalColumns(JSON.parse(image.definition) as TableDefinition);
    const cells = physicalColumns(this.#table).map((to: Column) => {
      const place = then.findIndex(({ name }) => name === to.name);
      const from = then[place];
      if (!from) return 'NULL';
      const call = `_plumbing_convert_${image.id}_${place}`;
      return convertedCell(this.#db, this.#table.name, [from, to], imageColumn(place), call);
    });
    return `SELECT ${cells.join(', ')} FROM ${imageTable(image)}`;
  }
}
