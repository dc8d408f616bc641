/** Options from environment variables, as a deployment sets them: also to false, and also to nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import type { Command } from 'commander';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { EnvironmentCommand } from '../../src/cli/environment-command.ts';
import { makeProgram } from '../../src/cli/program.ts';

const dist = (path: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../dist/${path}`, import.meta.url)));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-variables-'));
  writeFileSync(
    join(folder, 'two.mjs'),
    `import { z } from ${JSON.stringify(fileURLToPath(import.meta.resolve('zod')))};
    import { defineSource, defineStream, definePipeline } from ${dist('index.js')};
    import { sqlite } from ${dist('destinations/sqlite/index.js')};
    import { getLogger } from ${dist('logging/index.js')};
    const stream = (name) => defineStream({ name, schema: z.object({ id: z.int() }), primaryKey: ['id'], cursor: { column: 'id' },
      async *read({ from }) { process.stderr.write(name + ' from ' + from + '\\n'); getLogger('two').debug('asked'); yield [{ id: 5 }]; } });
    export default definePipeline({ source: defineSource({ name: 'two', streams: [stream('a'), stream('b')] }),
      destination: sqlite('two.db') });`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function plumbing(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

describe('a variable of an option without a value', () => {
  afterEach(() => vi.unstubAllEnvs());

  const parse = (value: string, ...args: string[]): Record<string, unknown> => {
    vi.stubEnv('TRY_FLAG', value);
    vi.stubEnv('TRY_NO_COPY', value);
    const program = new EnvironmentCommand('try')
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    program
      .command('sub')
      .addOption(new Option('--flag').env('TRY_FLAG'))
      .addOption(new Option('--no-copy').env('TRY_NO_COPY'))
      .addOption(new Option('--other').conflicts('flag'))
      .action(() => undefined);
    program.parse(['sub', ...args], { from: 'user' });
    return program.commands[0]?.opts() ?? {};
  };

  test.each(['true', '1', 'yes', 'on', 'TRUE', 'Yes', ' on '])('%j sets it', (value) => {
    expect(parse(value)).toEqual({ flag: true, copy: false });
  });

  test.each(['false', '0', 'no', 'off', 'FALSE', 'No', '', ' '])('%j leaves it', (value) => {
    expect(parse(value)).not.toMatchObject({ flag: true });
    expect(parse(value)).not.toMatchObject({ copy: false });
    expect(parse(value, '--flag')).toMatchObject({ flag: true });
    expect(parse(value, '--other')).toMatchObject({ other: true });
  });

  test('anything else is an error that names the variable, unless the option itself is given', () => {
    expect(() => parse('maybe')).toThrow(/'--flag' value 'maybe' from env 'TRY_FLAG' is invalid/);
    expect(parse('maybe', '--flag', '--no-copy')).toEqual({ flag: true, copy: false });
  });
});

describe('plumbing run', () => {
  beforeEach(async () => {
    rmSync(join(folder, 'two.db'), { force: true });
    expect((await plumbing(['run', 'two.mjs'])).stderr).toBe('a from undefined\nb from undefined\n');
  });

  test('PLUMBING_FULL_REFRESH=false keeps the stored cursors, and =true does not', async () => {
    const off = await plumbing(['run', 'two.mjs'], { PLUMBING_FULL_REFRESH: 'false', PLUMBING_JSON: '0' });
    expect(off).toMatchObject({ code: 0, stderr: 'a from 5\nb from 5\n' });
    expect(off.stdout).toMatch(/^two -> sqlite:/);
    const on = await plumbing(['run', 'two.mjs'], { PLUMBING_FULL_REFRESH: 'True', PLUMBING_JSON: 'yes' });
    expect(on).toMatchObject({ code: 0, stderr: 'a from undefined\nb from undefined\n' });
    expect(JSON.parse(on.stdout)).toMatchObject({ status: 'succeeded' });
  });

  test('a variable that says neither is a matter of usage', async () => {
    const { code, stdout, stderr } = await plumbing(['run', 'two.mjs'], { PLUMBING_STAGED: 'perhaps' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/PLUMBING_STAGED.*true or false/);
    // Of an option that another command has, nobody asks.
    expect((await plumbing(['status', '--to', 'sqlite:two.db'], { PLUMBING_STAGED: 'perhaps' })).code).toBe(
      0,
    );
  });

  test('empty variables count as not set', async () => {
    const names = ['TO', 'SINCE', 'STAGED', 'CHECKPOINT_ROWS', 'CHECKPOINT_MS', 'LOGIN', 'STREAMS'];
    const empty = Object.fromEntries(names.map((name) => [`PLUMBING_${name}`, '']));
    expect(await plumbing(['run', 'two.mjs'], empty)).toMatchObject({
      code: 0,
      stderr: 'a from 5\nb from 5\n',
    });
  });

  test.each(['a b', 'a,b', 'a, b', ' b ,a, '])('PLUMBING_STREAMS=%j names both', async (streams) => {
    const { code, stderr } = await plumbing(['run', 'two.mjs'], { PLUMBING_STREAMS: streams });
    expect({ code, lines: stderr.trim().split('\n').toSorted() }).toEqual({
      code: 0,
      lines: ['a from 5', 'b from 5'],
    });
  });

  test.each([[['--streams', 'b']], [['--streams', 'b,']], [['--streams=b']]])(
    '%j names one, whatever the variable says',
    async (args) => {
      const { code, stderr } = await plumbing(['run', 'two.mjs', ...args], { PLUMBING_STREAMS: 'a' });
      expect({ code, stderr }).toEqual({ code: 0, stderr: 'b from 5\n' });
    },
  );

  test.each(['', ' ', ','])('--streams %j is a matter of usage: nothing is loaded', async (streams) => {
    const { code, stdout, stderr } = await plumbing(['run', 'two.mjs', '--streams', streams]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/--streams.*at least one name/);
  });
});

describe('every option', () => {
  const all = (command: Command): { name: string; variable: string | undefined }[] => [
    ...command.options.map(({ long, envVar }) => ({ name: `${command.name()} ${long}`, variable: envVar })),
    ...command.commands.flatMap(all),
  ];

  test('has a variable, and one variable is one name of option', () => {
    const options = all(makeProgram(new AbortController().signal)).filter(
      ({ name }) => name !== 'plumbing --version',
    );
    expect(options.length).toBeGreaterThan(50);
    expect(options.filter(({ variable }) => !variable?.startsWith('PLUMBING_'))).toEqual([]);
    const names = Map.groupBy(options, ({ variable }) => variable);
    for (const [, group] of names) {
      expect(new Set(group.map(({ name }) => name.split(' ')[1])).size).toBe(1);
    }
  });

  test('PLUMBING_LOG_LEVEL sets the level, and knows its words', async () => {
    const env = { PLUMBING_LOG_LEVEL: 'debug' };
    expect((await plumbing(['run', 'two.mjs'], env)).stderr).toMatch(/plumbing.two.*asked/);
    const { code, stderr } = await plumbing(['run', 'two.mjs'], { PLUMBING_LOG_LEVEL: 'loud' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/PLUMBING_LOG_LEVEL.*debug, info, warning, error/);
  });

  test('the sandbox takes what it is made of from variables', async () => {
    const { code, stderr } = await plumbing(['sandbox', 'comdirect'], { PLUMBING_SANDBOX_ACCOUNTS: 'many' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/PLUMBING_SANDBOX_ACCOUNTS.*whole number/);
  });
});
