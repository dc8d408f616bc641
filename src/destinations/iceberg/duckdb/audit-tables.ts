/** Tables for checks in DuckDB's SQL: views over their files, which are fetched first where they are not local. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckChecks } from '../../../duckdb/check-database.ts';
import type { CheckDatabase, DuckChecks } from '../../../duckdb/check-database.ts';
import type { LoadedTable } from '../../../iceberg/catalog.ts';
import { FileCache } from '../../../iceberg/file-cache.ts';
import { schemaOf } from '../../../iceberg/metadata.ts';
import type { Snapshot } from '../../../iceberg/metadata.ts';
import { planScan } from '../../../iceberg/scan.ts';
import type { ScanFile } from '../../../iceberg/scan.ts';
import { fieldByName } from '../../../iceberg/schema.ts';
import type { Column } from '../../../model/index.ts';
import type { Lakehouse } from '../lakehouse.ts';
import { IcebergReader } from '../reader.ts';
import { canScan } from './can-scan.ts';
import { duckTypeOf } from './duck-types.ts';
import { filesOf, localPath, rowsSql } from './scan-sql.ts';
import type { ScanColumn } from './scan-sql.ts';

/** A table as checks are to see it. */
export interface AuditedTable {
  readonly loaded: LoadedTable;
  readonly columns: readonly Column[];
  readonly snapshot: Snapshot | undefined;
}

/** Makes the tables that `find` knows. Fetched files go when the result is closed. */
export async function duckChecks(
  house: Lakehouse,
  tables: readonly string[],
  find: (table: string) => Promise<AuditedTable | undefined>,
): Promise<DuckChecks> {
  const folder =
    house.isLocal || tables.length === 0 ? undefined : mkdtempSync(join(tmpdir(), 'plumbing-audit-'));
  const cache = folder === undefined ? undefined : new FileCache(house.io, folder);
  const remove = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const duck = await openDuckChecks(tables, async (db) => {
      const files: string[] = [];
      for (const table of tables) {
        const found = await find(table);
        if (found) files.push(...(await show(db, house, found, cache)));
      }
      return files;
    });
    return {
      query: duck.query,
      close() {
        duck.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

async function show(
  db: CheckDatabase,
  house: Lakehouse,
  { loaded, columns, snapshot }: AuditedTable,
  cache: FileCache | undefined,
): Promise<readonly string[]> {
  const { name } = loaded.identifier;
  const scanned = scanColumns(loaded, columns, snapshot);
  if (!scanned) {
    // Its files are not all as DuckDB needs them: the rows go through the reader that knows them all.
    const rows = new IcebergReader(house).readSnapshot(loaded, snapshot, {}, columns);
    await db.fill(name, columns, rows);
    return [];
  }
  const files = await planScan(house.manifests, loaded.metadata, snapshot);
  const pathOf = cache ? await fetched(cache, files) : localPath;
  await db.show(name, columns, rowsSql(scanned, files, pathOf));
  return filesOf(files).map(({ location }) => pathOf(location));
}

async function fetched(cache: FileCache, files: readonly ScanFile[]): Promise<(location: string) => string> {
  const paths = await cache.fetch(
    filesOf(files).map(({ location, fileSizeBytes }) => ({ location, sizeBytes: Number(fileSizeBytes) })),
  );
  return (location) => paths.get(location) ?? location;
}

/** The columns as DuckDB finds them in the files; `undefined` when it can't. */
function scanColumns(
  { metadata }: LoadedTable,
  columns: readonly Column[],
  snapshot: Snapshot | undefined,
): ScanColumn[] | undefined {
  if (!canScan(metadata)) return undefined;
  const current = metadata['current-schema-id'];
  const schema = schemaOf(metadata, Math.max(snapshot?.['schema-id'] ?? current, current));
  const scanned: ScanColumn[] = [];
  for (const { name } of columns) {
    const field = fieldByName(schema, name);
    const duckType = field && duckTypeOf(field.type);
    if (!field || duckType === undefined) return undefined;
    scanned.push({ id: field.id, name, duckType });
  }
  return scanned;
}
