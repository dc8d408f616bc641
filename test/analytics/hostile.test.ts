/** Names and values that were made to break something. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { openAnalytics } from '../../src/analytics/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { defineSource, defineStream, int64, json } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-hostile-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const names = [
  `quo"te`,
  `apo'strophe`,
  `'; DROP TABLE innocent; --`,
  '__proto__',
  'constructor',
  'a.b',
  'sp ace',
  'line\nbreak',
  'select',
  '$1',
  '{"a": 1}',
  'Ünïcödé 🏦',
  'back\\slash',
  '%s',
];

describe.each([false, true])('with mirror: %s', (mirror) => {
  test.each(names)('a folder, a file, an alias, a table and a column named %j', async (name) => {
    const path = join(folder, `${name.replaceAll('/', '_')}.dir`, `${name}.db`);
    mkdirSync(join(path, '..'));
    const db = new DatabaseSync(path);
    db.exec(`CREATE TABLE ${quoted(name)} (${quoted(name)} TEXT); CREATE TABLE innocent (a TEXT)`);
    db.prepare(`INSERT INTO ${quoted(name)} VALUES (?)`).run(name);
    db.close();
    await using analytics = await openAnalytics({ attach: { [name]: path }, mirror });
    const table = `${quoted(name)}.${quoted(name)}`;
    const [row, ...more] = await analytics
      .query(`SELECT * FROM ${table} WHERE ${quoted(name)} = $1`, [name])
      .all();
    expect(Object.entries(row ?? {})).toEqual([[name, name]]);
    expect(more).toEqual([]);
    expect(await analytics.query(`SELECT count(*) AS n FROM ${quoted(name)}.innocent`).all()).toEqual([
      { n: 0 },
    ]);
    await analytics.exportTo(join(folder, `${name}.csv`), `FROM ${table}`);
    expect(readdirSync(folder)).toContain(`${name}.csv`);
  });

  test('values of all kinds, in a table of this library, come as they were sent', async () => {
    const path = join(folder, "it's.db");
    const values = [
      ...names,
      'nul\0inside',
      '',
      ' ',
      ',',
      ',,,',
      '\u{10FFFF}',
      'x'.repeat(1_000_000),
      '"'.repeat(100_000),
      '-- comment',
      'NULL',
      '\u202Eright to left',
    ];
    const rows = values.map((text, id) => ({ id, text, value: { [text.slice(0, 50)]: text.slice(0, 50) } }));
    const stream = defineStream({
      name: 'values',
      schema: z.object({ id: int64(), text: z.string(), value: json() }),
      primaryKey: ['id'],
      async *read() {
        yield rows;
      },
    });
    const source = defineSource({ name: 'hostile', streams: [stream] });
    expect((await run({ source, destination: sqlite(path) })).status).toBe('succeeded');
    await using db = await openAnalytics({ attach: { h: path }, mirror });
    const got = await db.query('SELECT id, text, value FROM h.values ORDER BY id').all();
    // Node 22 ends a text at its first NUL.
    const [major = 0] = process.versions.node.split('.').map(Number);
    const seen = (text: string): string => (major < 24 ? (text.split('\0', 1)[0] as string) : text);
    expect(got.map(({ id, text }) => ({ id, text }))).toEqual(
      rows.map(({ id, text }) => ({ id, text: seen(text) })),
    );
    for (const [i, { value }] of got.entries()) {
      const expected = Object.entries(rows[i]?.value ?? {});
      expect(Object.entries(JSON.parse(String(value)) as object)).toEqual(expected);
    }
    const bound = await db.query('SELECT id FROM h.values WHERE text = $1', [values[2]]).all();
    expect(bound).toEqual([{ id: 2 }]);
  });
});

test('without the package of DuckDB there is a line that says how to install it', () => {
  const copy = mkdtempSync(join(tmpdir(), 'plumbing-peerless-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object };
  const needed = [...Object.keys(manifest.dependencies), 'zod'].map((name) => `node_modules/${name}`);
  for (const path of ['dist', 'package.json', ...needed])
    cpSync(join(root, path), join(copy, path), { recursive: true });
  const file = join(folder, 'f.db');
  new DatabaseSync(file).exec('CREATE TABLE t (a TEXT)');
  for (const args of [['query', 'SELECT 1'], ['query', '--list'], ['shell'], ['chart', 'cash-flow']]) {
    const { status, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args, '--attach', file], {
      cwd: copy,
      encoding: 'utf8',
      input: '',
    });
    expect([args, status]).toEqual([args, 1]);
    expect(stderr).toMatch(/^plumbing: OPTIONAL_PEER_MISSING: .*npm install @duckdb\/node-api\n$/);
  }
});
