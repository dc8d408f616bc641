/** Brings the rows of a file into a table by its write mode, without their passing through JavaScript. */
import type { DuckDBValue } from '@duckdb/node-api';
import type { TableMetadata } from '../../../iceberg/metadata.ts';
import { schemaOf } from '../../../iceberg/metadata.ts';
import type { ScanFile } from '../../../iceberg/scan.ts';
import { sameType } from '../../../iceberg/types.ts';
import type { NestedField } from '../../../iceberg/types.ts';
import type { LoadInfo, TableDefinition } from '../../../model/index.ts';
import { quoteIdentifier, quoteText } from '../../../model/sql-text.ts';
import { physicalColumns, physicalKey } from '../../../model/table-layout.ts';
import { codecOf } from '../cell-codec.ts';
import type { RowSet } from '../row-set.ts';
import type { Tally } from '../tally.ts';
import type { WorkingTable } from '../working-table.ts';
import { canScan } from './can-scan.ts';
import { duckTypeOf } from './duck-types.ts';
import type { IncomingFile } from './incoming-file.ts';
import { inScanOrder, placesSql } from './scan-sql.ts';
import type { ScanColumn } from './scan-sql.ts';

/** Whether {@link writeFiles} knows the write mode, and DuckDB all columns of the table. */
export function canWriteFiles(definition: TableDefinition, metadata: TableMetadata): boolean {
  const { write } = definition;
  if (write.mode === 'merge' && write.strategy !== 'upsert' && write.strategy !== 'insert-only') return false;
  const own = new Map(physicalColumns(definition).map(({ name, type }) => [name, codecOf(type).icebergType]));
  if ([...own.values()].some((type) => duckTypeOf(type) === undefined)) return false;
  return (
    canScan(metadata) &&
    schemaOf(metadata).fields.every(({ name, type }) => sameType(own.get(name) ?? type, type))
  );
}

/** Writes files one after another, and counts what became of their rows. */
export async function writeFiles(
  table: WorkingTable,
  definition: TableDefinition,
  stamp: Pick<LoadInfo, 'loadId' | 'startedAt' | 'day'>,
  { files, signal }: Pick<RowSet, 'files' | 'signal'>,
  tally: Tally,
): Promise<void> {
  const { engine } = files[0] as IncomingFile;
  const what = `writing table "${definition.name}"`;
  const run = (sql: string): Promise<DuckDBValue[][]> => engine.run(what, sql, signal);
  if (physicalKey(definition).length === 0) {
    for (const file of files) {
      const merge = new FileMerge(table.fields, definition, stamp, file);
      tally.inserted += await table.insertQuery(engine, merge.appendSql(), signal);
      file.requireUnchanged();
    }
    return;
  }
  await run('CREATE OR REPLACE TEMP TABLE gone (path VARCHAR, place BIGINT)');
  try {
    for (const file of files) {
      const merge = new FileMerge(table.fields, definition, stamp, file);
      const old = inScanOrder(await table.scanFiles());
      await run(merge.matchSql(old, await engine.emptyFile()));
      const [[count, distinct] = []] = await run('SELECT count(*), count(DISTINCT n) FROM matched');
      // Two rows of one key, as another program may have left them: the first counts.
      if (count !== distinct) await run(onlyFirst);
      const [sums = []] = await run('SELECT count(*), count(*) FILTER (changed) FROM matched');
      const [matched = 0, changed = 0] = sums.map(Number);
      tally.unchanged += matched - changed;
      tally.updated += changed;
      tally.inserted += file.rows - matched;
      if (changed > 0) {
        const changes = 'SELECT file, place FROM matched WHERE changed';
        for await (const rows of engine.stream(what, changes, signal)) {
          for (const [index, place] of rows) table.delete(old[Number(index)] as ScanFile, Number(place));
        }
        await run(
          `INSERT INTO gone SELECT path, place FROM matched JOIN ${pathsSql(old)} USING (file) WHERE changed`,
        );
      }
      if (changed > 0 || matched < file.rows) await table.insertQuery(engine, merge.writeSql(), signal);
    }
  } finally {
    await engine.run(what, 'DROP TABLE IF EXISTS matched; DROP TABLE IF EXISTS gone');
  }
}

const onlyFirst =
  'CREATE OR REPLACE TEMP TABLE matched AS SELECT DISTINCT ON (n) * FROM matched ORDER BY n, file, place';

function pathsSql(files: readonly ScanFile[]): string {
  const paths = files.map(({ entry }, index) => `(${index}, ${quoteText(entry.file.location)})`);
  return `(VALUES ${paths.join(', ')}) AS paths (file, path)`;
}

/** The statements for one file and one table. Rows of the file are `n`, rows of the table `o`, the two together `m`. */
class FileMerge {
  readonly #fields: readonly NestedField[];
  readonly #definition: TableDefinition;
  readonly #file: IncomingFile;
  readonly #places: ReadonlyMap<string, number>;
  readonly #stamps: ReadonlyMap<string, string>;

  constructor(
    fields: readonly NestedField[],
    definition: TableDefinition,
    stamp: Pick<LoadInfo, 'loadId' | 'startedAt' | 'day'>,
    file: IncomingFile,
  ) {
    this.#fields = fields;
    this.#definition = definition;
    this.#file = file;
    this.#places = new Map(definition.columns.map(({ name }, index) => [name, index]));
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

  /** The rows of the table that have a key of the file, with what an update keeps of them. */
  matchSql(files: readonly ScanFile[], emptyFile: string): string {
    const { write, primaryKey } = this.#definition;
    const keepsOld = write.mode === 'merge' && write.strategy === 'insert-only';
    const keys = this.#fields.filter(({ name }) => primaryKey.includes(name));
    const data = keepsOld
      ? []
      : this.#fields.filter(({ name }) => this.#places.has(name) && !primaryKey.includes(name));
    const kept = this.#fields.filter((field) => this.#isKept(field));
    const scanned = [...keys, ...data, ...kept].map((field): ScanColumn => ({
      id: field.id,
      name: field.name,
      duckType: duckTypeOf(field.type) as string,
    }));
    const differs = data.map(({ id, name }) => `o.f${id} IS DISTINCT FROM n.c${this.#placeOf(name)}`);
    const list = [
      'n.n',
      'o.file',
      'o.place',
      `${differs.length > 0 ? differs.join(' OR ') : 'false'} AS changed`,
      ...kept.map(({ id }) => `o.f${id}`),
    ];
    const on = keys.map(({ id, name }) => `o.f${id} = n.c${this.#placeOf(name)}`);
    // What this commit has deleted is left out last, where few rows are left: before the join it would be every row of the table.
    return (
      `CREATE OR REPLACE TEMP TABLE matched AS SELECT ${list.join(', ')} FROM (${placesSql(scanned, files, emptyFile)}) AS o ` +
      `JOIN (${this.#incoming()}) AS n ON ${on.join(' AND ')} ` +
      (files.length > 0
        ? `ANTI JOIN (SELECT file, place FROM gone JOIN ${pathsSql(files)} USING (path)) AS g ` +
          'ON o.file = g.file AND o.place = g.place'
        : '')
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
