/** Reads configuration from environment variables, with one clear error for all that is wrong. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { PlumbingError } from '../errors/index.ts';
import { Secret } from '../logging/index.ts';

/** Environment variables by name, e.g. `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A variable that holds a secret, as a `Secret`. `expected` says in errors what belongs there.
 *
 * @example
 * ```ts
 * readConfig({ SHOP_TOKEN: secretVariable('the API token, from Settings > API') });
 * ```
 */
export function secretVariable(expected: string): z.ZodType<Secret, string> {
  return z
    .string()
    .transform((value) => new Secret(value))
    .describe(expected);
}

/**
 * Validates named variables, each with a zod type over its text (`undefined` when unset or empty).
 *
 * @throws PlumbingError `CONFIG_INVALID` naming every variable that is missing or wrong, and what is expected; never
 * its value.
 *
 * @example
 * ```ts
 * const { API_KEY } = readConfig({ API_KEY: z.string().transform((key) => new Secret(key)) });
 * ```
 */
export function readConfig<S extends Readonly<Record<string, z.ZodType>>>(
  variables: S,
  env: Environment = process.env,
): { [K in keyof S]: z.output<S[K]> } {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, schema] of Object.entries(variables)) {
    const text = env[name] === '' ? undefined : env[name];
    const result = schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else if (text === undefined) problems.push(`${name} is not set${expectation(schema)}`);
    else problems.push(`${name}: ${result.error.issues[0]?.message ?? 'invalid'}`);
  }
  if (problems.length > 0) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      `configuration: ${problems.join('; ')}. Set these in the environment (the plumbing command also reads .env; in a program: node --env-file=.env, or loadDotEnv())`,
    );
  }
  return values as { [K in keyof S]: z.output<S[K]> };
}

function expectation(schema: z.ZodType): string {
  return schema.description === undefined ? '' : ` (${schema.description})`;
}

/**
 * The folder for tokens and counters: `PLUMBING_STATE_DIR`, else the platform's place for state
 * (`$XDG_STATE_HOME/plumbing` or `~/.local/state/plumbing`, `%LOCALAPPDATA%\plumbing` on Windows).
 */
export function stateFolder(env: Environment = process.env): string {
  const given = env['PLUMBING_STATE_DIR'];
  if (given) return given;
  const base = process.platform === 'win32' ? env['LOCALAPPDATA'] : env['XDG_STATE_HOME'];
  return join(base || join(homedir(), '.local', 'state'), 'plumbing');
}
