/** What `bench/analytics.ts` asks questions about: three SQLite files, loaded with the library, and the same as Parquet. */
import { join } from 'node:path';
import { date, defineSource, defineStream, run } from 'plumbing-core';
import { openAnalytics } from 'plumbing-core/analytics';
import { sqlite } from 'plumbing-core/destinations/sqlite';
import { z } from 'zod';
import { makeRow, schema } from './rows.ts';
import type { Sent } from './rows.ts';

/** The files by alias: each holds one table. */
export const tables = { bank: 'transactions', people: 'accounts', budget: 'categories' } as const;
export type Alias = keyof typeof tables;
export const aliases = Object.keys(tables) as Alias[];

const accounts = Array.from({ length: 12 }, (_, i) => ({
  accountId: `${String(i).padStart(4, '0')}D19ABC929751BFAEE1F51C9F8C86F`,
  kind: ['checking', 'savings', 'card'][i % 3] as string,
  opened: `20${String(10 + i)}-01-15`,
}));
const categories = Array.from({ length: 200 }, (_, i) => ({
  counterparty: `Counterparty ${i} GmbH & Co. KG`,
  category: ['rent', 'food', 'travel', 'salary', 'insurance', 'other', 'energy'][i % 7] as string,
}));

export const sqlitePath = (folder: string, alias: Alias): string => join(folder, `${alias}.db`);
export const parquetPath = (folder: string, alias: Alias): string => join(folder, `${alias}.parquet`);

/** Rows of several accounts, else as `rows.ts` makes them. */
function transaction(i: number, count: number, version: number): Sent {
  return {
    ...makeRow(i, count, version),
    accountId: (accounts[i % accounts.length] as { accountId: string }).accountId,
  };
}

/** Loads transactions `from` to `to` of about `count`. */
export async function loadTransactions(
  folder: string,
  { from, to, count, version }: { from: number; to: number; count: number; version: number },
): Promise<void> {
  await load(folder, 'bank', schema, ['account_id', 'reference'], function* () {
    for (let i = from; i < to; i += 1_000) {
      yield Array.from({ length: Math.min(1_000, to - i) }, (_, j) => transaction(i + j, count, version));
    }
  });
}

/** Loads the two small tables. */
export async function loadSmall(folder: string): Promise<void> {
  const account = z.object({ accountId: z.string(), kind: z.string(), opened: date() });
  await load(folder, 'people', account, ['account_id'], () => [accounts]);
  const category = z.object({ counterparty: z.string(), category: z.string() });
  await load(folder, 'budget', category, ['counterparty'], () => [categories]);
}

async function load(
  folder: string,
  alias: Alias,
  rowSchema: z.ZodObject,
  primaryKey: readonly string[],
  batches: () => Iterable<readonly unknown[]>,
): Promise<void> {
  const stream = defineStream({
    name: tables[alias],
    schema: rowSchema,
    primaryKey,
    async *read() {
      yield* batches();
    },
  });
  const report = await run({
    source: defineSource({ name: 'bench', streams: [stream] }),
    destination: sqlite(sqlitePath(folder, alias)),
  });
  if (report.status !== 'succeeded') throw new Error(JSON.stringify(report));
}

/** Writes the tables as Parquet, with the types that they have in the library: DECIMAL(15,2), DATE. */
export async function exportParquet(folder: string): Promise<void> {
  const attach = Object.fromEntries(aliases.map((alias) => [alias, sqlitePath(folder, alias)]));
  await using db = await openAnalytics({ attach });
  for (const alias of aliases) {
    await db
      .query(`COPY (FROM ${alias}.${tables[alias]}) TO '${parquetPath(folder, alias)}' (FORMAT parquet)`)
      .all();
  }
}
