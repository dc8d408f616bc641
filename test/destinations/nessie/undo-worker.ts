/** Takes back a load in a process of its own: OPTIONS LOAD_ID NUMBER. Killed at the failpoint of that number. */
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import { onFailpoint } from '../../../src/failpoints/index.ts';
import { undoLoad } from '../../../src/index.ts';

const [options = '{}', loadId = '', number = '0'] = process.argv.slice(2);
let passed = 0;
onFailpoint(() => {
  // No handler runs, nothing is flushed.
  if (++passed === Number(number)) process.kill(process.pid, 'SIGKILL');
});
await undoLoad(nessie(JSON.parse(options) as NessieOptions), loadId);
process.send?.({ passed }, () => process.disconnect());
