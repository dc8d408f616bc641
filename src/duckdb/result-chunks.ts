/** The rows of a result that DuckDB hands out while it is still finding more. */
import type { DuckDBDataChunk, DuckDBResult } from '@duckdb/node-api';

/** A result that failed after its first rows. DuckDB's package does not hand on why. */
export class BrokenResultError extends Error {
  override readonly name = 'BrokenResultError';
}

/**
 * All chunks of a result.
 *
 * @throws BrokenResultError when the statement fails on the way; the signal's reason once it is aborted
 */
export async function* resultChunks(
  result: DuckDBResult,
  signal: AbortSignal | undefined,
): AsyncGenerator<DuckDBDataChunk> {
  const isStreaming = result.isStreaming;
  let rows = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    signal?.throwIfAborted();
    if (!chunk || chunk.rowCount === 0) break;
    rows += chunk.rowCount;
    yield chunk;
  }
  // One that breaks gives no error but an empty chunk, as at its end. Only with an error it is no longer called streaming.
  if (isStreaming && !result.isStreaming) throw new BrokenResultError(`failed after ${rows} rows`);
}
