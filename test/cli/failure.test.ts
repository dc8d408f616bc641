/** With `--json` a program reads standard output: also what went wrong is one JSON document there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Interrupted } from '../../src/cli/exit-codes.ts';
import { failureOf } from '../../src/cli/failure.ts';
import { PlumbingError } from '../../src/errors/index.ts';

const dist = (path: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../dist/${path}`, import.meta.url)));
const shape = (type: string): string => `
  import { z } from ${JSON.stringify(fileURLToPath(import.meta.resolve('zod')))};
  import { defineSource, defineStream, definePipeline } from ${dist('index.js')};
  import { sqlite } from ${dist('destinations/sqlite/index.js')};
  const rows = defineStream({ name: 'rows', schema: z.object({ id: z.int(), size: ${type} }), primaryKey: ['id'],
    async *read() { yield [{ id: 1, size: 'large' }]; } });
  export default definePipeline({ source: defineSource({ name: 'one', streams: [rows] }), destination: sqlite('one.db') });`;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-failure-'));
  writeFileSync(join(folder, 'text.mjs'), shape('z.string()'));
  writeFileSync(join(folder, 'number.mjs'), shape('z.int()'));
  writeFileSync(
    join(folder, 'leaky.mjs'),
    `import { Secret } from ${dist('logging/index.js')};
    throw new Error('refused: ' + new Secret('canary-0123').reveal() + ' of DE02120300000000202051');`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function plumbing(...args: string[]): Promise<Result> {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PLUMBING_STATE_DIR: folder },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

const failed = (code: string, message: RegExp): unknown => ({
  status: 'failed',
  error: { code, message: expect.stringMatching(message) as string, retryable: false },
});

test('a run that never began says so: SCHEMA_DRIFT', async () => {
  expect((await plumbing('run', 'text.mjs')).code).toBe(0);
  const { code, stdout, stderr } = await plumbing('run', 'number.mjs', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual(failed('SCHEMA_DRIFT', /size/));
  expect(stderr).toMatch(/^plumbing: SCHEMA_DRIFT: .*size/);
});

test.each([
  [['run', 'comdirect', '--to', 'sqlite:x.db'], 2, 'CONFIG_INVALID', /COMDIRECT_CLIENT_ID/],
  [['run', 'nothing.mjs'], 2, 'CONFIG_INVALID', /nothing\.mjs/],
  [['quarantine', 'replay', 'nothing.mjs'], 2, 'CONFIG_INVALID', /nothing\.mjs/],
  [['quarantine', 'list', '--to', 'ftp:x'], 2, 'CONFIG_INVALID', /ftp:x/],
  [['status', '--to', 'ftp:x'], 2, 'CONFIG_INVALID', /ftp:x/],
  [['undo', 'x', '--to', 'ftp:x'], 2, 'CONFIG_INVALID', /ftp:x/],
  [['maintain', '--to', 'sqlite:x.db'], 2, 'CONFIG_INVALID', /only Iceberg/],
  [['query', 'SELECT 1'], 2, 'CONFIG_INVALID', /--attach/],
])('%j --json prints the error on standard output too', async (args, exit, name, words) => {
  const { code, stdout, stderr } = await plumbing(...args, '--json');
  expect(code).toBe(exit);
  expect(JSON.parse(stdout)).toEqual(failed(name, words));
  expect(stderr).toMatch(words);
  // Without it, nothing but what was asked for goes there.
  expect(await plumbing(...args)).toMatchObject({ code: exit, stdout: '' });
});

test('what the error quotes is redacted in both places', async () => {
  const { stdout, stderr } = await plumbing('run', 'leaky.mjs', '--json');
  expect(JSON.parse(stdout)).toEqual(failed('CONFIG_INVALID', /refused: \[secret\] of DE…51/));
  expect(`${stdout}${stderr}`).not.toMatch(/canary|DE0212/);
});

test('errors of all kinds have a code, and say whether it is worth to try again', () => {
  const of = (error: unknown): unknown => failureOf(error).error;
  expect(of(new PlumbingError('DEST_BUSY', 'held', { retryable: true }))).toEqual({
    code: 'DEST_BUSY',
    message: 'held',
    retryable: true,
  });
  expect(of(new Interrupted('SIGINT'))).toMatchObject({ code: 'INTERRUPTED', retryable: true });
  expect(of(new TypeError('no'))).toEqual({ code: 'UNEXPECTED', message: 'no', retryable: false });
  expect(of('no')).toEqual({ code: 'UNEXPECTED', message: 'no', retryable: false });
});
