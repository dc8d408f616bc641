/** The optional package that does the analytics. */
import { loadPeer } from '../errors/optional-peer.ts';

/** The module `@duckdb/node-api`. */
export type DuckDb = typeof import('@duckdb/node-api');

/**
 * Loads it.
 *
 * @throws PlumbingError `OPTIONAL_PEER_MISSING`, with the line that installs it.
 */
export function loadDuckDb(): Promise<DuckDb> {
  return loadPeer('@duckdb/node-api', () => import('@duckdb/node-api'));
}
