/** Child processes that run a worker script of this folder. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

/** Node 22 before 22.18 needs to be told that it may strip types; it and Node 24 warn of what they call experimental. */
export const execArgv = [
  '--no-warnings',
  ...(process.features.typescript ? [] : ['--experimental-strip-types']),
];

/** Children start in a third of the time when what they import is compiled already. */
export const childEnvironment: NodeJS.ProcessEnv = {
  ...process.env,
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/fault-tests', import.meta.url)),
};

const started: ChildProcess[] = [];

// A test that fails must not leave a process behind, least of all one that is stopped.
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** Starts `script` with its path, its task and what the task needs. */
export function startWorker(
  script: string,
  path: string,
  task: string,
  options: object = {},
  flags: readonly string[] = [],
): ChildProcess {
  const child = fork(new URL(script, import.meta.url), [path, task, JSON.stringify(options)], {
    execArgv: [...execArgv, ...flags],
    env: childEnvironment,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  started.push(child);
  return child;
}

/** How a child ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said last. */
  readonly message: unknown;
}

/** Waits for the end of a child; to be called before it can have said anything. */
export async function endOf(child: ChildProcess): Promise<End> {
  let message: unknown;
  child.on('message', (said) => {
    message = said;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, message };
}

/** Does `work` for all items, so many at once: as many as there are cores to run the children. */
export async function atOnce<T>(
  width: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
