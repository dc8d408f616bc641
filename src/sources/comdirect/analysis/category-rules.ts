/** Rules that give a booking its category: a small JSON file that a person can edit. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { PlumbingError } from '../../../errors/index.ts';
import type { SqlRunner } from './sql-runner.ts';

const pattern = z
  .string()
  .min(1)
  .max(1000)
  .refine((text) => text.isWellFormed());
const patterns = z.union([pattern, z.array(pattern).min(1).max(1000)]);
const ruleSchema = z
  .strictObject({
    category: z.string().min(1).max(100),
    text: patterns.optional(),
    regex: patterns.optional(),
  })
  .refine(({ text, regex }) => text !== undefined || regex !== undefined, 'give text, regex or both');
const rulesSchema = z.array(ruleSchema).max(1000);

/**
 * One rule. It matches a booking when one of its patterns is found in the counterparty's name, a space and the
 * remittance text, whatever the case. `text` is taken literally; `regex` is a regular expression of DuckDB (RE2: no
 * look-around, no back references, and no input that makes it slow).
 */
export type CategoryRule = z.output<typeof ruleSchema>;

/**
 * Checks rules that come from outside.
 *
 * @throws PlumbingError `CONFIG_INVALID`, naming the first rule that is wrong.
 */
export function parseCategoryRules(value: unknown, where = 'rules'): CategoryRule[] {
  const parsed = rulesSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = (issue?.path ?? []).join('.');
  throw new PlumbingError(
    'CONFIG_INVALID',
    `${where}: rule ${at === '' ? 'list' : at}: ${issue?.message ?? 'invalid'}; a rule is { "category": "...", "text": "..." or ["..."], "regex": ... }`,
  );
}

/**
 * Reads a rule file.
 *
 * @throws PlumbingError `CONFIG_INVALID` when it can't be read, is no JSON or no list of rules.
 */
export async function loadCategoryRules(path: string): Promise<CategoryRule[]> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? 'it is no JSON' : "it can't be read";
    throw new PlumbingError('CONFIG_INVALID', `${path}: ${reason}`, { cause });
  }
  return parseCategoryRules(value, path);
}

/** The rules of `default-categories.json`: German shops and words. A start for a file of one's own. */
export function defaultCategoryRules(): CategoryRule[] {
  const file = new URL('./default-categories.json', import.meta.url);
  return parseCategoryRules(JSON.parse(readFileSync(file, 'utf8')));
}

/** The rules as the one parameter that SQL gets: a pattern each, in order. */
export function rulesParameter(rules: readonly CategoryRule[]): string {
  const flat = parseCategoryRules(rules).flatMap(({ category, text = [], regex = [] }) => [
    ...[text].flat().map((one) => ({ category, text: one, regex: null })),
    ...[regex].flat().map((one) => ({ category, text: null, regex: one })),
  ]);
  return JSON.stringify(flat.map((rule, position) => ({ position, ...rule })));
}

/**
 * Tries each regular expression alone, so that the error can name the one that is wrong.
 *
 * @throws PlumbingError `CONFIG_INVALID`
 */
export async function checkRegexes(db: SqlRunner, rules: readonly CategoryRule[]): Promise<void> {
  for (const [index, { category, regex = [] }] of rules.entries()) {
    for (const one of [regex].flat()) {
      try {
        await db
          .query("SELECT regexp_matches('', CAST($regex AS VARCHAR), 'i') AS matches", { regex: one })
          .all();
      } catch (cause) {
        throw new PlumbingError(
          'CONFIG_INVALID',
          `rule ${index} (${category}): the regular expression ${JSON.stringify(one)} is not one that DuckDB understands`,
          { cause },
        );
      }
    }
  }
}
