/** Runs checks on the tables as the open transaction shows them. */
import { PlumbingError } from '../../errors/index.ts';
import type { Check, CheckQuery, CheckResult } from '../../model/index.ts';
import { narrow } from './codec.ts';
import type { SqliteConnection } from './connection.ts';
import { quoteIdentifier } from './identifier.ts';

const readStatement = /^\s*(select|with|values)\b/i;

/** Runs every check, one after the other. A check that can't run has failed. */
export async function runChecks(
  connection: SqliteConnection,
  checks: readonly Check[],
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const query = readOnlyQuery(connection);
  // A check only looks; whatever its SQL says, it must not change what is about to be published.
  connection.db.exec('PRAGMA query_only = ON');
  try {
    for (const check of checks) results.push(await runCheck(check, query));
  } finally {
    connection.db.exec('PRAGMA query_only = OFF');
  }
  return results;
}

async function runCheck(check: Check, query: CheckQuery): Promise<CheckResult> {
  const { name, table } = check;
  try {
    const verdict = await check.verify(query, quoteIdentifier(table));
    return verdict === true
      ? { name, table, passed: true }
      : { name, table, passed: false, message: verdict };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { name, table, passed: false, message: `the check could not run: ${message}` };
  }
}

function readOnlyQuery({ db }: SqliteConnection): CheckQuery {
  return async (sql) => {
    if (!readStatement.test(sql)) {
      throw new PlumbingError(
        'SCHEMA_INVALID',
        'a check may only read: its SQL must begin with SELECT, WITH or VALUES',
      );
    }
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all().map((row) => {
      const cells = Object.entries(row).map(([name, value]) => [
        name,
        typeof value === 'bigint' ? narrow(value) : value,
      ]);
      return Object.fromEntries(cells) as Record<string, unknown>;
    });
  };
}
