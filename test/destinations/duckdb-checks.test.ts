/** Checks in DuckDB's SQL: the same pipeline on SQLite and Iceberg. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { iceberg } from '../../src/destinations/iceberg/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import type { Destination } from '../../src/index.ts';
import { expectDuckDbChecks } from './duckdb-checks.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-duck-checks-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const destinations: readonly (readonly [string, () => Destination])[] = [
  ['SQLite', () => sqlite(join(folder, 'x.db'))],
  ['Iceberg', () => iceberg(join(folder, 'wh'))],
  ['Iceberg with delete files', () => iceberg({ warehouse: join(folder, 'wh'), rewriteBelowBytes: 0 })],
  [
    'Iceberg with partitions',
    () =>
      iceberg({
        warehouse: join(folder, 'wh'),
        partitionBy: { sales: [{ column: 'id', transform: 'bucket[4]' }] },
      }),
  ],
];

test.each(destinations)(
  '%s: types, values, refusals, and nothing of a failed load is seen',
  async (_name, make) => {
    await expectDuckDbChecks(make());
  },
);

test('without the package of DuckDB such a check fails and says what to install; others run', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object };
  const needed = [...Object.keys(manifest.dependencies), 'zod'].map((name) => `node_modules/${name}`);
  for (const path of ['dist', 'package.json', ...needed])
    cpSync(join(root, path), join(folder, path), { recursive: true });
  const code = `
    import { z } from 'zod';
    import { defineSource, defineStream, run, sqlCheck, unique } from './dist/index.js';
    import { iceberg } from './dist/destinations/iceberg/index.js';
    import { sqlite } from './dist/destinations/sqlite/index.js';
    const t = defineStream({ name: 't', schema: z.object({ id: z.string() }), primaryKey: ['id'], write: 'upsert',
      async *read() { yield [{ id: 'a' }]; } });
    const checks = [
      sqlCheck('duck', 't', (table) => \`SELECT 1 FROM \${table} WHERE false\`, { engine: 'duckdb' }),
      unique('t', ['id']),
    ];
    for (const destination of [sqlite('x.db'), iceberg('./wh')]) {
      const report = await run({ source: defineSource({ name: 's', streams: [t] }), destination, checks });
      console.log(JSON.stringify([report.status, report.checks]));
    }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: folder,
    encoding: 'utf8',
  });
  const reports = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  const expected = [
    'checks_failed',
    [
      { passed: false, message: expect.stringMatching(/npm install @duckdb\/node-api/) as unknown },
      { passed: true },
    ],
  ];
  expect(reports, stderr).toMatchObject([expected, expected]);
});
