/** Those who answer the questions of `bench/analytics.ts`, all in one process and with the threads that they take by default. */
import { DatabaseSync } from 'node:sqlite';
import { DuckDBInstance } from '@duckdb/node-api';
import { openAnalytics } from 'plumbing-core/analytics';
import { aliases, parquetPath, sqlitePath, tables } from './analytics-files.ts';
import type { Question } from './analytics-queries.ts';

/** Rows of an answer. */
export type Answer = readonly Readonly<Record<string, unknown>>[];

/** One who answers. */
export interface Contestant {
  readonly name: string;
  /** Money is a double for it: its sums may be off by a little. */
  readonly isRounded?: boolean;
  readonly ask: (question: Question) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

const attachment = (folder: string): Record<string, string> =>
  Object.fromEntries(aliases.map((alias) => [alias, sqlitePath(folder, alias)]));

async function library(name: string, folder: string, options: object): Promise<Contestant> {
  const db = await openAnalytics({ attach: attachment(folder), ...options });
  return { name, ask: ({ duck }) => db.query(duck).all(), close: () => db.close() };
}

/** The library, reading SQLite at each query. */
export const live = (folder: string): Promise<Contestant> => library('live', folder, {});

/** The library over its columnar copy. */
export const mirror = (folder: string): Promise<Contestant> => library('mirror', folder, { mirror: true });

/** SQLite alone. */
export function plainSqlite(folder: string): Contestant {
  const db = new DatabaseSync(':memory:');
  for (const alias of aliases) db.prepare(`ATTACH ? AS ${alias}`).run(sqlitePath(folder, alias));
  return {
    name: 'sqlite',
    ask: async ({ text }) => db.prepare(text).all(),
    close: async () => db.close(),
  };
}

/** DuckDB alone, over Parquet. */
export async function parquet(folder: string): Promise<Contestant> {
  const views = aliases.map(
    (alias) =>
      `CREATE SCHEMA ${alias}; CREATE VIEW ${alias}.${tables[alias]} AS FROM '${parquetPath(folder, alias)}'`,
  );
  return duckDb('parquet', views, {}, ({ duck }) => duck);
}

/** DuckDB with its own extension, at the path `extension`. It takes a DECIMAL column of SQLite for doubles. */
export async function sqliteExtension(folder: string, extension: string): Promise<Contestant> {
  const attached = aliases.map(
    (alias) => `ATTACH '${sqlitePath(folder, alias)}' AS ${alias} (TYPE sqlite, READ_ONLY)`,
  );
  const settings = { allow_unsigned_extensions: 'true' };
  const contestant = await duckDb(
    'extension',
    [`LOAD '${extension}'`, ...attached],
    settings,
    ({ text }) => text,
  );
  return { ...contestant, isRounded: true };
}

async function duckDb(
  name: string,
  setup: readonly string[],
  settings: Record<string, string>,
  sqlOf: (question: Question) => string,
): Promise<Contestant> {
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    ...settings,
  });
  const connection = await instance.connect();
  for (const sql of setup) await connection.run(sql);
  return {
    name,
    ask: async (question) => (await connection.runAndReadAll(sqlOf(question))).getRowObjectsJson(),
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
