/**
 * How fast questions are answered over SQLite files: by the library, by SQLite, and by DuckDB over Parquet and through its
 * own SQLite extension. All must give the same answers.
 *
 *   npm run bench:analytics [-- ROWS]
 *
 * Contestants take turns within a round. Quote ratios: absolute figures depend on the machine and its mood.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { live, mirror, parquet, plainSqlite, sqliteExtension } from './analytics-contestants.ts';
import type { Answer, Contestant } from './analytics-contestants.ts';
import { aliases, exportParquet, loadSmall, loadTransactions, sqlitePath } from './analytics-files.ts';
import { questions, scan } from './analytics-queries.ts';
import type { Question } from './analytics-queries.ts';
import { fetchExtension } from './sqlite-extension.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
const rounds = 5;
const folder = mkdtempSync(join(tmpdir(), 'plumbing-bench-'));

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** Fails when two answers differ: exactly, but for money of those who round. */
function requireSame(question: Question, answer: Answer, expected: Answer, isRounded: boolean): void {
  const isSame = (column: string, value: unknown, other: unknown): boolean =>
    isRounded && question.money.includes(column)
      ? Math.abs(Number(value) - Number(other)) < 0.011
      : String(value) === String(other);
  const difference = expected.findIndex((row, i) =>
    Object.entries(row).some(([column, value]) => !isSame(column, answer[i]?.[column], value)),
  );
  if (answer.length === expected.length && difference < 0) return;
  const at = JSON.stringify([answer[Math.max(difference, 0)], expected[Math.max(difference, 0)]]);
  throw new Error(`${question.name}: answers differ in row ${difference} of ${answer.length}: ${at}`);
}

/** Milliseconds of each round, by question and contestant. The first round warms the caches, and does not count. */
async function compare(contestants: readonly Contestant[]): Promise<Map<Question, Map<string, number[]>>> {
  const times = new Map<Question, Map<string, number[]>>();
  for (const question of [scan, ...questions]) {
    const ofQuestion = new Map(contestants.map(({ name }) => [name, [] as number[]]));
    times.set(question, ofQuestion);
    for (let round = 0; round <= rounds; round++) {
      let expected: Answer | undefined;
      for (const { name, ask, isRounded = false } of contestants) {
        let answer: Answer = [];
        const ms = await timed(async () => (answer = await ask(question)));
        expected ??= answer;
        requireSame(question, answer, expected, isRounded);
        if (round > 0) ofQuestion.get(name)?.push(ms);
      }
    }
  }
  return times;
}

function print(times: Map<Question, Map<string, number[]>>, names: readonly string[]): void {
  const pairs = [
    ['live', 'extension'],
    ['live', 'sqlite'],
    ['mirror', 'sqlite'],
    ['mirror', 'parquet'],
  ].filter((pair) => pair.every((name) => names.includes(name))) as [string, string][];
  const cell = (text: string): string => text.padStart(17);
  console.log(
    `${'median ms, ratios'.padEnd(26)}${[...names, ...pairs.map((pair) => pair.join('/'))].map(cell).join('')}`,
  );
  for (const [{ name: question }, byName] of times) {
    const of = (name: string): number[] => byName.get(name) as number[];
    const figures = names.map((name) => median(of(name)).toFixed(1));
    const ratios = pairs.map(([a, b]) => median(of(a).map((ms, i) => ms / (of(b)[i] as number))).toFixed(2));
    console.log(`${question.padEnd(26)}${[...figures, ...ratios].map(cell).join('')}`);
  }
  const rate = (rows / median(times.get(scan)?.get('live') as number[])) * 1000;
  console.log(`\nlive scan of two columns: ${Math.round(rate).toLocaleString('en-US')} rows/s`);
}

/** How long the copy takes at first, and after 1 % of new and corrected rows, both with a question that needs it. */
async function refresh(): Promise<void> {
  for (const alias of aliases) rmSync(`${sqlitePath(folder, alias)}.mirror`, { recursive: true });
  const startedMs = performance.now();
  const contestant = await mirror(folder);
  await contestant.ask(scan);
  const rebuildMs = performance.now() - startedMs;
  const warmMs = median([
    await timed(() => contestant.ask(scan)),
    await timed(() => contestant.ask(scan)),
    await timed(() => contestant.ask(scan)),
  ]);
  const half = Math.ceil(rows / 200);
  await loadTransactions(folder, { from: rows - half, to: rows + half, count: rows, version: 1 });
  const refreshMs = (await timed(() => contestant.ask(scan))) - warmMs;
  const direct = await live(folder);
  requireSame(scan, await contestant.ask(scan), await direct.ask(scan), false);
  await Promise.all([contestant.close(), direct.close()]);
  console.log(
    `mirror: rebuilt in ${rebuildMs.toFixed(0)} ms, refreshed after a delta of 1 % in ${refreshMs.toFixed(0)} ms: ${(refreshMs / rebuildMs).toFixed(3)} of it`,
  );
}

try {
  await loadTransactions(folder, { from: 0, to: rows, count: rows, version: 0 });
  await loadSmall(folder);
  await exportParquet(folder);
  const extension = fetchExtension();
  const contestants = [
    await live(folder),
    await mirror(folder),
    plainSqlite(folder),
    await parquet(folder),
    extension === undefined ? undefined : await sqliteExtension(folder, extension),
  ].filter((each) => each !== undefined);
  console.log(`${rows.toLocaleString('en-US')} transactions, median of ${rounds} rounds\n`);
  print(
    await compare(contestants),
    contestants.map(({ name }) => name),
  );
  await Promise.all(contestants.map(({ close }) => close()));
  await refresh();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
