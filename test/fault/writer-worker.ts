/** Child process: 20 loads of ten batches each, of one partition of a stream that another process loads as well. */
import { z } from 'zod';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { defineSource, defineStream, int64 } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';

const [path = '', key = ''] = process.argv.slice(2);
const loads = 20;
const batches = 10;
const batchRows = 10;

/** Goes on from the cursor, so that a cursor which the other process overwrote would show as missing rows. */
const entriesUntil = (last: number) =>
  defineStream({
    name: 'entries',
    schema: z.object({ writer: z.string(), id: int64() }),
    primaryKey: ['writer', 'id'],
    cursor: { column: 'id', order: 'ascending' },
    async *read({ from }) {
      for (let next = typeof from === 'number' ? from + 1 : 1; next <= last; next += batchRows) {
        yield Array.from({ length: batchRows }, (_, index) => ({ writer: key, id: next + index }));
      }
    },
  });

for (let load = 1; load <= loads; load++) {
  const stream = entriesUntil(load * batches * batchRows);
  const source = defineSource({ name: 'two-writers', streams: [stream] });
  const { status, streams } = await run(
    { source, destination: sqlite(path), checkpoint: { rows: batchRows } },
    { work: [{ stream: 'entries', partition: { key } }] },
  );
  if (status !== 'succeeded') throw new Error(streams[0]?.error?.message);
  if (streams[0]?.batches !== batches) throw new Error(`load ${load}: ${streams[0]?.batches} batches`);
}
