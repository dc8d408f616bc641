/** Second chance for rows in quarantine, after the schema was mended. */
import { redact } from '../logging/index.ts';
import { createLoadId, dayIn, tableOf, toTimestamp } from '../model/index.ts';
import type { Condition, Load, Reader, Row, StoredQuarantinedRow, Stream, Value } from '../model/index.ts';
import { requireCommitted } from './commit.ts';
import { selectStreams } from './define.ts';
import type { Pipeline, RunOptions } from './define.ts';
import { RowShaper } from './row-shaper.ts';

/** What became of the quarantined rows of one stream. */
export interface ReplayReport {
  readonly stream: string;
  /** Rows that fit now and were stored. */
  readonly replayed: number;
  /** Rows that fit now, but a later load has stored their key: they were dropped. */
  readonly superseded: number;
  /** Rows that still do not fit and stay in quarantine. */
  readonly remaining: number;
}

/** Rows handled in one commit. */
const chunkRows = 1_000;

/**
 * Tries the rows in quarantine again. A row that fits the stream's schema now is written by the stream's write mode, and
 * leaves the quarantine in the same transaction; killed at any moment, no row is lost or stored twice. A row never takes
 * the place of one that a later load has written.
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
      for (const stream of streams) reports.push(await replayStream(stream, load, session.reader, signal));
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

async function replayStream(
  stream: Stream,
  load: Load,
  reader: Reader,
  signal: AbortSignal,
): Promise<ReplayReport> {
  const { name } = stream;
  // A row that still does not fit stays where it is; that is no reason to stop.
  const drift = stream.drift === 'freeze' ? 'quarantine' : (stream.drift ?? 'evolve');
  const shaper = new RowShaper({ ...stream, drift }, load.table(name));
  const total = { replayed: 0, superseded: 0, remaining: 0 };
  // The reader keeps to the snapshot with which it began: what is released meanwhile does not disturb it.
  for await (const chunk of chunksOf(reader.quarantined(name))) {
    signal.throwIfAborted();
    const { rows, rejected, changes } = shaper.shape(chunk.map(({ raw }) => raw));
    const before = shaper.rowsRead - chunk.length;
    const refused = new Set(rejected.map(({ index }) => index - before));
    const fitting = chunk.filter((_, offset) => !refused.has(offset));
    if (changes.length > 0) {
      const columns = changes.map(({ column }) => column);
      await load.evolve(name, columns);
    }
    const current: Row[] = [];
    for (const [index, { loadId }] of fitting.entries()) {
      const row = rows[index] as Row;
      if (!(await isSuperseded(reader, load, name, row, loadId))) current.push(row);
    }
    await load.write(name, current);
    await load.releaseQuarantine(
      name,
      fitting.map(({ id }) => id),
    );
    requireCommitted(await load.checkpoint([]), name);
    total.replayed += current.length;
    total.superseded += fitting.length - current.length;
    total.remaining += rejected.length;
  }
  requireCommitted(await load.finishTable(name, []), name);
  return { stream: name, ...total };
}

async function* chunksOf(rows: AsyncIterable<StoredQuarantinedRow>): AsyncIterable<StoredQuarantinedRow[]> {
  let chunk: StoredQuarantinedRow[] = [];
  for await (const row of rows) {
    chunk.push(row);
    if (chunk.length < chunkRows) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Whether the row's key was stored by a load after `loadId`. Load ids sort by time. */
async function isSuperseded(
  reader: Reader,
  load: Load,
  table: string,
  row: Row,
  loadId: string,
): Promise<boolean> {
  const { primaryKey, columns } = load.table(table);
  if (primaryKey.length === 0) return false;
  const where = primaryKey.map((column): Condition => {
    const index = columns.findIndex(({ name }) => name === column);
    return { column, op: '=', value: row[index] as Value };
  });
  const query = { columns: ['_plumbing_load_id'], where, limit: 1 };
  for await (const stored of reader.readRows(table, query)) {
    return (stored['_plumbing_load_id'] as string) > loadId;
  }
  return false;
}
