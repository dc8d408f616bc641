/** Runs checks over whatever SQL a destination offers. */
import { PlumbingError } from '../errors/index.ts';
import type { Check, CheckEngine, CheckQuery, CheckResult } from './check.ts';
import { quoteIdentifier } from './sql-text.ts';
import { untilAborted } from './until-aborted.ts';

type Rows = readonly Record<string, unknown>[];

const readStatement = /^\s*(select|with|values)\b/i;

/**
 * Runs every check, one after the other, in the order in which they are. A check that can't run has failed. Rejects with
 * the signal's reason when that aborts, also while a check waits for something.
 */
export async function runEach(
  checks: readonly Check[],
  queries: CheckQueries,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    const query = queries[check.engine ?? 'sqlite'];
    results.push(await untilAborted(runOne(check, query), signal));
  }
  return results;
}

/** The query of each engine. */
export type CheckQueries = Readonly<Record<CheckEngine, CheckQuery>>;

/** The tables that checks of an engine name. */
export function tablesOf(checks: readonly Check[], engine: CheckEngine): readonly string[] {
  const named = checks.filter((check) => (check.engine ?? 'sqlite') === engine);
  return [...new Set(named.map(({ table }) => table))];
}

async function runOne(check: Check, query: CheckQuery): Promise<CheckResult> {
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

/** A query for checks: it only reads, and its integers are numbers where that is exact. */
export function readOnlyQuery(select: (sql: string) => Rows | Promise<Rows>): CheckQuery {
  return async (sql) => {
    if (!readStatement.test(sql)) {
      throw new PlumbingError(
        'SCHEMA_INVALID',
        'a check may only read: its SQL must begin with SELECT, WITH or VALUES',
      );
    }
    return (await select(sql)).map((row) => {
      const cells = Object.entries(row).map(([name, value]) => [name, narrowed(value)]);
      return Object.fromEntries(cells) as Record<string, unknown>;
    });
  };
}

function narrowed(value: unknown): unknown {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
