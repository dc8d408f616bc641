/** Starts processes that share a login (`refresh-worker.ts`), and tells them what to do. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { StoredToken } from '../../src/auth/index.ts';

/** What a process is told: the time, and a token to store in place of the reads. */
export interface WorkerOrder {
  readonly nowMs: number;
  readonly store?: StoredToken;
}

/** What a process tells: `ok` or an error code for each thing it did, and the failpoints it passed. */
export interface WorkerReport {
  readonly outcomes: readonly string[];
  readonly passed: readonly string[];
}

/** A process that waits for orders. It ends with its parent, or by `stop`. */
export interface Worker {
  /** `killed` when the process died over it. */
  obey(order: WorkerOrder): Promise<WorkerReport | 'killed'>;
  stop(): Promise<void>;
}

/** Starts a process over the token store in `folder`. With `killAt` it dies when it passes that failpoint. */
export async function startWorker(
  folder: string,
  environment: Readonly<Record<string, string>>,
  killAt?: string,
): Promise<Worker> {
  const child = fork(
    new URL('./refresh-worker.ts', import.meta.url),
    killAt === undefined ? [folder] : [folder, killAt],
    { env: { ...process.env, ...environment }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  await messageOf(child);
  return {
    async obey(order) {
      const answer = messageOf(child);
      child.send(order);
      return (await answer) as WorkerReport | 'killed';
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** The next message, or `killed`. */
async function messageOf(child: ChildProcess): Promise<unknown> {
  const abort = new AbortController();
  const { signal } = abort;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as unknown),
      once(child, 'exit', { signal }).then(() => 'killed'),
    ]);
  } finally {
    abort.abort();
  }
}
