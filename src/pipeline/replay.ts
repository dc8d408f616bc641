/** Second chance for rows in quarantine, after the schema was mended. */
import { redact } from '../logging/index.ts';
import { createLoadId, dayIn, tableOf, toTimestamp } from '../model/index.ts';
import type { Stream } from '../model/index.ts';
import { requireCommitted } from './commit.ts';
import { selectStreams } from './define.ts';
import type { Pipeline, RunOptions } from './define.ts';
import { StreamReplay } from './stream-replay.ts';
import type { ReplayReport } from './stream-replay.ts';

/**
 * Tries the rows in quarantine again. A row that fits the stream's schema now is written by the stream's write mode, and
 * leaves the quarantine in the same transaction; killed at any moment, no row is lost or stored twice. Of rows with one key the
 * one that its source gave last is what stays.
 *
 * A row never takes the place of one that a later load has brought, changed or not: it is dropped, and counted as superseded. A
 * row of the same load is no later one. This needs the key of the row as the source gave it, equal to its key in the table. Where
 * the schema makes another value of it (a date in another form, white space cut off), where it was no plain value, and for rows
 * that an earlier version of this package set aside, only the load that last changed the stored row is known: loads count as later by
 * the clock at their start, a replay as one of its own time, and those that found the row unchanged do not count.
 *
 * Left out are streams whose rows are swapped in as whole sets (`replace`, `delete-insert`, `scd2`), where a late row
 * would stand for the whole set; streams with `rowKey: 'hash'`, where a row's key depends on the rows read with it; and
 * streams whose key holds the day of the load, where a late row would pass for one of today.
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
  const streams = selectStreams(pipeline).filter(isReplayable);
  const session = await pipeline.destination.open({ signal });
  try {
    const loadId = createLoadId(startedAt);
    const load = await session.begin({
      loadId,
      pipeline: pipeline.name ?? pipeline.source.name,
      startedAt: toTimestamp(startedAt) as string,
      day: dayIn(pipeline.source.timeZone ?? 'UTC', startedAt),
      tables: streams.map((stream) => ({ ...tableOf(stream), atomic: false })),
      staged: false,
      signal,
    });
    try {
      const reports: ReplayReport[] = [];
      for (const stream of streams)
        reports.push(await new StreamReplay(stream, load, loadId, session.reader).run(signal));
      requireCommitted(await load.publish(), 'replay');
      return reports;
    } catch (error) {
      await load.abort(redact(error instanceof Error ? error.message : String(error)));
      throw error;
    }
  } finally {
    await session.close();
    await pipeline.source.close?.();
  }
}

function isReplayable({ write, rowKey, primaryKey = [] }: Stream): boolean {
  if (rowKey !== undefined || primaryKey.includes('_inserted_at_day')) return false;
  return write.mode === 'append' || (write.mode === 'merge' && /^(upsert|insert-only)$/.test(write.strategy));
}
