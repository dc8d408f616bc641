/** The optional package that does the analytics. */
import { PlumbingError } from '../errors/index.ts';

/** The module `@duckdb/node-api`. */
export type DuckDb = typeof import('@duckdb/node-api');

/**
 * Loads it.
 *
 * @throws PlumbingError `OPTIONAL_PEER_MISSING`, with the line that installs it.
 */
export async function loadDuckDb(): Promise<DuckDb> {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes('@duckdb/node-api')) throw cause;
    throw new PlumbingError(
      'OPTIONAL_PEER_MISSING',
      'analytics need the package @duckdb/node-api, which is optional; install it with: npm install @duckdb/node-api',
      { cause },
    );
  }
}
