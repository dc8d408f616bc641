/** Runs every example against a sandbox bank, each in an empty folder, with environment variables as its only configuration. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startComdirectSandbox } from 'plumbing-core/sources/comdirect/sandbox';

const folder = new URL('../examples/', import.meta.url);
const sandbox = await startComdirectSandbox({ approveAfterMs: 200 });
const work = await mkdtemp(join(tmpdir(), 'plumbing-examples-'));
let failed = 0;
try {
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.ts')).toSorted()) {
    console.log(`--- ${name}`);
    const env = {
      ...process.env,
      ...sandbox.environment,
      SQLITE_DB_PATH: join(work, `${name}.db`),
      PLUMBING_STATE_DIR: join(work, 'state'),
    };
    const child = spawn(process.execPath, [new URL(name, folder).pathname], {
      cwd: work,
      env,
      stdio: 'inherit',
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) {
      failed++;
      console.error(`${name} ended with ${code}`);
    }
  }
} finally {
  await sandbox.close();
  await rm(work, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
