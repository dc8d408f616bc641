/** A reader of standard output that has seen enough, as `head` does. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const dist = new URL('../../dist/', import.meta.url).href;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-closed-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What is said on standard error, and how the command ends that `head` has left. */
function intoHead(command: string): string {
  const script = `set -o pipefail; node "${main}" ${command} | head -c 20 > /dev/null; echo "ended with $?" >&2`;
  const env = { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` };
  return execFileSync('bash', ['-c', `{ ${script}; } 2>&1`], { cwd: folder, env, encoding: 'utf8' });
}

test.each(['--csv', '--json', ''])('a query ends quietly (%s)', (form) => {
  const db = new DatabaseSync(join(folder, 'x.db'));
  db.exec(`CREATE TABLE t (id INTEGER, text TEXT);
    WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 50000)
    INSERT INTO t SELECT id, 'some text' FROM n`);
  db.close();

  expect(intoHead(`query --no-mirror --attach x=x.db ${form} "SELECT * FROM x.t"`)).toBe('ended with 0\n');
});

test('a load is not broken off', () => {
  writeFileSync(
    join(folder, 'pipeline.mjs'),
    `import { definePipeline, defineSource, defineStream } from '${dist}index.js';
     import { sqlite } from '${dist}destinations/sqlite/index.js';
     const stream = defineStream({ name: 't', async *read() { yield [{ id: 1 }]; } });
     export default definePipeline({
       source: defineSource({ name: 'test', streams: [stream] }),
       destination: sqlite('x.db'),
     });`,
  );

  expect(intoHead('run pipeline.mjs --json')).toContain('ended with 0\n');
  const db = new DatabaseSync(join(folder, 'x.db'), { readOnly: true });
  expect(db.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 1 });
  expect(db.prepare('SELECT status FROM _plumbing_loads').get()).toEqual({ status: 'succeeded' });
  db.close();
});
