import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const dist = (path: string): string => new URL(`../../dist/${path}`, import.meta.url).href;

/** Milliseconds of a process, median of five. */
function medianMs(args: readonly string[]): number {
  const runs = Array.from({ length: 5 }, () => {
    const startedMs = performance.now();
    expect(spawnSync(process.execPath, args, { encoding: 'utf8' }).status).toBe(0);
    return performance.now() - startedMs;
  });
  return runs.toSorted((a, b) => a - b)[2] as number;
}

// The goals are 100 ms for imports and 150 ms for help; machines that run tests are slower and busy.
const margin = 4;

test.each([['index.js'], ['sources/comdirect/index.js']])('importing %s is quick', (path) => {
  const emptyMs = medianMs(['-e', '0']);
  const importMs = medianMs(['--input-type=module', '-e', `await import(${JSON.stringify(dist(path))})`]);
  expect(importMs - emptyMs).toBeLessThan(100 * margin);
});

test('plumbing --help is quick', () => {
  expect(medianMs([fileURLToPath(dist('cli/main.js')), '--help'])).toBeLessThan(150 * margin);
});
