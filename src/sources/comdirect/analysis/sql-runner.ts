/** What the analyses ask of whoever runs their SQL. */

/**
 * A connection that answers DuckDB SQL over the tables of this source, such as `openAnalytics()` gives. Parameters are
 * named (`$from` is `from`) and bound. Values come back exact: DECIMAL as text with its scale, DATE as `YYYY-MM-DD`.
 */
export interface SqlRunner {
  query(
    sql: string,
    params?: Readonly<Record<string, unknown>>,
  ): { all(): Promise<readonly Readonly<Record<string, unknown>>[]> };
}

/** Which tables and rows to look at. */
export interface AnalysisOptions {
  /** The alias under which the database is attached. Default `bank`. */
  readonly schema?: string;
  /** The first day, `YYYY-MM-DD`, included. Default: as far back as there are rows. */
  readonly from?: string;
  /** The last day, `YYYY-MM-DD`, included. Default: the newest there is. */
  readonly to?: string;
  /** Only this account. Default: all. */
  readonly accountId?: string;
}
