/** Python with fixed packages, for servers that tests talk to. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../node_modules/.cache/plumbing/', import.meta.url));

/**
 * The path of a Python that has the packages of a requirements file. Made on first use, which takes a minute, with
 * `python3` and pip as they are set up on this machine; processes at the same time wait for one of them, and later ones
 * share it. Packages that have to be built are taken only where they are asked for (`any`). Run modules with it (`-m`): the scripts beside it do not work, for the folder was moved.
 */
export async function pythonEnvironment(
  requirementsFile: string,
  packages: 'binary' | 'any' = 'binary',
): Promise<string> {
  const { stdout: version } = await run('python3', ['-c', 'import sys; print(sys.version)']);
  const hash = createHash('sha256')
    .update(version)
    .update(await readFile(requirementsFile))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cache, `python-${hash}`);
  await mkdir(cache, { recursive: true });
  while (!existsSync(folder)) {
    const lock = `${folder}.lock`;
    if (!(await takeLock(lock))) {
      await delay(200);
      continue;
    }
    try {
      if (!existsSync(folder)) await make(folder, requirementsFile, packages);
    } finally {
      await rm(lock);
    }
  }
  return join(folder, 'bin', 'python');
}

/** Another name first, so that an environment is there whole or not at all. */
async function make(folder: string, requirementsFile: string, packages: 'binary' | 'any'): Promise<void> {
  const unfinished = `${folder}.tmp`;
  await rm(unfinished, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', unfinished]);
  const source = packages === 'binary' ? '--only-binary :all: ' : '';
  const install = `-m pip install --quiet --no-input --disable-pip-version-check ${source}-r`;
  await run(join(unfinished, 'bin', 'python'), [...install.split(' '), requirementsFile]);
  await rename(unfinished, folder);
}

/** A lock whose owner has died is removed, to be taken on the next try. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
  if (owner > 0 && !isAlive(owner)) await rm(lock, { force: true });
  return false;
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
