/** Brings the rows of a file into a table by its write mode, without their passing through JavaScript. */
import type { DuckDBValue } from '@duckdb/node-api';
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
      tally.inserted += await table.insertQuery(engine, merge.appendSql(), signal);
      file.requireUnchanged();
    }
    return;
  }
  const isOne = files.length === 1;
  if (!isOne) await run('CREATE OR REPLACE TEMP TABLE gone (path VARCHAR, place BIGINT)');
  try {
    for (const file of files) {
      const emptyFile = await engine.emptyFile();
      const old = inScanOrder(await table.scanFiles());
      const merge = new FileMerge(table.fields, definition, stamp, file, { files: old, emptyFile });
      const [matched, changed] = await match(merge, isOne, run);
      tally.unchanged += matched - changed;
      tally.updated += changed;
      tally.inserted += file.rows - matched;
      if (changed > 0) {
        const changes = 'SELECT file, place FROM matched WHERE changed';
        for await (const rows of engine.stream(what, changes, signal)) {
          for (const [index, place] of rows) table.delete(old[Number(index)] as ScanFile, Number(place));
        }
        if (!isOne)
          await run(
            `INSERT INTO gone SELECT path, place FROM matched JOIN ${pathsSql(old)} USING (file) WHERE changed`,
          );
      }
      if (changed === 0 && matched === file.rows) continue;
      const inserting = table.insertQuery(engine, merge.writeSql(), signal);
      // DuckDB writes on threads of its own. Where more rows follow, more may go.
      await (isOne && rest.length === 0 ? allOf(inserting, table.writeDeletes()) : inserting);
    }
  } finally {
    await engine.run(what, 'DROP TABLE IF EXISTS matched; DROP TABLE IF EXISTS gone');
  }
}

/** Waits for both, also when one has failed: files that are still being written could not be removed. */
async function allOf(...works: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Finds the rows of a file in the table; says how many are there, and how many of them change. */
async function match(
  merge: FileMerge,
  isOne: boolean,
  run: (sql: string) => Promise<DuckDBValue[][]>,
): Promise<[matched: number, changed: number]> {
  const count = async (): Promise<number[]> => {
    const [sums = []] = await run(
      'SELECT count(*), count(*) FILTER (changed), count(DISTINCT n) FROM matched',
    );
    return sums.map(Number);
  };
  await run(merge.matchSql(isOne));
  let [matched = 0, changed = 0, distinct = 0] = await count();
  // Two rows of one key, as another program may have left them: the first counts.
  if (matched !== distinct) await run(onlyFirst);
  const compareSql = changed < matched ? merge.compareSql() : undefined;
  if (compareSql !== undefined) await run(compareSql);
  if (matched !== distinct || compareSql !== undefined) [matched = 0, changed = 0] = await count();
  return [matched, changed];
}

const onlyFirst =
  'CREATE OR REPLACE TEMP TABLE matched AS SELECT DISTINCT ON (n) * FROM matched ORDER BY n, file, place';
