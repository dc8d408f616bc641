/** Runs checks on the tables as the open transaction shows them. */
import type { Check, CheckResult } from '../../model/index.ts';
import { readOnlyQuery, runEach } from '../../model/run-check.ts';
import type { SqliteConnection } from './connection.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';

/** Runs every check, one after the other. A check that can't run has failed. */
export async function runChecks({ db }: SqliteConnection, checks: readonly Check[]): Promise<CheckResult[]> {
  const query = readOnlyQuery((sql) => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all();
  });
  // A check only looks; whatever its SQL says, it must not change what is about to be published.
  db.exec('PRAGMA query_only = ON');
  try {
    return await runEach(checks, query, quoteIdentifier);
  } finally {
    db.exec('PRAGMA query_only = OFF');
  }
}
