/** Reads what a source gives, one item ahead of the one that is worked on. */
import { untilAborted } from '../model/until-aborted.ts';

/**
 * Asks for the next item while the current one is worked on: never more than one ahead. Ends with the signal's reason
 * at once, also when the source does not heed the signal.
 */
export async function* oneAhead<T>(
  items: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  let done = false;
  try {
    signal.throwIfAborted();
    let next = iterator.next();
    for (;;) {
      const result = await untilAborted(next, signal);
      if (result.done) {
        done = true;
        return;
      }
      next = iterator.next();
      // The rejection is seen at the next await; without this the process would end before.
      next.catch(() => undefined);
      yield result.value;
      signal.throwIfAborted();
    }
  } catch (error) {
    // A failed iterator has ended by itself; one that is aborted may never answer.
    done = true;
    if (signal.aborted) void iterator.return?.()?.catch(() => undefined);
    throw error;
  } finally {
    // It waits for the item that was asked for ahead, which may never come.
    const ended = done ? undefined : iterator.return?.();
    if (ended) await untilAborted(ended, signal);
  }
}
