/** Options that variables set, in a process of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/pipeline/index.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const dist = new URL('../../dist/', import.meta.url).href;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-variables-'));
  writeFileSync(
    join(folder, 'pipeline.mjs'),
    `import { definePipeline, defineSource, defineStream } from '${dist}index.js';
     import { sqlite } from '${dist}destinations/sqlite/index.js';
     const stream = (name) => defineStream({
       name,
       cursor: { column: 'id' },
       async *read({ from }) {
         process.stderr.write('from=' + from + '\\n');
         yield [{ id: 1 }];
       },
     });
     export default definePipeline({
       source: defineSource({ name: 'test', streams: [stream('a'), stream('b')] }),
       destination: sqlite('test.db'),
     });`,
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function plumbing(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PLUMBING_STATE_DIR: join(folder, 'state'), ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const run = (env: Record<string, string>, ...more: string[]) =>
  plumbing(['run', 'pipeline.mjs', ...more], env);
const streamsOf = (env: Record<string, string>, ...more: string[]): string[] =>
  (JSON.parse(run(env, '--json', ...more).stdout) as RunReport).streams.map(({ stream }) => stream);

describe('a switch', () => {
  test.each(['false', '0', 'no', 'OFF', '', ' '])('is off with %j', (value) => {
    run({});
    const again = run({ PLUMBING_FULL_REFRESH: value, PLUMBING_JSON: value });

    expect(again.stderr).toContain('from=1');
    expect(again.stdout).not.toContain('{');
    expect(again.status).toBe(0);
  });

  test.each(['true', '1', 'Yes', 'on'])('is on with %j', (value) => {
    run({});
    const again = run({ PLUMBING_FULL_REFRESH: value, PLUMBING_JSON: value });

    expect(again.stderr).toContain('from=undefined');
    expect(JSON.parse(again.stdout)).toMatchObject({ status: 'succeeded' });
  });

  test('with anything else is an error of usage', () => {
    const { status, stderr } = run({ PLUMBING_FULL_REFRESH: 'maybe' });

    expect(status).toBe(2);
    expect(stderr).toContain('PLUMBING_FULL_REFRESH: expected true or false');
  });
});

describe('a list of names', () => {
  test.each(['a b', 'a,b', 'a, b', ' a ,, b '])('%j names two', (value) => {
    expect(streamsOf({ PLUMBING_STREAMS: value })).toEqual(['a', 'b']);
    expect(streamsOf({}, '--streams', value)).toEqual(['a', 'b']);
  });

  test('that is empty is as if it were not there, as a variable', () => {
    expect(streamsOf({ PLUMBING_STREAMS: '' })).toEqual(['a', 'b']);
  });

  test.each(['', ',', ' '])('%j as an option is an error of usage', (value) => {
    expect(run({}, '--streams', value).status).toBe(2);
  });
});

describe('the tables of maintain', () => {
  const lake = { PLUMBING_TO: 'iceberg:lake' };

  test('may be given together; one that is not there is an error', () => {
    run(lake);
    const both = plumbing(['maintain', '--tables', 'a,b', '--json'], lake);

    expect((JSON.parse(both.stdout) as { table: string }[]).map(({ table }) => table)).toEqual(['a', 'b']);

    const { status, stderr } = plumbing(['maintain', '--tables', 'a', 'c'], lake);

    expect(status).toBe(2);
    expect(stderr).toMatch(/CONFIG_INVALID.*"c".*a, b/);
  });
});
