import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StatementBuffer } from '../../src/cli/statement-buffer.ts';
import { textTable } from '../../src/cli/text-table.ts';

const cli = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'plumbing-shell-'));
const file = join(folder, 'f.db');
const env = { ...process.env, SQLITE_DB_PATH: '', PLUMBING_STATE_DIR: join(folder, 'state') };

beforeAll(() => {
  const db = new DatabaseSync(file);
  db.exec(
    "CREATE TABLE f (id INTEGER, name TEXT); INSERT INTO f VALUES (1, 'x'), (2, NULL); CREATE TABLE g (a TEXT)",
  );
  db.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Done {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function script(text: string): Promise<Done> {
  const child = spawn(process.execPath, [cli, 'shell', '--attach', `f=${file}`], { env, cwd: folder });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (out.stdout += String(data)));
  child.stderr.on('data', (data) => (out.stderr += String(data)));
  child.stdin.end(text);
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...out };
}

describe('statements', () => {
  const all = (text: string): [string[], string] => {
    const buffer = new StatementBuffer();
    const statements = text.split('\n').flatMap((line) => buffer.push(line));
    return [statements, buffer.takeRest()];
  };
  test.each([
    ['SELECT 1; SELECT 2;', ['SELECT 1', 'SELECT 2'], ''],
    ['SELECT\n1\n;', ['SELECT\n1'], ''],
    ["SELECT ';' AS a; b", ["SELECT ';' AS a"], 'b'],
    ["SELECT 'it''s;';", ["SELECT 'it''s;'"], ''],
    ['SELECT 1 AS "a;""b";', ['SELECT 1 AS "a;""b"'], ''],
    ["SELECT 'two\nlines;';", ["SELECT 'two\nlines;'"], ''],
    ['SELECT 1 -- one; not two\n;', ['SELECT 1 -- one; not two'], ''],
    ['SELECT /* ; */ 1;', ['SELECT /* ; */ 1'], ''],
    ['SELECT /* ;\n; */ 1;', ['SELECT /* ;\n; */ 1'], ''],
    ['SELECT $$;$$, $x$ $$ ; $x$;', ['SELECT $$;$$, $x$ $$ ; $x$'], ''],
    [';;\n;', [], ''],
    ['SELECT $1 - 1; x', ['SELECT $1 - 1'], 'x'],
    ['SELECT 1;\n-- done\n', ['SELECT 1'], ''],
    ['/* x */;\n  -- y\n;', [], ''],
    ['-- about\nSELECT 1;', ['SELECT 1'], ''],
    ['SELECT 1; /* open', ['SELECT 1'], ''],
  ])('%j', (text, statements, rest) => {
    expect(all(text)).toEqual([statements, rest]);
  });
});

test.each(['SELECT 1; -- hi', '-- hi', '/* a\nb */', ';', 'SELECT 1;   '])(
  'after %j no statement has begun, so a command may come',
  (text) => {
    const buffer = new StatementBuffer();
    for (const line of text.split('\n')) buffer.push(line);
    expect(buffer.isEmpty).toBe(true);
  },
);

test.each(['SELECT', '/* open', "'", '$$'])('after %j one has', (text) => {
  const buffer = new StatementBuffer();
  buffer.push(text);
  expect(buffer.isEmpty).toBe(false);
});

test('a table for the terminal may be long', () => {
  const rows = Array.from({ length: 200_000 }, (_, id) => ({ id }));
  expect(textTable(rows).split('\n')).toHaveLength(200_002);
});

describe('as a script', () => {
  test('answers statements in turn, in the form that was chosen, the last one also without ";"', async () => {
    const done = await script(
      '.mode csv\nSELECT id\nFROM f.f ORDER BY id;\n.mode json\nSELECT count(*) AS n FROM f.f',
    );
    expect(done).toEqual({ code: 0, stdout: 'id\n1\n2\n[\n  {\n    "n": 2\n  }\n]\n', stderr: '' });
    expect(existsSync(join(folder, 'state'))).toBe(false);
  });

  test('takes comments for nothing, and loses no empty cells of CSV', async () => {
    const done = await script(
      ".mode csv\nSELECT 1 AS a; -- one\n.mode csv\n/* two */;\nSELECT * FROM (VALUES ('x  '), (NULL), (NULL)) v(a);\n-- end\n",
    );
    expect(done).toEqual({ code: 0, stdout: 'a\n1\na\nx  \n\n\n', stderr: '' });
  });

  test('names tables and columns', async () => {
    expect((await script('.tables\n.schema f\n.help')).stdout).toMatch(
      /^f\.f\nf\.g\nf\.f\n {2}id int64\n {2}name string\n\.tables/,
    );
  });

  test('ends at the first error, with the code of a failure', async () => {
    const done = await script('SELECT 1 AS one;\nSELECT nonsense;\nSELECT 2 AS two;');
    expect(done).toMatchObject({ code: 1, stderr: expect.stringContaining('QUERY_FAILED') as string });
    expect(done.stdout).toContain('one');
    expect(done.stdout).not.toContain('two');
    expect(await script('.nonsense')).toMatchObject({ code: 2 });
  });

  test('.quit leaves the rest alone', async () => {
    expect(await script('.quit\nSELECT nonsense;')).toMatchObject({ code: 0, stdout: '' });
  });
});

/** A terminal of its own, in which `input` is typed, one entry after each prompt. `typed` is told what was. */
async function terminal(
  input: readonly string[],
  typed: (text: string, type: (more: string) => void) => void = () => undefined,
): Promise<string> {
  const command = [process.execPath, cli, 'shell', '--attach', `f=${file}`]
    .map((part) => `'${part}'`)
    .join(' ');
  const terminalEnv = { ...env, TERM: 'xterm' };
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env: terminalEnv, cwd: folder });
  const left = [...input];
  let shown = '';
  let settled: NodeJS.Timeout | undefined;
  child.stdout.on('data', (data) => {
    shown += stripVTControlCharacters(String(data));
    if (!/(plumbing>|\.\.\.>) $/.test(shown)) return;
    // The prompt may come in two parts.
    clearTimeout(settled);
    settled = setTimeout(() => {
      const next = left.shift();
      if (next === undefined) return;
      child.stdin.write(next);
      typed(next, (more) => child.stdin.write(more));
    }, 50);
  });
  await once(child, 'close');
  return shown;
}

