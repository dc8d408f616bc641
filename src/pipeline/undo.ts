/** Takes back a load. */
import { PlumbingError } from '../errors/index.ts';
import type { Destination, UndoReport } from '../model/index.ts';

/** Options of {@link undoLoad}. */
export interface UndoOptions {
  readonly signal?: AbortSignal;
}

/**
 * Takes back one load: its rows and cursors are what they were before it, in one commit, and its run record says `undone`. The next
 * run reads again what it had read. Rows in quarantine stay there.
 *
 * @param loadId the id in `report.loadId`, or in the output of `plumbing status`
 * @throws PlumbingError `UNDO_REFUSED` when a later load has touched the same rows or cursors, when the load is unknown, still
 * running or taken back already, or when the destination has kept nothing of how the rows were: nothing is changed then.
 * `DEST_BUSY` (retryable) when a load does not end in time; the other errors of the destination.
 *
 * @example
 * ```ts
 * const report = await run(pipeline);
 * await undoLoad(pipeline.destination, report.loadId);
 * ```
 */
export async function undoLoad(
  destination: Destination,
  loadId: string,
  options: UndoOptions = {},
): Promise<UndoReport> {
  const signal = options.signal ?? new AbortController().signal;
  // To open it to write would make a destination that is not there, and no load is in one.
  await (await destination.open({ readOnly: true, signal })).close();
  const session = await destination.open({ signal });
  try {
    if (session.undo) return await session.undo(loadId, signal);
    throw new PlumbingError(
      'UNDO_REFUSED',
      `${destination.location}: this destination can not take loads back`,
    );
  } finally {
    await session.close();
  }
}
