/** Variables from a `.env` file. Imports no schema library, so that a command can read it at its very start. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { PlumbingError } from '../errors/index.ts';

/**
 * Adds the variables of a `.env` file to `env`. Variables that are set already win; a missing file is no error.
 *
 * @throws PlumbingError `CONFIG_INVALID` when the file exists but cannot be read.
 */
export function loadDotEnv(path = '.env', env: Record<string, string | undefined> = process.env): void {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new PlumbingError('CONFIG_INVALID', `${path} can't be read; check its permissions or remove it`, {
      cause,
    });
  }
  for (const [name, value] of Object.entries(parseEnv(text))) env[name] ??= value;
}
