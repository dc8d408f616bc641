/** Counts the lines of large files on several threads. */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { countLinesOf, lineAt } from './count-lines.ts';
import type { FilePart } from './count-lines.ts';
import type { CountTask } from './count-lines-worker.ts';

/** Smaller parts are read before a thread has started. */
const leastPartBytes = 32 * 1024 * 1024;
const maxThreads = 4;

/** As {@link countLinesOf}, for a whole file. Parts have `partBytes` or more. */
export async function countLines(
  path: string,
  expression: RegExp,
  signal: AbortSignal,
  partBytes = leastPartBytes,
): Promise<number | undefined> {
  const parts = await partsOf(path, partBytes);
  if (parts.length === 1) return countLinesOf(path, { start: 0 }, expression, signal);
  try {
    return await countOnThreads(path, parts, expression, signal);
  } catch {
    signal.throwIfAborted();
    // Where no thread can be had, or one has failed, this one meets the fault itself.
    return countLinesOf(path, { start: 0 }, expression, signal);
  }
}

async function countOnThreads(
  path: string,
  parts: readonly FilePart[],
  expression: RegExp,
  signal: AbortSignal,
): Promise<number | undefined> {
  signal.throwIfAborted();
  const { promise: stopped, reject, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const workers: Worker[] = [];
  try {
    const counting = parts.map(async (part) => {
      const worker = startWorker({ path, part, expression });
      workers.push(worker);
      const rows = await answerOf(worker);
      // One line that does not match is enough.
      if (rows === undefined) resolve(undefined);
      return rows ?? 0;
    });
    const all = Promise.all(counting).then((rows) => rows.reduce((sum, count) => sum + count, 0));
    return await Promise.race([stopped, all]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Parts of about the same size, one a thread. */
async function partsOf(path: string, partBytes: number): Promise<FilePart[]> {
  const { size } = statSync(path);
  const threads = Math.min(availableParallelism(), maxThreads, Math.floor(size / partBytes));
  const starts = [0];
  for (let i = 1; i < threads; i++) {
    const place = Math.floor((size * i) / threads);
    starts.push(place + (await lineAt(path, place)).length);
  }
  return starts.map((start, i) => ({ start, end: starts[i + 1] }));
}

function startWorker(task: CountTask): Worker {
  // The file beside this one, in the sources as in the package.
  const file = new URL(`./count-lines-worker${extname(import.meta.url)}`, import.meta.url);
  return new Worker(file, {
    workerData: task,
    // Options of the process, e.g. `--input-type`, may not suit a file.
    execArgv: [],
    // Nothing of what a thread reads lives on.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
}

function answerOf(worker: Worker): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', (code) => reject(new Error(`a thread that counts lines ended with ${code}`)));
  return promise;
}
