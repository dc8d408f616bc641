/**
 * How fast rows get into Iceberg tables, beside PyIceberg on the same files of JSON lines, with the values compared.
 *
 *   npm run bench:iceberg [-- ROWS [UPSERTS...]]
 *
 * Every try is a process of its own; figures are medians of some tries. Quote ratios: absolute figures depend on the machine and its
 * mood.
 */
import { spawnSync } from 'node:child_process';
import { strict as assert } from 'node:assert';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../scripts/services/python.ts';
import { writeLines } from './iceberg-rows.ts';

const [rows = 1_000_000, ...upserts] = process.argv.slice(2).map(Number);
const sizes = upserts.length > 0 ? upserts : [10_000, rows];
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'plumbing-bench-iceberg-'));
const python = await pythonEnvironment(here('../scripts/services/requirements-iceberg.txt'));

interface Figures {
  readonly seconds: number;
  readonly peakMb: number;
}

function measure(who: 'ours' | 'pyiceberg', operation: string, file: string, into = who as string): Figures {
  const warehouse = join(folder, into);
  mkdirSync(warehouse, { recursive: true });
  const [program, script] =
    who === 'ours'
      ? [process.execPath, here('iceberg-contestant.ts')]
      : [python, here('iceberg_contestant.py')];
  const child = spawnSync(program, [script, operation, warehouse, file], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`${who} ${operation} ended with ${child.status}: ${child.stderr}`);
  return JSON.parse(child.stdout) as Figures;
}

/** What PyIceberg finds in a table: both must hold the same. */
function sums(who: 'appended' | 'ours' | 'pyiceberg'): string {
  return spawnSync(python, [here('iceberg_contestant.py'), 'sums', join(folder, who), '-'], {
    encoding: 'utf8',
  }).stdout;
}

/** Ours and theirs take turns, so that both meet the same mood of the machine; each try begins with the tables as they were. */
function compare(what: string, operation: string, file: string, count: number, into = 'ours'): void {
  // What is over quickly is the plaything of everything else that runs.
  const rounds = count < rows ? 9 : 3;
  const tries: (readonly [ours: Figures, theirs: Figures])[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const name of [into, 'pyiceberg']) putBack(name, round === 0);
    tries.push([measure('ours', operation, file, into), measure('pyiceberg', operation, file)]);
  }
  const rate = (which: 0 | 1): string =>
    Math.round(count / median(tries.map((pair) => pair[which].seconds)))
      .toLocaleString('en-US')
      .padStart(9);
  const peak = (which: 0 | 1): number => Math.round(Math.max(...tries.map((pair) => pair[which].peakMb)));
  const ratios = tries.map(([ours, theirs]) => theirs.seconds / ours.seconds);
  console.log(
    `${what.padEnd(20)} ${rate(0)} rows/s, peak ${peak(0)} MB; PyIceberg ${rate(1)} rows/s, peak ${peak(1)} MB: ${median(ratios).toFixed(2)} times its rate (${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`,
  );
}

/** Keeps a warehouse as it is before the first try, and restores it before the others. Its catalog knows files by their full paths. */
function putBack(name: string, isFirst: boolean): void {
  const [now, kept] = [join(folder, name), join(folder, `${name}-before`)];
  mkdirSync(now, { recursive: true });
  if (isFirst) rmSync(kept, { recursive: true, force: true });
  else rmSync(now, { recursive: true, force: true });
  cpSync(isFirst ? now : kept, isFirst ? kept : now, { recursive: true });
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

try {
  const first = join(folder, 'first.jsonl');
  await writeLines(first, Array(rows).keys(), 0);
  for (const [who, what] of [
    ['pyiceberg', 'PyArrow'],
    ['ours', 'DuckDB'],
  ] as const) {
    const floor = measure(who, 'parquet', first);
    console.log(
      `${what} to plain Parquet: ${Math.round(rows / floor.seconds).toLocaleString('en-US')} rows/s, peak ${Math.round(floor.peakMb)} MB`,
    );
  }
  compare(`append of ${rows}`, 'append', first, rows, 'appended');
  assert.equal(sums('appended'), sums('pyiceberg'));
  // A table that takes upserts has its key from the begin.
  measure('ours', 'upsert', first);
  for (const size of sizes) {
    const file = join(folder, `upsert-${size}.jsonl`);
    // Half of them are there already, spread over the table.
    const step = Math.max(1, Math.floor((2 * rows) / size));
    await writeLines(
      file,
      Array.from({ length: size }, (_, i) => (i * step) % (2 * rows)),
      1,
    );
    compare(`upsert of ${size}`, 'upsert', file, size);
    assert.equal(sums('ours'), sums('pyiceberg'));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
