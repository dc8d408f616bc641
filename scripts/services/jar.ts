/** Runnable jars from Maven Central, for servers that tests talk to. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../node_modules/.cache/plumbing/jars/', import.meta.url));

/** The path of an artifact (`group:name:version[:jar:classifier]`). Fetched on first use by `mvn`, as it is set up on this machine. */
export async function mavenJar(artifact: string): Promise<string> {
  const [, name, version, , classifier] = artifact.split(':');
  const file = `${[name, version, classifier].filter(Boolean).join('-')}.jar`;
  const path = join(cache, file);
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  // A folder of its own first: several processes may fetch it, and none sees half of it.
  const folder = await mkdtemp(join(cache, 'unfinished-'));
  try {
    await run('mvn', [
      '-q',
      '-B',
      'dependency:copy',
      `-Dartifact=${artifact}`,
      `-DoutputDirectory=${folder}`,
    ]);
    await rename(join(folder, file), path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return path;
}
