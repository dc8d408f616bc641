/** A checked load in a process of its own: OPTIONS NUMBER. Killed at the failpoint of that number; reports how many it passed. */
import { z } from 'zod';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import { onFailpoint } from '../../../src/failpoints/index.ts';
import { defineSource, defineStream, int64, run, unique } from '../../../src/index.ts';

const [options = '{}', number = '0'] = process.argv.slice(2);
const ids = [1, 2, 3];
const orders = defineStream({
  name: 'orders',
  schema: z.object({ id: int64() }),
  primaryKey: ['id'],
  write: 'upsert',
  async *read() {
    yield ids.map((id) => ({ id }));
  },
});
// Rows that would be there twice if they were loaded twice.
const log = defineStream({
  name: 'log',
  schema: z.object({ id: int64() }),
  write: 'append',
  cursor: { column: 'id' },
  async *read({ from }) {
    yield ids.filter((id) => from === undefined || id > Number(from)).map((id) => ({ id }));
  },
});
let passed = 0;
onFailpoint(() => {
  // No handler runs, nothing is flushed.
  if (++passed === Number(number)) process.kill(process.pid, 'SIGKILL');
});
const { status } = await run({
  source: defineSource({ name: 'shop', streams: [orders, log] }),
  destination: nessie(JSON.parse(options) as NessieOptions),
  checks: [unique('orders', ['id']), unique('log', ['id'])],
});
process.send?.({ status, passed }, () => process.disconnect());
