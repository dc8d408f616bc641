/** The statements that merge one file of rows into one table. */
import type { NestedField } from '../../../iceberg/types.ts';
import type { ScanFile } from '../../../iceberg/scan.ts';
import type { LoadInfo, TableDefinition } from '../../../model/index.ts';
import { quoteIdentifier, quoteText } from '../../../model/sql-text.ts';
import { duckTypeOf } from './duck-types.ts';
import type { IncomingFile } from './incoming-file.ts';
import { placesSql } from './scan-sql.ts';
import type { ScanColumn } from './scan-sql.ts';

/** See the module's title. Rows of the file are `n`, rows of the table `o`, the two together `m`. */
export class FileMerge {
  readonly #fields: readonly NestedField[];
  readonly #definition: TableDefinition;
  readonly #file: IncomingFile;
  readonly #files: readonly ScanFile[];
  readonly #emptyFile: string;
  readonly #quick: readonly NestedField[];
  readonly #slow: readonly NestedField[];
  readonly #places: ReadonlyMap<string, number>;
  readonly #stamps: ReadonlyMap<string, string>;

  /** `old` are the files of the table, none for an append; `emptyFile` is that of the engine. */
  constructor(
    fields: readonly NestedField[],
    definition: TableDefinition,
    stamp: Pick<LoadInfo, 'loadId' | 'startedAt' | 'day'>,
    file: IncomingFile,
    old: { readonly files: readonly ScanFile[]; readonly emptyFile: string } = { files: [], emptyFile: '' },
  ) {
    this.#fields = fields;
    this.#definition = definition;
    this.#file = file;
    this.#files = old.files;
    this.#emptyFile = old.emptyFile;
    this.#places = new Map(definition.columns.map(({ name }, index) => [name, index]));
    const { write, primaryKey } = definition;
    const keepsOld = write.mode === 'merge' && write.strategy === 'insert-only';
    const data = fields.filter(({ name }) => this.#places.has(name) && !primaryKey.includes(name));
    [this.#quick, this.#slow] = keepsOld ? [[], []] : bySize(data, old.files);
    this.#stamps = new Map([
      ['_inserted_at_ts', `CAST(${quoteText(stamp.startedAt)} AS TIMESTAMPTZ)`],
      ['_inserted_at_day', `CAST(${quoteText(stamp.day)} AS DATE)`],
      ['_plumbing_load_id', quoteText(stamp.loadId)],
    ]);
  }

  /** New rows as they are. */
  appendSql(): string {
    return `SELECT ${this.#named((field) => this.#fresh(field))} FROM (${this.#incoming()}) AS n`;
  }

  /**
   * The rows of the table that have a key of the file, with what an update keeps of them. Of the columns that an update may change,
   * only those are compared that take few bytes. `isOne`: no file of this commit has changed rows before.
   */
  matchSql(isOne: boolean): string {
    const { primaryKey } = this.#definition;
    const files = this.#files;
    const keys = this.#fields.filter(({ name }) => primaryKey.includes(name));
    const kept = this.#fields.filter((field) => this.#isKept(field));
    const list = [
      'n.n',
      'o.file',
      'o.place',
      `${this.#differs(this.#quick)} AS changed`,
      ...kept.map(({ id }) => `o.f${id}`),
    ];
    const on = keys.map(({ id, name }) => `o.f${id} = n.c${this.#placeOf(name)}`);
    // What this commit has deleted is left out last, where few rows are left: before the join it would be every row of the table.
    return (
      `CREATE OR REPLACE TEMP TABLE matched AS SELECT ${list.join(', ')} FROM (${this.#scan([...keys, ...this.#quick, ...kept])}) AS o ` +
      `JOIN (${this.#incoming()}) AS n ON ${on.join(' AND ')} ` +
      (files.length > 0 && !isOne
        ? `ANTI JOIN (SELECT file, place FROM gone JOIN ${pathsSql(files)} USING (path)) AS g ` +
          'ON o.file = g.file AND o.place = g.place'
        : '')
    );
  }

