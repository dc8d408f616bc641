import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'plumbing-boundaries-'));
  for (const path of ['src', 'package.json', '.dependency-cruiser.mjs'])
    cpSync(join(root, path), join(copy, path), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

function cruise(): { readonly code: number | null; readonly text: string } {
  const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const { status, stdout } = spawnSync(
    process.execPath,
    [cruiser, '--config', '.dependency-cruiser.mjs', 'src'],
    { cwd: copy, encoding: 'utf8' },
  );
  return { code: status, text: stdout };
}

test('the house as it is keeps its boundaries', () => {
  expect(cruise()).toMatchObject({ code: 0 });
});

test.each([
  ['model/forbidden.ts', "import '../http/index.ts';", 'model-imports'],
  ['errors/forbidden.ts', "import '../model/index.ts';", 'errors-imports'],
  [
    'http/forbidden.ts',
    "import type { Source } from '../model/index.ts'; export type X = Source;",
    'http-imports',
  ],
  ['sources/comdirect/forbidden.ts', "import '../../destinations/sqlite/index.ts';", 'sources-imports'],
  ['sources/other/index.ts', "import '../comdirect/index.ts';", 'sources-apart'],
  ['sources/comdirect/forbidden.ts', "import './sandbox/index.ts';", 'sandbox-apart'],
  ['sources/comdirect/forbidden.ts', "import './analysis/index.ts';", 'analysis-apart'],
  ['sources/comdirect/analysis/forbidden.ts', "import '../index.ts';", 'analysis-stands-alone'],
  ['charts/forbidden.ts', "import '../sources/comdirect/analysis/index.ts';", 'charts-imports'],
  ['sources/comdirect/sandbox/forbidden.ts', "import '../index.ts';", 'sandbox-stands-alone'],
  ['destinations/sqlite/forbidden.ts', "import '../../sources/comdirect/index.ts';", 'destinations-imports'],
  ['pipeline/forbidden.ts', "import '../cli/main.ts';", 'nothing-imports-testing-or-cli'],
  ['model/value.ts', "import './table.ts'; export * from './index.ts'; export type X = number;", 'no-cycles'],
  ['http/forbidden.ts', "import 'vitest';", 'declared-dependencies'],
])('an import that the plan forbids is found: %s, %s', (file, code, rule) => {
  const path = join(copy, 'src', file);
  const before = existsSync(path) ? readFileSync(path) : undefined;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  const { code: exit, text } = cruise();
  if (before) writeFileSync(path, before);
  else rmSync(path);
  expect(text).toContain(rule);
  expect(exit).not.toBe(0);
});
