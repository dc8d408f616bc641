/** Child process: loads some rows more, again and again, each load one commit, until it is ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { decimal, defineSource, defineStream, int64 } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';

const [path = '', rows = ''] = process.argv.slice(2);
const rowsPerLoad = Number(rows);
const pauseMs = 20;

for (let load = 1; ; load++) {
  const entries = defineStream({
    name: 'entries',
    schema: z.object({ id: int64(), load: int64(), amount: decimal(15, 2) }),
    primaryKey: ['id'],
    async *read() {
      yield Array.from({ length: rowsPerLoad }, (_, i) => ({
        id: load * rowsPerLoad + i,
        load,
        amount: '0.10',
      }));
    },
  });
  const source = defineSource({ name: 'forever', streams: [entries] });
  const { status, streams } = await run({ source, destination: sqlite(path) });
  if (status !== 'succeeded') throw new Error(streams[0]?.error?.message);
  process.send?.(load);
  await sleep(pauseMs);
}
