/** Child process, with `--expose-gc`: ten loads of 100,000 rows; says after each how much memory and how many files it holds. */
import { readdirSync } from 'node:fs';
import { z } from 'zod';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { defineSource, defineStream, int64 } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';

/** What a worker says after each load. */
export interface Footprint {
  readonly heapBytes: number;
  readonly openFiles: number;
  readonly rows: number;
}

const [path = ''] = process.argv.slice(2);
const loads = 10;
const pages = 100;
const pageRows = 1_000;

/** Half of the rows change with each load. */
function* rowsOf(load: number): Iterable<readonly unknown[]> {
  for (let page = 0; page < pages; page++) {
    yield Array.from({ length: pageRows }, (_, index) => {
      const id = page * pageRows + index;
      return { id, note: `note ${id % 2 === 0 ? load : 0} of ${id}` };
    });
  }
}

for (let load = 1; load <= loads; load++) {
  const schema = z.object({ id: int64(), note: z.string() });
  const merged = defineStream({
    name: 'merged',
    schema,
    primaryKey: ['id'],
    async *read() {
      yield* rowsOf(load);
    },
  });
  const { status, streams } = await run({
    source: defineSource({ name: 'memory', streams: [merged] }),
    destination: sqlite(path),
  });
  if (status !== 'succeeded') throw new Error(streams[0]?.error?.message);
  globalThis.gc?.();
  const footprint: Footprint = {
    heapBytes: process.memoryUsage().heapUsed,
    openFiles: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
    rows: streams[0]?.read ?? 0,
  };
  process.send?.(footprint);
}
