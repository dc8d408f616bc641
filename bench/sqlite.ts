/**
 * How fast rows get into SQLite, against a bare prepared-statement loop over `node:sqlite` on the same rows.
 *
 *   npm run bench:sqlite [-- ROWS]
 *
 * Every line is a process of its own. Quote ratios: absolute figures depend on the machine and its mood.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const rows = Number(process.argv[2] ?? 1_000_000);
const rounds = 3;
const folder = mkdtempSync(join(tmpdir(), 'plumbing-bench-'));
const contestant = fileURLToPath(new URL('contestant.ts', import.meta.url));

interface Figures {
  readonly rowsPerSecond: number;
  readonly peakMb: number;
}

function measure(name: string, file: string): Figures {
  const child = spawnSync(process.execPath, [contestant, name, join(folder, file), String(rows)], {
    encoding: 'utf8',
  });
  if (child.status !== 0) throw new Error(`${name} ended with ${child.status}: ${child.stderr}`);
  return JSON.parse(child.stdout) as Figures;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
const clear = (file: string): void => {
  for (const suffix of ['', '-wal', '-shm', '.lock'])
    rmSync(join(folder, `${file}${suffix}`), { force: true });
};

const pairs: readonly (readonly [ours: string, bare: string])[] = [
  ['load', 'bare-insert'],
  ['delta', 'bare-delta'],
  ['unchanged', 'bare-unchanged'],
];
const figures = new Map<string, Figures[]>();
try {
  for (let round = 0; round < rounds; round++) {
    clear('ours.db');
    clear('bare.db');
    // Ours and bare take turns, so that both meet the same mood of the machine.
    for (const [ours, bare] of pairs) {
      figures.set(bare, [...(figures.get(bare) ?? []), measure(bare, 'bare.db')]);
      figures.set(ours, [...(figures.get(ours) ?? []), measure(ours, 'ours.db')]);
    }
  }
  clear('http.db');
  figures.set('http', [measure('http', 'http.db')]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

console.log(`${rows.toLocaleString('en-US')} rows, 19 columns, median of ${rounds} rounds\n`);
for (const [name, list] of figures) {
  const pair = pairs.find(([ours]) => ours === name);
  const bare = pair && figures.get(pair[1]);
  const ratio =
    bare && median(list.map((each, i) => each.rowsPerSecond / (bare[i] as Figures).rowsPerSecond));
  const rate = Math.round(median(list.map((each) => each.rowsPerSecond))).toLocaleString('en-US');
  const peak = Math.round(Math.max(...list.map((each) => each.peakMb)));
  console.log(
    `${name.padEnd(16)} ${rate.padStart(10)} rows/s  peak ${String(peak).padStart(4)} MB${ratio === undefined ? '' : `  ${ratio.toFixed(2)} of bare`}`,
  );
}
