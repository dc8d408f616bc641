/** A process that takes back a load, or makes one: OPTIONS, then `undo LOAD_ID` or `load PIPELINE`, FAILPOINT to die at. */
import { iceberg } from '../../../src/destinations/iceberg/index.ts';
import type { IcebergOptions } from '../../../src/destinations/iceberg/index.ts';
import { isPlumbingError } from '../../../src/errors/index.ts';
import { onFailpoint } from '../../../src/failpoints/index.ts';
import { undoLoad } from '../../../src/index.ts';
import { load, streamOf } from './undo-place.ts';

const [options = '{}', what = '', name = '', number = '0'] = process.argv.slice(2);
const destination = iceberg(JSON.parse(options) as IcebergOptions);
const passed: string[] = [];
onFailpoint((failpoint) => {
  passed.push(failpoint);
  // No handler runs, nothing is flushed.
  if (passed.length === Number(number)) process.kill(process.pid, 'SIGKILL');
});
let result: string;
try {
  if (what === 'undo') {
    await undoLoad(destination, name);
    result = 'undone';
  } else {
    const rows = [
      { id: 2, note: 'b' },
      { id: 9, note: 'theirs' },
    ];
    const report = await load(destination, [streamOf('t', rows, { cursor: { column: 'id' } })], {
      pipeline: name,
    });
    result = report.status;
  }
} catch (error) {
  result = isPlumbingError(error) ? error.code : String(error);
}
process.send?.({ result, passed }, () => process.disconnect());
