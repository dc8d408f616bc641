/** Writes files where the test has put it, and prints the error as JSON. Arguments: location, bytes, user id, endless. */
import { localIo } from '../../src/iceberg/local-io.ts';
import { isPlumbingError } from '../../src/errors/index.ts';

const [location = '', bytes = '0', userId = '', endless = ''] = process.argv.slice(2);
if (userId) process.setuid?.(Number(userId));
const io = localIo();
try {
  const count = endless ? Infinity : 1;
  for (let n = 0; n < count; n++) {
    await io.write(endless ? `${location}${n}` : location, new Uint8Array(Number(bytes)).fill(7));
    console.log('written');
  }
} catch (error) {
  if (!isPlumbingError(error)) throw error;
  console.log(JSON.stringify(error));
}
