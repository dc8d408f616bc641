/** Whether every row of a table has a key of its own. */
import type { NestedField } from '../../../iceberg/types.ts';
import type { WorkingTable } from '../working-table.ts';
import { canScan } from './can-scan.ts';
import { duckTypeOf } from './duck-types.ts';
import type { DuckEngine } from './engine.ts';
import { placesSql } from './scan-sql.ts';

/** Whether they have; false as well where DuckDB can't tell. */
export async function haveDistinctKeys(
  engine: DuckEngine,
  table: WorkingTable,
  key: readonly NestedField[],
): Promise<boolean> {
  if (!canScan(table.metadata)) return false;
  const columns = key.map(({ id, name, type }) => ({ id, name, duckType: duckTypeOf(type) as string }));
  const rows = placesSql(columns, await table.scanFiles());
  const names = columns.map(({ id }) => `f${id}`);
  const isWhole = names.map((name) => `${name} IS NOT NULL`).join(' AND ');
  const [counts = []] = await engine.run(
    'comparing the keys of a table',
    `SELECT (SELECT count(*) FROM (${rows})), (SELECT count(*) FROM (SELECT DISTINCT ${names.join(', ')} FROM (${rows}) WHERE ${isWhole}))`,
  );
  return counts[0] === counts[1];
}
