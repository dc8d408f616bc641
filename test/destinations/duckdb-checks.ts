/** One pipeline with checks in DuckDB's SQL, for any destination. */
import { expect } from 'vitest';
import { z } from 'zod';
import {
  customCheck,
  date,
  decimal,
  defineSource,
  defineStream,
  int64,
  json,
  run,
  sqlCheck,
  timestamp,
  unique,
} from '../../src/index.ts';
import type { Check, Destination, RunReport } from '../../src/index.ts';

const duckdb = { engine: 'duckdb' } as const;

/** A row of the table. */
export interface Sale {
  readonly id: number | bigint;
  readonly amount: string | null;
  readonly soldOn?: string;
  readonly soldAt?: string;
  readonly detail?: unknown;
  readonly note?: string;
}

/** Loads rows into `sales`, with checks. */
export async function loadSales(
  destination: Destination,
  rows: readonly Sale[],
  checks: readonly Check[],
): Promise<RunReport> {
  const sales = defineStream({
    name: 'sales',
    schema: z.object({
      id: int64(),
      amount: decimal(30, 2).nullable(),
      soldOn: date().optional(),
      soldAt: timestamp().optional(),
      detail: json().optional(),
      ...(rows.some(({ note }) => note !== undefined) && { note: z.string().optional() }),
    }),
    primaryKey: ['id'],
    write: 'upsert',
    async *read() {
      yield rows;
    },
  });
  const source = defineSource({ name: 'shop', streams: [sales] });
  return run({ source, destination, checks });
}

/** A check that holds when a SELECT of DuckDB's gives these rows. */
export function gives(name: string, sql: (table: string) => string, rows: readonly object[]): Check {
  return customCheck(
    name,
    'sales',
    async (query, table) => {
      const found = await query(sql(table));
      return JSON.stringify(found) === JSON.stringify(rows) || JSON.stringify(found);
    },
    duckdb,
  );
}

/** What every destination has to do alike. */
export async function expectDuckDbChecks(destination: Destination): Promise<void> {
  const exact = '1234567890123456789012345678.25';
  const first = await loadSales(
    destination,
    [
      {
        id: 1,
        amount: '1.5',
        soldOn: '2026-01-31',
        soldAt: '2026-01-31T10:00:00.123456Z',
        detail: { a: [1, 2] },
      },
      { id: 9_007_199_254_740_993n, amount: exact },
      { id: 3, amount: null },
    ],
    [
      gives(
        'types',
        (t) =>
          `SELECT typeof(id) AS i, typeof(amount) AS a, typeof(sold_on) AS d, typeof(sold_at) AS s, typeof(detail) AS j FROM ${t} LIMIT 1`,
        [{ i: 'BIGINT', a: 'DECIMAL(30,2)', d: 'DATE', s: 'TIMESTAMP WITH TIME ZONE', j: 'JSON' }],
      ),
      unique('sales', ['id']),
      gives('exact', (t) => `SELECT max(amount)::VARCHAR AS m, max(id)::VARCHAR AS i FROM ${t}`, [
        { m: exact, i: '9007199254740993' },
      ]),
      gives(
        'values',
        (t) =>
          `SELECT last_day(sold_on)::VARCHAR AS d, date_part('us', sold_at)::INT AS us, detail->'a'->>1 AS two FROM ${t} WHERE id = 1`,
        [{ d: '2026-01-31', us: 123_456, two: '2' }],
      ),
      sqlCheck('no_outlier', 'sales', (t) => `SELECT id FROM ${t} QUALIFY count(*) OVER () > 3`, duckdb),
    ],
  );
  expect(first.checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(first.status).toBe('succeeded');
  expect(first.checks.map(({ name }) => name)).toEqual([
    'types',
    'unique(id)',
    'exact',
    'values',
    'no_outlier',
  ]);

  // A row changes, one is new, and so is a column: checks see the table as it would be.
  const second = await loadSales(
    destination,
    [
      { id: 1, amount: '-2.25', note: 'returned' },
      { id: 4, amount: '4' },
    ],
    [
      gives(
        'as it would be',
        (t) => `SELECT id::INT AS id, amount::VARCHAR AS a, note FROM ${t} WHERE id < 5 ORDER BY ALL`,
        [
          { id: 1, a: '-2.25', note: 'returned' },
          { id: 3, a: null, note: null },
          { id: 4, a: '4.00', note: null },
        ],
      ),
    ],
  );
  expect(second.checks.filter(({ passed }) => !passed)).toEqual([]);

  const failing = await loadSales(
    destination,
    [{ id: 5, amount: '7', note: 'secret-note' }],
    [
      sqlCheck('found', 'sales', (t) => `SELECT * EXCLUDE (note) FROM ${t} WHERE id = 5`, duckdb),
      sqlCheck('no column', 'sales', (t) => `SELECT nowhere FROM ${t}`, duckdb),
      sqlCheck('files', 'sales', () => `SELECT * FROM read_text('/etc/hostname')`, duckdb),
      sqlCheck(
        'writes',
        'sales',
        (t) => `SELECT 1) AS x; COPY ${t} TO '/tmp/never.csv'; SELECT count(*) FROM (SELECT 1`,
        duckdb,
      ),
      sqlCheck('conversion', 'sales', (t) => `SELECT note::INT FROM ${t} WHERE note::INT > 0`, duckdb),
      unique('sales', ['id']),
    ],
  );
  expect(failing.status).toBe('checks_failed');
  expect(failing.checks).toMatchObject([
    { passed: false, message: '1 rows are wrong' },
    { passed: false, message: expect.stringMatching(/could not run.*"nowhere" not found/) as unknown },
    { passed: false, message: expect.stringMatching(/could not run.*Permission Error/) as unknown },
    { passed: false, message: expect.stringMatching(/could not run.*one SELECT at a time/) as unknown },
    {
      passed: false,
      message: expect.stringMatching(/could not run: DuckDB reports Conversion Error$/) as unknown,
    },
    { passed: true },
  ]);
  const third = await loadSales(
    destination,
    [],
    [gives('not published', (t) => `SELECT count(*)::INT AS n FROM ${t} WHERE id = 5`, [{ n: 0 }])],
  );
  expect(third.checks).toMatchObject([{ passed: true }]);
}
