/**
 * How fast rows get into SQLite, against a bare prepared-statement loop over `node:sqlite` on the same rows.
 *
 *   npm run bench:sqlite [-- ROWS]
 *
 * Every line is a process of its own. Quote ratios: absolute figures depend on the machine and its mood.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const rows = Number(process.argv[2] ?? 1_000_000);
const rounds = 3;
const folder = mkdtempSync(join(tmpdir(), 'plumbing-bench-'));
const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

interface Figures {
  readonly rowsPerSecond: number;
  readonly rowsPerCpuSecond: number;
  readonly peakMb: number;
}

function measure(name: string, file: string, count = rows, environment: object = {}): Figures {
  const child = spawnSync(
    process.execPath,
    [pathOf('contestant.ts'), name, join(folder, file), String(count)],
    {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    },
  );
  if (child.status !== 0) throw new Error(`${name} ended with ${child.status}: ${child.stderr}`);
  return JSON.parse(child.stdout) as Figures;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
const number = (value: number): string => Math.round(value).toLocaleString('en-US').padStart(10);
const clear = (file: string): void => {
  for (const suffix of ['', '-wal', '-shm', '.lock'])
    rmSync(join(folder, `${file}${suffix}`), { force: true });
};

/** Ours and bare take turns, so that both meet the same mood of the machine. */
function compare(): void {
  const pairs = [
    ['load', 'bare-insert'],
    ['delta', 'bare-delta'],
    ['unchanged', 'bare-unchanged'],
  ] as const;
  const figures = new Map<string, Figures[]>();
  for (let round = 0; round < rounds; round++) {
    clear('ours.db');
    clear('bare.db');
    for (const [ours, bare] of pairs) {
      figures.set(bare, [...(figures.get(bare) ?? []), measure(bare, 'bare.db')]);
      figures.set(ours, [...(figures.get(ours) ?? []), measure(ours, 'ours.db')]);
    }
  }
  console.log(`${rows.toLocaleString('en-US')} rows, 19 columns, median of ${rounds} rounds\n`);
  for (const [name, bareName] of pairs) {
    const ours = figures.get(name) as Figures[];
    const bare = figures.get(bareName) as Figures[];
    const ratio = (of: 'rowsPerSecond' | 'rowsPerCpuSecond'): string =>
      median(ours.map((each, i) => each[of] / (bare[i] as Figures)[of])).toFixed(2);
    console.log(
      `${name.padEnd(10)}${number(median(ours.map((each) => each.rowsPerSecond)))} rows/s, bare${number(median(bare.map((each) => each.rowsPerSecond)))}: ${ratio('rowsPerSecond')} of bare (${ratio('rowsPerCpuSecond')} by processor time), peak ${Math.round(Math.max(...ours.map((each) => each.peakMb)))} MB`,
    );
  }
}

interface HttpFigures extends Figures {
  /** Of the time: how busy the bank was. */
  readonly bankShare: number;
}

/** A bank in another process; both share the machine's processors. */
async function measureHttp(name: string): Promise<HttpFigures> {
  clear('http.db');
  // The bank shares the processors: less of its time goes into collecting garbage with room for young objects.
  const bank = spawn(process.execPath, ['--max-semi-space-size=64', pathOf('bank.ts'), String(rows)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  bank.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [line] = (await once(bank.stdout, 'data')) as [Buffer];
  const figures = measure(name, 'http.db', rows, JSON.parse(line.toString()) as object);
  bank.kill('SIGTERM');
  await once(bank, 'exit');
  const { cpuSeconds } = JSON.parse(said) as { cpuSeconds: number };
  return { ...figures, bankShare: (cpuSeconds * figures.rowsPerSecond) / rows };
}

/** Against a script by hand that fetches, parses and inserts the same pages. */
async function overHttp(): Promise<void> {
  const ours: HttpFigures[] = [];
  const bare: HttpFigures[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(await measureHttp('bare-http'));
    ours.push(await measureHttp('http'));
  }
  const middle = (of: keyof HttpFigures, all: readonly HttpFigures[] = ours): number =>
    median(all.map((each) => each[of]));
  const ratio = (of: 'rowsPerSecond' | 'rowsPerCpuSecond'): string =>
    median(ours.map((each, i) => each[of] / (bare[i] as HttpFigures)[of])).toFixed(2);
  console.log(
    `http      ${number(middle('rowsPerSecond'))} rows/s, by hand${number(middle('rowsPerSecond', bare))}: ${ratio('rowsPerSecond')} of it (${ratio('rowsPerCpuSecond')} by processor time), the bank busy ${Math.round(middle('bankShare') * 100)} % of the time, peak ${Math.round(Math.max(...ours.map((each) => each.peakMb)))} MB`,
  );
}

function memory(): void {
  for (const count of [rows / 10, rows, rows * 3]) {
    clear('memory.db');
    const { peakMb } = measure('load', 'memory.db', count);
    console.log(`peak memory with ${number(count)} rows: ${Math.round(peakMb)} MB`);
  }
}

try {
  compare();
  await overHttp();
  memory();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