  /** Compares the other columns of the rows that are the same so far; `undefined` when there are none. */
  compareSql(): string | undefined {
    if (this.#slow.length === 0) return undefined;
    return (
      `UPDATE matched SET changed = true FROM (SELECT n.n FROM (${this.#scan(this.#slow)}) AS o ` +
      `JOIN (SELECT file, place, n.* FROM (${this.#incoming()}) AS n JOIN (FROM matched WHERE NOT changed) AS m ON n.n = m.n) AS n ` +
      `ON o.file = n.file AND o.place = n.place WHERE ${this.#differs(this.#slow)}) AS found WHERE matched.n = found.n`
    );
  }

  /** New rows, and changed ones in their new form. */
  writeSql(): string {
    const list = this.#named((field) => {
      const fresh = this.#fresh(field);
      return this.#isKept(field) ? `CASE WHEN m.n IS NULL THEN ${fresh} ELSE m.f${field.id} END` : fresh;
    });
    return (
      `SELECT ${list} FROM (${this.#incoming()}) AS n LEFT JOIN matched AS m ON m.n = n.n ` +
      'WHERE m.n IS NULL OR m.changed'
    );
  }

  #scan(fields: readonly NestedField[]): string {
    const columns = fields.map(({ id, name, type }): ScanColumn => ({
      id,
      name,
      duckType: duckTypeOf(type) as string,
    }));
    return placesSql(columns, this.#files, this.#emptyFile);
  }

  #differs(fields: readonly NestedField[]): string {
    const differs = fields.map(({ id, name }) => `o.f${id} IS DISTINCT FROM n.c${this.#placeOf(name)}`);
    return differs.length > 0 ? differs.join(' OR ') : 'false';
  }

  #named(sqlOf: (field: NestedField) => string): string {
    return this.#fields.map((field) => `${sqlOf(field)} AS ${quoteIdentifier(field.name)}`).join(', ');
  }

  #incoming(): string {
    return this.#file.sql(this.#definition);
  }

  #placeOf(name: string): number {
    return this.#places.get(name) as number;
  }

  /** What an update leaves as it is: when the row was inserted, and columns that the definition does not know. */
  #isKept({ name }: NestedField): boolean {
    return !this.#places.has(name) && name !== '_plumbing_load_id';
  }

  #fresh(field: NestedField): string {
    const place = this.#places.get(field.name);
    if (place !== undefined) return `n.c${place}`;
    return this.#stamps.get(field.name) ?? `CAST(NULL AS ${duckTypeOf(field.type) as string})`;
  }
}

/** Columns that take no more of all their bytes than this are compared first: a change that shows there spares reading the rest. */
const quickShare = 0.01;
/** Less than this is read in one go. */
const fewBytes = 4 * 1024 * 1024;

/** The fields that take few bytes in the files, and the others. */
function bySize(
  fields: readonly NestedField[],
  files: readonly ScanFile[],
): [quick: NestedField[], slow: NestedField[]] {
  const sizes = new Map<NestedField, number>();
  let total = 0;
  for (const field of fields) {
    let size = 0;
    for (const { entry } of files) {
      // Files of other programs may not say.
      size += Number(entry.file.statistics.columnSizes.get(field.id) ?? 0);
    }
    sizes.set(field, size);
    total += size;
  }
  if (total < fewBytes) return [[...fields], []];
  const quick: NestedField[] = [];
  let taken = 0;
  for (const [field, size] of [...sizes].toSorted(([, a], [, b]) => a - b)) {
    taken += size;
    if (taken <= total * quickShare) quick.push(field);
  }
  return [quick, fields.filter((field) => !quick.includes(field))];
}

/** The table `paths`, of the files by their place in a scan. */
export function pathsSql(files: readonly ScanFile[]): string {
  const paths = files.map(({ entry }, index) => `(${index}, ${quoteText(entry.file.location)})`);
  return `(VALUES ${paths.join(', ')}) AS paths (file, path)`;
}
