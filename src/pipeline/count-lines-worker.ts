/** A thread that counts the lines of a part of a file; see `line-workers.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { countLinesOf } from './count-lines.ts';
import type { FilePart } from './count-lines.ts';

/** What such a thread is given. */
export interface CountTask {
  readonly path: string;
  readonly part: FilePart;
  readonly expression: RegExp;
}

const { path, part, expression } = workerData as CountTask;
// A thread's port, not a window's.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(await countLinesOf(path, part, expression));
