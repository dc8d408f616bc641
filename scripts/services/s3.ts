/** A server that speaks S3, on this machine, in memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from './python.ts';

const startMs = 60_000;
const requirements = fileURLToPath(new URL('requirements-s3.txt', import.meta.url));

/** Ends with this process, however that ends: its standard input is closed then. */
const program = `
import os, sys, threading
def end_with_parent():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=end_with_parent, daemon=True).start()
from moto.server import main
main(['--host', '127.0.0.1', '--port', '0'])
`;

/** A running server. Made by {@link startS3}. */
export interface S3Service {
  /** `http://127.0.0.1:PORT`; any credentials are accepted, and there is no bucket yet. */
  readonly endpoint: string;
  /** Ends the server, and all it holds. */
  close(): Promise<void>;
}

/** Starts moto on a free port of the loopback address; fulfilled when it answers. */
export async function startS3(): Promise<S3Service> {
  const python = await pythonEnvironment(requirements);
  const child = spawn(python, ['-c', program], { stdio: ['pipe', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    const endpoint = await endpointOf(child.stderr, ended);
    await health(endpoint);
    return { endpoint, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The address is the first news; all else is read on, or the server would block on a full pipe. */
async function endpointOf(stderr: NodeJS.ReadableStream, ended: Promise<unknown>): Promise<string> {
  const said: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  createInterface({ input: stderr }).on('line', (line) => {
    const endpoint = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (endpoint) resolve(endpoint);
    if (said.length < 50) said.push(line);
  });
  const died = ended.then(() => {
    throw new Error(`moto ended before it was up:\n${said.join('\n')}`);
  });
  const timeout = AbortSignal.timeout(startMs);
  const late = once(timeout, 'abort').then(() => {
    throw new Error(`moto was not up after ${startMs} ms:\n${said.join('\n')}`);
  });
  return Promise.race([promise, died, late]);
}

async function health(endpoint: string): Promise<void> {
  const { status } = await fetch(endpoint, { signal: AbortSignal.timeout(startMs) });
  if (status !== 200) throw new Error(`moto answered ${status}`);
}
