/** From an SQL file of this folder to validated rows. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PlumbingError } from '../../../errors/index.ts';
import { date } from '../../../model/index.ts';
import type { AnalysisOptions, SqlRunner } from './sql-runner.ts';

/** Exact decimal text with four digits after the point, as all amounts of the analyses are. */
export const money = (): z.ZodString => z.string().regex(/^-?\d+\.\d{4}$/);

const dayOption = date().optional();

/**
 * Runs the SQL file `name` and validates its rows.
 *
 * @throws PlumbingError `CONFIG_INVALID` for an option that can't be meant, `ROW_INVALID` when the tables are not those
 * of this source; what the connection throws goes through.
 */
export async function runAnalysis<Row extends z.ZodType>(
  db: SqlRunner,
  name: string,
  row: Row,
  options: AnalysisOptions,
  params: Readonly<Record<string, unknown>> = {},
): Promise<z.output<Row>[]> {
  const { schema = 'bank', from, to, accountId } = options;
  for (const [option, value] of Object.entries({ from, to })) {
    if (!dayOption.safeParse(value).success)
      throw new PlumbingError('CONFIG_INVALID', `${option}: give a day as YYYY-MM-DD`);
  }
  const range = { from: from ?? null, to: to ?? null, account_id: accountId ?? null };
  const found = await db.query(sqlOf(name, schema), { ...range, ...params }).all();
  const parsed = z.array(row).safeParse(found);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new PlumbingError(
    'ROW_INVALID',
    `${name}: a row has an unexpected ${String(issue?.path[1] ?? 'shape')}; is ${schema} a database that the source comdirect was loaded into?`,
  );
}

/** The text of an SQL file, with the files it includes, over the tables of `schema`. */
export function sqlOf(name: string, schema: string): string {
  const text = readFileSync(new URL(`./${name}.sql`, import.meta.url), 'utf8');
  // In one pass: what is put in is not looked at again.
  return text.replace(/\{\{([a-z-]+)\}\}/g, (_, word: string) =>
    word === 'schema' ? quoted(schema) : sqlOf(word, schema).trimEnd(),
  );
}

function quoted(schema: string): string {
  if (schema === '' || schema.includes('\0') || !schema.isWellFormed())
    throw new PlumbingError('CONFIG_INVALID', 'schema: give the alias of the attached database');
  return `"${schema.replaceAll('"', '""')}"`;
}