describe('on a terminal', () => {
  test('goes on after errors, forgets a line by Ctrl-C, ends by Ctrl-D, and keeps a private history', async () => {
    const shown = await terminal([
      'SELECT nonsense;\r',
      'SELECT 6 *\r',
      '7 AS answer;\r',
      'SELECT secret\u0003',
      ' SELECT 11 AS kept_out;\r',
      '\u0004',
    ]);
    expect(shown).toContain('DuckDB: Binder Error');
    expect(shown).toMatch(/answer\s+-+\s+42/);
    expect(shown).toContain('^C');
    expect(shown).toMatch(/kept_out\s+-+\s+11/);
    const history = join(folder, 'state', 'shell-history');
    expect(statSync(history).mode & 0o777).toBe(0o600);
    expect(readFileSync(history, 'utf8')).toBe('SELECT nonsense;\nSELECT 6 *\n7 AS answer;');
    const again = await terminal(['\u001B[A\r', '\u0004']);
    expect(again).toContain('7 AS answer;');
  });

  test('Ctrl-D while a query is under way ends the shell after it', async () => {
    const slow =
      "SELECT 'slow ' || count(*) FROM range(100000) a, range(3000) b WHERE a.range * b.range = 7;";
    const shown = await terminal([`${slow}\r`], (_text, type) => type('\u0004'));
    expect(shown).toContain('slow 2');
    expect(shown).not.toContain('ERR_');
  });

  test('Ctrl-C ends a query, and not the shell', async () => {
    const endless = 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = 7;';
    const shown = await terminal([`${endless}\r`, "SELECT 'still ' || 'here';\r", '\u0004'], (text, type) => {
      if (text.startsWith(endless)) setTimeout(() => type('\u0003'), 500);
    });
    expect(shown).toContain('ended by Ctrl-C');
    expect(shown).toContain('still here');
  });
});
