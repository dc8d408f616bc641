import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { Interrupted } from '../../src/cli/exit-codes.ts';
import { makeProgram } from '../../src/cli/program.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { defineSource, defineStream, int64 } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';

const cli = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'plumbing-query-'));
const file = join(folder, 'f.db');

beforeAll(() => {
  const db = new DatabaseSync(file);
  db.exec("CREATE TABLE f (id INTEGER, name TEXT); INSERT INTO f VALUES (9007199254740993, 'x'), (2, NULL)");
  db.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function plumbing(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const environment = { ...process.env, SQLITE_DB_PATH: '', NO_COLOR: '1' };
  return promisify(execFile)(process.execPath, [cli, ...args], { cwd: folder, env: environment }).then(
    (done) => ({ code: 0, ...done }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test('query prints a table, or one JSON document with all digits', async () => {
  const sql = 'SELECT id, name FROM f.f ORDER BY id';
  const table = await plumbing('query', '--attach', `f=${file}`, sql);
  expect(table.stdout.trim().split('\n').at(-1)).toMatch(/^9007199254740993 +x$/);
  const json = await plumbing('query', '--attach', `f=${file}`, '--json', sql);
  expect(json.stdout.replace(/\s/g, '')).toBe('[{"id":2,"name":null},{"id":9007199254740993,"name":"x"}]');
});

test('query gives CSV with all digits, and Parquet in a file', async () => {
  const sql = `SELECT id, name, 'a,"b' AS odd, '' AS empty, [1, 2] AS list FROM f.f ORDER BY id`;
  const csv = await plumbing('query', '--attach', `f=${file}`, '--csv', sql);
  const rest = '"a,""b","","[1,2]"';
  expect(csv.stdout).toBe(`id,name,odd,empty,list\n2,,${rest}\n9007199254740993,x,${rest}\n`);
  const parquet = await plumbing('query', '--attach', `f=${file}`, '--parquet', 'out.parquet', sql);
  expect(parquet).toMatchObject({ code: 0, stdout: '', stderr: 'out.parquet: 2 rows\n' });
  const again = `SELECT id FROM 'out.parquet' ORDER BY id`;
  const back = await plumbing('query', '--attach', `f=${file}`, '--csv', again);
  expect(back.stdout).toBe('id\n2\n9007199254740993\n');
  for (const wrong of [
    ['--parquet', 'out.csv', sql],
    ['--parquet', 'out.parquet', '--json', sql],
    ['--csv', '--json', sql],
  ])
    expect(await plumbing('query', '--attach', `f=${file}`, ...wrong)).toMatchObject({ code: 2 });
});

test.each([
  ['SELECT id, name AS "a,b" FROM f.f WHERE id = 0;', 'id,"a,b"\n'],
  ['SELECT id FROM f.f WHERE id = 0 -- none', 'id\n'],
  ['CREATE TABLE f.made (a INTEGER)', ''],
])('CSV of no rows has the names of the columns: %s', async (sql, stdout) => {
  expect(await plumbing('query', '--attach', `f=${file}`, '--csv', sql)).toMatchObject({ code: 0, stdout });
});

test('CSV of no tables has names too', async () => {
  const path = join(folder, 'empty.db');
  new DatabaseSync(path).exec('PRAGMA user_version = 1');
  const none = await plumbing('query', '--attach', `e=${path}`, '--list', '--csv');
  expect(none).toMatchObject({ code: 0, stdout: 'table,column,type\n' });
});

test('query keeps a columnar copy of files of this library, says so, and can do without', async () => {
  const path = join(folder, 'own.db');
  await run({
    source: defineSource({
      name: 'test',
      streams: [
        defineStream({
          name: 't',
          schema: z.object({ id: int64() }),
          primaryKey: ['id'],
          async *read() {
            yield [{ id: 1 }];
          },
        }),
      ],
    }),
    destination: sqlite(path),
  });
  const sql = 'SELECT id FROM bank.t';
  const without = await plumbing('query', '--attach', path, '--csv', '--no-mirror', sql);
  expect(without).toMatchObject({ code: 0, stdout: 'id\n1\n', stderr: '' });
  expect(existsSync(`${path}.mirror`)).toBe(false);
  const first = await plumbing('query', '--attach', path, '--csv', sql);
  expect(first.stdout).toBe('id\n1\n');
  expect(first.stderr).toMatch(/own\.db: columnar copy .*own\.db\.mirror rebuilt in \d\.\d s\n$/);
  expect(await plumbing('query', '--attach', path, '--csv', sql)).toMatchObject({
    stdout: 'id\n1\n',
    stderr: '',
  });
});

test('query --list names tables, columns and types', async () => {
  const { stdout } = await plumbing('query', '--attach', `f=${file}`, '--list');
  expect(stdout).toMatch(/f\.f +id +int64/);
});

test('query without SQL, or without a database, is a matter of usage', async () => {
  expect(await plumbing('query', '--attach', `f=${file}`)).toMatchObject({ code: 2 });
  expect(await plumbing('query', 'SELECT 1')).toMatchObject({ code: 2 });
});

test('chart leaves no file behind when it can not draw one', async () => {
  const db = new DatabaseSync(join(folder, 'bank.db'));
  db.exec(`CREATE TABLE account_balances (account_id TEXT, currency TEXT);
    CREATE TABLE account_transactions__booked (x TEXT)`);
  db.close();
  const missing = await plumbing('chart', 'cash-flow', '--attach', join(folder, 'bank.db'), '--out', 'a.svg');
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('QUERY_FAILED') as unknown });
  expect(await plumbing('chart', 'cash-flow', '--attach', file, '--out', 'a.pdf')).toMatchObject({ code: 2 });
  expect(() => statSync(join(folder, 'a.svg'))).toThrow();
});

test('chart heeds a signal', async () => {
  const stopped = new Interrupted('SIGTERM');
  const chart = ['node', 'plumbing', 'chart', 'cash-flow', '--attach', file];

  await expect(makeProgram(AbortSignal.abort(stopped)).parseAsync(chart)).rejects.toBe(stopped);
});

test.each([
  ['--csv', 'SIGINT', 130],
  ['--json', 'SIGTERM', 143],
] as const)('query %s that %s ends is told apart from one with all its rows', async (format, name, code) => {
  const sql = 'SELECT id, range FROM f.f, range(20000000)';
  const child = spawn(process.execPath, [cli, 'query', '--attach', `f=${file}`, format, sql], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.on('data', (part: Buffer) => (text += part.toString()));
  // Only one: a second signal ends the process without a code.
  if (format === '--csv') child.stdout.once('data', () => child.kill(name));
  // JSON comes at the end only.
  if (format === '--json') setTimeout(() => child.kill(name), 1_500);
  const [given] = (await once(child, 'close')) as [number];
  expect(given).toBe(code);
  if (format === '--json') expect(JSON.parse(text)).toMatchObject({ error: { code: 'INTERRUPTED' } });
});
