/** SIGTERM and SIGINT in the middle of a batch, sent to the real command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { childEnvironment, execArgv } from './child.ts';
import { useFolder } from './folder.ts';
import { expectLoaded, expectSound } from './ledger-database.ts';
import { loadLedger } from './ledger-source.ts';

const folder = useFolder();
let path: string;

beforeEach(() => {
  path = join(folder(), 'ledger.db');
});

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const pipeline = fileURLToPath(new URL('./pipeline-worker.ts', import.meta.url));
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

async function command(env: Record<string, string> = {}): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [...execArgv, main, 'run', pipeline], {
    cwd: folder(),
    env: { ...childEnvironment, LEDGER: path, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

const loading = [
  ['run.begun', ''],
  ['batch.read', ''],
  ['batch.written', ''],
  ['sqlite.rows_applied', ''],
  ['sqlite.rows_spilled', ''],
  ['batch.read', 'yes'],
  ['sqlite.rows_spilled', 'yes'],
] as const;

test.each(
  (['SIGTERM', 'SIGINT'] as const).flatMap((signal) => loading.map((moment) => [signal, ...moment] as const)),
)(
  '%s at %s (staged: "%s") ends it with its exit code and a closed run record; the next run completes',
  async (signal, failpoint, staged) => {
    const { code, stderr } = await command({ SIGNAL: signal, FAILPOINT: failpoint, STAGED: staged });
    expect({ code, stderr }).toEqual({
      code: exitCodes[signal],
      stderr: `plumbing: stopped by ${signal}; what was committed stays\n`,
    });
    expect(expectSound(path, () => staged !== '').isRunning).toBe(false);
    await loadLedger({ path, lockTimeoutMs: 0 }, { generation: 1 });
    expectLoaded(path, 1);
  },
);

test.each([
  ['run.loaded', ''],
  ['run.loaded', 'yes'],
  ['run.audited', 'yes'],
  ['run.published', 'yes'],
])('at %s (staged: "%s") all is published, or nothing more', async (failpoint, staged) => {
  const { code } = await command({ FAILPOINT: failpoint, STAGED: staged });
  const { rates, isRunning } = expectSound(path, () => staged !== '');
  expect(isRunning).toBe(false);
  if (staged !== '') expect(rates).toBe(code === 0 ? 1 : 0);
  expect([0, exitCodes.SIGTERM]).toContain(code);
  expect((await command()).code).toBe(0);
  expectLoaded(path, 1);
});
