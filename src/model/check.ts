/** Audit checks: what must hold before rows are published. */

/** Runs one SELECT and gives its rows as objects. */
export type CheckQuery = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** A condition on a table. Make one with `noNulls`, `unique`, `rowCount`, `freshness`, `sqlCheck` or `customCheck`. */
export interface Check {
  readonly name: string;
  readonly table: string;
  /** Whose SQL it speaks. Default: that of SQLite. */
  readonly engine?: CheckEngine;
  /** Resolves to `true`, or to a sentence that says what is wrong. `table` is the table's quoted name in the destination's SQL. */
  verify(query: CheckQuery, table: string): Promise<true | string>;
}

/**
 * Whose SQL a check speaks, whatever the destination. `duckdb` needs the package `@duckdb/node-api`; without it the check fails.
 * Its queries see the tables that checks with this engine name, with exact types, and nothing else.
 */
export type CheckEngine = 'sqlite' | 'duckdb';

/** Options of {@link sqlCheck} and {@link customCheck}. */
export interface SqlCheckOptions {
  readonly engine?: CheckEngine;
}

/** How a check ended. */
export interface CheckResult {
  readonly name: string;
  readonly table: string;
  readonly passed: boolean;
  /** What is wrong, for a failed check. */
  readonly message?: string;
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** SQL counts arrive as number or bigint, whatever the driver gives. */
const toNumber = (value: unknown): number => (typeof value === 'bigint' ? Number(value) : Number(value ?? 0));

async function count(query: CheckQuery, sql: string): Promise<number> {
  const [row] = await query(sql);
  return toNumber(row?.['n']);
}

/**
 * No row of `table` lacks a value in `column`.
 *
 * @example
 * ```ts
 * await run({ source, destination, checks: [noNulls('account_transactions__booked', 'amount__value')] });
 * ```
 */
export function noNulls(table: string, column: string): Check {
  return {
    name: `no_nulls(${column})`,
    table,
    async verify(query, name) {
      const n = await count(query, `SELECT count(*) AS n FROM ${name} WHERE ${quote(column)} IS NULL`);
      return n === 0 || `${n} rows have no ${column}`;
    },
  };
}

/** No two rows of `table` share the values of `columns`. */
export function unique(table: string, columns: readonly string[]): Check {
  const list = columns.map(quote).join(', ');
  return {
    name: `unique(${columns.join(', ')})`,
    table,
    async verify(query, name) {
      const sql = `SELECT count(*) AS n FROM (SELECT 1 FROM ${name} GROUP BY ${list} HAVING count(*) > 1) AS twins`;
      const n = await count(query, sql);
      return n === 0 || `${n} values of (${columns.join(', ')}) occur more than once`;
    },
  };
}

/** `table` has at least `min` and at most `max` rows. */
export function rowCount(table: string, bounds: { readonly min?: number; readonly max?: number }): Check {
  const { min, max } = bounds;
  const wanted =
    max === undefined ? `at least ${min ?? 0}` : min === undefined ? `at most ${max}` : `${min} to ${max}`;
  return {
    name: `row_count(${min ?? ''}..${max ?? ''})`,
    table,
    async verify(query, name) {
      const n = await count(query, `SELECT count(*) AS n FROM ${name}`);
      return (n >= (min ?? 0) && n <= (max ?? Number.POSITIVE_INFINITY)) || `${n} rows, expected ${wanted}`;
    },
  };
}

/** The newest date or timestamp in `column` is at most `maxAgeDays` older than `now` (default: the clock). */
export function freshness(
  table: string,
  column: string,
  options: { readonly maxAgeDays: number; readonly now?: () => Date },
): Check {
  return {
    name: `freshness(${column})`,
    table,
    async verify(query, name) {
      const [row] = await query(`SELECT CAST(max(${quote(column)}) AS VARCHAR) AS newest FROM ${name}`);
      const newest = row?.['newest'];
      if (typeof newest !== 'string') return `no row has a ${column}`;
      const ageDays = ((options.now?.() ?? new Date()).getTime() - Date.parse(newest)) / 86_400_000;
      return (
        ageDays <= options.maxAgeDays ||
        `the newest ${column} is ${newest}, older than ${options.maxAgeDays} days`
      );
    },
  };
}

/**
 * A SELECT that finds the rows that are wrong; the check holds when it finds none.
 *
 * @example
 * ```ts
 * sqlCheck('no_future_bookings', 'account_transactions__booked',
 *   (table) => `SELECT 1 FROM ${table} WHERE booking_date > '2030-01-01'`);
 * sqlCheck('no_outlier', 'orders',
 *   (table) => `SELECT 1 FROM ${table} QUALIFY amount > 100 * median(amount) OVER ()`, { engine: 'duckdb' });
 * ```
 */
export function sqlCheck(
  name: string,
  table: string,
  wrongRows: (table: string) => string,
  { engine = 'sqlite' }: SqlCheckOptions = {},
): Check {
  return {
    name,
    table,
    engine,
    async verify(query, quoted) {
      const n = await count(query, `SELECT count(*) AS n FROM (${wrongRows(quoted)}) AS wrong_rows`);
      return n === 0 || `${n} rows are wrong`;
    },
  };
}

/** Any condition, as a function over queries. It returns `true`, or a sentence that says what is wrong. */
export function customCheck(
  name: string,
  table: string,
  verify: (query: CheckQuery, table: string) => Promise<true | string>,
  { engine = 'sqlite' }: SqlCheckOptions = {},
): Check {
  return { name, table, engine, verify };
}
