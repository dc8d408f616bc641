/** A process that upserts: its own keys, and one that all processes share. */
import { Warehouse, tableOf } from './harness.ts';

const [folder = '', worker = '0', commits = '1'] = process.argv.slice(2);
const warehouse = new Warehouse({ warehouse: folder, commitTries: 1_000 });
const table = tableOf({ worker: 'int64', n: 'int64' });
for (let n = 0; n < Number(commits); n++) {
  const rows = [
    [Number(worker) * 1_000 + n, Number(worker), n],
    [-1, Number(worker), n],
  ];
  await warehouse.load(table, rows, { pipeline: `worker ${worker}` });
}
warehouse[Symbol.dispose]();
