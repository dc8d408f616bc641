/** Runs checks on the tables as the open transaction shows them. */
import { openDuckChecks } from '../../duckdb/check-database.ts';
import type { Check, CheckResult } from '../../model/index.ts';
import { readOnlyQuery, runEach, tablesOf } from '../../model/run-check.ts';
import type { SqliteConnection } from './connection.ts';
import { allRows } from './reader.ts';

/** Runs every check, one after the other. A check that can't run has failed. Those for DuckDB see copies of the tables that they name. */
export async function runChecks(
  connection: SqliteConnection,
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const { db } = connection;
  const sqlite = readOnlyQuery((sql) => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all();
  });
  // A check only looks; whatever its SQL says, it must not change what is about to be published.
  db.exec('PRAGMA query_only = ON');
  try {
    const tables = tablesOf(checks, 'duckdb');
    const duck = await openDuckChecks(tables, async (target) => {
      for (const table of tables) {
        const found = allRows(connection, table);
        if (found) await target.fill(table, found.columns, found.rows);
      }
      return [];
    });
    try {
      return await runEach(checks, { sqlite, duckdb: duck.query }, signal);
    } finally {
      duck.close();
    }
  } finally {
    db.exec('PRAGMA query_only = OFF');
  }
}
