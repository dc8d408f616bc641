/** Brings the rows of a file into a table by its write mode, without their passing through JavaScript. */
import type { DuckDBValue } from '@duckdb/node-api';
import { allOf } from '../../../iceberg/all-of.ts';
import type { TableMetadata } from '../../../iceberg/metadata.ts';
import { schemaOf } from '../../../iceberg/metadata.ts';
import type { ScanFile } from '../../../iceberg/scan.ts';
import { sameType } from '../../../iceberg/types.ts';
import type { LoadInfo, TableDefinition } from '../../../model/index.ts';
import { physicalColumns, physicalKey } from '../../../model/table-layout.ts';
import { codecOf } from '../cell-codec.ts';
import type { RowSet } from '../row-set.ts';
import type { Tally } from '../tally.ts';
import type { WorkingTable } from '../working-table.ts';
import { canScan } from './can-scan.ts';
import { duckTypeOf } from './duck-types.ts';
import type { DuckEngine } from './engine.ts';
import type { IncomingFile } from './incoming-file.ts';
import { FileMerge, pathsSql } from './file-merge.ts';
import { inScanOrder } from './scan-sql.ts';

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
  { files, rows: rest, signal }: Pick<RowSet, 'files' | 'rows' | 'signal'>,
  tally: Tally,
): Promise<void> {
  const { engine } = files[0] as IncomingFile;
  const what = `writing table "${definition.name}"`;
  const run = (sql: string): Promise<DuckDBValue[][]> => engine.run(what, sql, signal);
  if (physicalKey(definition).length === 0) {
    for (const file of files) {
      const merge = new FileMerge(table.fields, definition, stamp, file);
      const inserted = await table.insertQuery(engine, merge.appendSql(), signal);
      file.requireUnchanged(inserted);
      tally.inserted += inserted;
    }
    return;
  }
  const isOne = files.length === 1;
  if (!isOne) await run('CREATE OR REPLACE TEMP TABLE gone (path VARCHAR, place BIGINT)');
  try {
    for (const file of files) {
      const old = inScanOrder(await table.scanFiles());
      const merge = new FileMerge(table.fields, definition, stamp, file, {
        files: old,
        emptyFile: engine.emptyFile,
      });
      const { rows: matched, changed, changedByFile } = await match(merge, isOne, run);
      tally.unchanged += matched - changed;
      tally.updated += changed;
      tally.inserted += file.rows - matched;
      // Where more rows follow, more of them may go.
      const isLast = isOne && rest.length === 0;
      const works: Promise<unknown>[] = [];
      if (changed > 0) works.push(deleteChanged(table, old, { changedByFile, isLast, engine, what, signal }));
      if (changed > 0 && !isOne) works.push(run(goneSql(old)));
      // Files of deleted rows are stored while DuckDB writes the next statement's.
      if (changed > 0 || matched < file.rows) works.push(table.insertQuery(engine, merge.writeSql(), signal));
      await allOf(works);
    }
  } finally {
    await engine.run(what, 'DROP TABLE IF EXISTS matched; DROP TABLE IF EXISTS gone');
  }
}

/** From so many rows of a file on DuckDB writes the list of them; fewer are quicker counted out to JavaScript. */
const manyRows = 1_000;

interface Changed {
  readonly changedByFile: ReadonlyMap<number, number>;
  /** Nothing else of this commit changes the table afterwards. */
  readonly isLast: boolean;
  readonly engine: DuckEngine;
  readonly what: string;
  readonly signal: AbortSignal;
}

/** Deletes rows that come back in a new form. */
async function deleteChanged(
  table: WorkingTable,
  files: readonly ScanFile[],
  { changedByFile, isLast, engine, what, signal }: Changed,
): Promise<void> {
  const done: number[] = [];
  for (const [index, rows] of isLast ? changedByFile : []) {
    if (rows < manyRows) continue;
    const query = `SELECT place FROM matched WHERE changed AND file = ${index}`;
    const file = files[index] as ScanFile;
    if (await table.deletePlaces(file, rows, { engine, query, signal })) done.push(index);
  }
  if (done.length === changedByFile.size) return;
  const others = done.length > 0 ? ` AND file NOT IN (${done.join(', ')})` : '';
  const places = engine.stream(what, `SELECT file, place FROM matched WHERE changed${others}`, signal);
  for await (const rows of places) {
    for (const [index, place] of rows) table.delete(files[Number(index)] as ScanFile, Number(place));
  }
}

function goneSql(files: readonly ScanFile[]): string {
  return `INSERT INTO gone SELECT path, place FROM matched JOIN ${pathsSql(files)} USING (file) WHERE changed`;
}

/** What a file has in common with the table. */
interface Matched {
  readonly rows: number;
  readonly changed: number;
  /** Of the changed ones, by place of the file that holds them. */
  readonly changedByFile: ReadonlyMap<number, number>;
}

/** Finds the rows of a file in the table. */
async function match(
  merge: FileMerge,
  isOne: boolean,
  run: (sql: string) => Promise<DuckDBValue[][]>,
): Promise<Matched> {
  await run(merge.matchSql(isOne));
  let [matched, distinct] = await count(run);
  // Two rows of one key, as another program may have left them: the first counts.
  const hasTwins = matched.rows !== distinct;
  if (hasTwins) await run(onlyFirst);
  const compareSql = matched.changed < matched.rows ? merge.compareSql() : undefined;
  if (compareSql !== undefined) await run(compareSql);
  if (hasTwins || compareSql !== undefined) [matched] = await count(run);
  return matched;
}

async function count(
  run: (sql: string) => Promise<DuckDBValue[][]>,
): Promise<[matched: Matched, distinct: number]> {
  const files = await run(
    'SELECT file, count(*), count(*) FILTER (changed), (SELECT count(DISTINCT n) FROM matched) FROM matched GROUP BY file',
  );
  const changedByFile = new Map<number, number>();
  let rows = 0;
  let changed = 0;
  let distinct = 0;
  for (const row of files) {
    const [file = 0, all = 0, different = 0, keys = 0] = row.map(Number);
    rows += all;
    changed += different;
    distinct = keys;
    if (different > 0) changedByFile.set(file, different);
  }
  return [{ rows, changed, changedByFile }, distinct];
}

const onlyFirst =
  'CREATE OR REPLACE TEMP TABLE matched AS SELECT DISTINCT ON (n) * FROM matched ORDER BY n, file, place';
