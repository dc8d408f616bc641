/** Runs checks over whatever SQL a destination offers. */
import { PlumbingError } from '../errors/index.ts';
import type { Check, CheckQuery, CheckResult } from './check.ts';

const readStatement = /^\s*(select|with|values)\b/i;

/** Runs every check, one after the other. A check that can't run has failed. `quote` makes a table's name one of SQL. */
export async function runEach(
  checks: readonly Check[],
  query: CheckQuery,
  quote: (table: string) => string,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) results.push(await runOne(check, query, quote));
  return results;
}

async function runOne(
  check: Check,
  query: CheckQuery,
  quote: (table: string) => string,
): Promise<CheckResult> {
  const { name, table } = check;
  try {
    const verdict = await check.verify(query, quote(table));
    return verdict === true
      ? { name, table, passed: true }
      : { name, table, passed: false, message: verdict };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { name, table, passed: false, message: `the check could not run: ${message}` };
  }
}

/** A query for checks: it only reads, and its integers are numbers where that is exact. */
export function readOnlyQuery(select: (sql: string) => readonly Record<string, unknown>[]): CheckQuery {
  return async (sql) => {
    if (!readStatement.test(sql)) {
      throw new PlumbingError(
        'SCHEMA_INVALID',
        'a check may only read: its SQL must begin with SELECT, WITH or VALUES',
      );
    }
    return select(sql).map((row) => {
      const cells = Object.entries(row).map(([name, value]) => [name, narrowed(value)]);
      return Object.fromEntries(cells) as Record<string, unknown>;
    });
  };
}

function narrowed(value: unknown): unknown {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
