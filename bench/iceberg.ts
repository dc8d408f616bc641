/**
 * How fast rows get into Iceberg tables, beside PyIceberg on the same files of JSON lines, with the values compared.
 *
 *   npm run bench:iceberg [-- ROWS [UPSERTS...]]
 *
 * Every line is a process of its own. Quote ratios: absolute figures depend on the machine and its mood.
 */
import { spawnSync } from 'node:child_process';
import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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

function compare(what: string, count: number, ours: Figures, theirs: Figures): void {
  const rate = ({ seconds }: Figures): string => Math.round(count / seconds).toLocaleString('en-US');
  console.log(
    `${what.padEnd(28)} ${rate(ours).padStart(9)} rows/s, peak ${Math.round(ours.peakMb)} MB; PyIceberg ${rate(theirs).padStart(9)} rows/s, peak ${Math.round(theirs.peakMb)} MB: ${(theirs.seconds / ours.seconds).toFixed(2)} times its rate`,
  );
}

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
  const ours = measure('ours', 'append', first, 'appended');
  compare(`append of ${rows}`, rows, ours, measure('pyiceberg', 'append', first));
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
    compare(`upsert of ${size}`, size, measure('ours', 'upsert', file), measure('pyiceberg', 'upsert', file));
    assert.equal(sums('ours'), sums('pyiceberg'));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
