/** Second chance for rows in quarantine, after the schema was mended. */
import { tableOf, toTimestamp } from '../model/index.ts';
import { requireCommitted } from './commit.ts';
import { selectStreams } from './define.ts';
import type { Pipeline, RunOptions } from './define.ts';
import { createLoadId } from './load-id.ts';
import { dayIn } from './day.ts';
import { RowShaper } from './row-shaper.ts';

/** What became of the quarantined rows of one stream. */
export interface ReplayReport {
  readonly stream: string;
  /** Rows that fit now and were stored. */
  readonly replayed: number;
  /** Rows that still do not fit and stay in quarantine. */
  readonly remaining: number;
}

/** Rows handled in one commit. */
const chunkRows = 1_000;

/**
 * Tries the rows in quarantine again. A row that fits the stream's schema now is written by the stream's write mode, and
 * leaves the quarantine in the same transaction; killed at any moment, no row is lost or stored twice.
 * Streams whose rows are swapped in as whole sets (`replace`, `delete-insert`, `scd2`) are left out: a late row would
 * stand for the whole set.
 *
 * @throws PlumbingError as `run` does.
 *
 * @example
 * ```ts
 * const reports = await replayQuarantine({ source: comdirect(), destination: sqlite('comdirect.db') });
 * ```
 */
export async function replayQuarantine(
  pipeline: Pipeline,
  options: RunOptions = {},
): Promise<readonly ReplayReport[]> {
  const signal = options.signal ?? new AbortController().signal;
  const startedAt = (options.now ?? (() => new Date()))();
  const streams = selectStreams(pipeline).filter(({ write }) => {
    return (
      write.mode === 'append' || (write.mode === 'merge' && /^(upsert|insert-only)$/.test(write.strategy))
    );
  });
  const session = await pipeline.destination.open({ signal });
  try {
    const load = await session.begin({
      loadId: createLoadId(startedAt),
      pipeline: pipeline.name ?? pipeline.source.name,
      startedAt: toTimestamp(startedAt) as string,
      day: dayIn(pipeline.source.timeZone ?? 'UTC', startedAt),
      tables: streams.map((stream) => ({ ...tableOf(stream), atomic: false })),
      staged: false,
      signal,
    });
    try {
      const reports: ReplayReport[] = [];
      for (const stream of streams) {
        // Read whole before anything is released: ids and reasons are few, and rows leave the table one commit at a time.
        const waiting = await Array.fromAsync(session.reader.quarantined(stream.name));
        const shaper = new RowShaper(
          { ...stream, drift: stream.drift === 'freeze' ? 'quarantine' : (stream.drift ?? 'evolve') },
          load.table(stream.name),
        );
        let replayed = 0;
        for (let first = 0; first < waiting.length; first += chunkRows) {
          signal.throwIfAborted();
          const chunk = waiting.slice(first, first + chunkRows);
          const { rows, rejected, changes } = shaper.shape(chunk.map(({ raw }) => raw));
          const refused = new Set(rejected.map(({ index }) => index - first));
          if (changes.length > 0)
            await load.evolve(
              stream.name,
              changes.map(({ column }) => column),
            );
          await load.write(stream.name, rows);
          await load.releaseQuarantine(
            stream.name,
            chunk.filter((_, offset) => !refused.has(offset)).map(({ id }) => id),
          );
          requireCommitted(await load.checkpoint([]), stream.name);
          replayed += rows.length;
        }
        requireCommitted(await load.finishTable(stream.name, []), stream.name);
        reports.push({ stream: stream.name, replayed, remaining: waiting.length - replayed });
      }
      requireCommitted(await load.publish(), 'replay');
      return reports;
    } catch (error) {
      await load.abort(error instanceof Error ? error.message : String(error));
      throw error;
    }
  } finally {
    await session.close();
    await pipeline.source.close?.();
  }
}
