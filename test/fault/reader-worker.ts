/** Child process: reads a table of the ledger again and again, until it is told to stop. */
import { createSqliteReader } from '../../src/destinations/sqlite/index.ts';
import { ratesOf } from './ledger-model.ts';

/** What the reader reports at its end. */
export interface Seen {
  readonly polls: number;
  /** Sets that were not those of one generation. */
  readonly faults: readonly string[];
  readonly generations: readonly unknown[];
}

const [path = '', table = ''] = process.argv.slice(2);
const size = ratesOf(1).length;
const generations = new Set<unknown>();
const faults: string[] = [];
let polls = 0;
const stop = new AbortController();
process.once('message', () => stop.abort());
const reader = createSqliteReader(path);

async function poll(): Promise<void> {
  const seen = new Map<unknown, number>();
  for await (const { generation } of reader.readRows(table, { columns: ['generation'] })) {
    seen.set(generation, (seen.get(generation) ?? 0) + 1);
  }
  if (seen.size !== 1 || [...seen.values()][0] !== size) faults.push(JSON.stringify([...seen]));
  for (const generation of seen.keys()) generations.add(generation);
}

while (!stop.signal.aborted) {
  await poll();
  polls++;
  if (polls === 1) process.send?.('reading');
  await new Promise(setImmediate);
}
const report: Seen = { polls, faults, generations: [...generations] };
process.send?.(report);
