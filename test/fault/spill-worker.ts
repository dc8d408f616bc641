/** Child process: a load that puts more rows aside than its temporary folder can hold, then a small one. */
import { z } from 'zod';
import { isPlumbingError } from '../../src/errors/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { defineSource, defineStream, int64 } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';

const [path = ''] = process.argv.slice(2);

async function load(pages: number): Promise<unknown> {
  const wide = defineStream({
    name: 'wide',
    schema: z.object({ id: int64(), text: z.string() }),
    primaryKey: ['id'],
    write: 'replace',
    async *read() {
      for (let page = 0; page < pages; page++) {
        yield Array.from({ length: 1_000 }, (_, index) => ({
          id: page * 1_000 + index,
          text: 'x'.repeat(200),
        }));
      }
    },
  });
  try {
    const source = defineSource({ name: 'wide', streams: [wide] });
    return (await run({ source, destination: sqlite({ path, lockTimeoutMs: 0 }) })).status;
  } catch (error) {
    return isPlumbingError(error) ? { code: error.code, message: error.message } : String(error);
  }
}

console.log(JSON.stringify([await load(1), await load(60), await load(1)]));
