/** Child process: loads rows in small checkpoints, holds a load open, or replaces a table again and again. */
import { sqlite } from '../../../src/destinations/sqlite/index.ts';
import type { LoadInfo, TableDefinition } from '../../../src/model/index.ts';
import { isPlumbingError } from '../../../src/errors/index.ts';

const [path = '', task = '', argument = '0'] = process.argv.slice(2);
const id = { name: 'id', type: 'int64', nullable: false, path: ['id'] } as const;
const note = { name: 'note', type: 'string', nullable: true, path: ['note'] } as const;
const table = (write: TableDefinition['write']): TableDefinition => ({
  name: 't',
  columns: [id, note],
  primaryKey: ['id'],
  write,
});

async function load(
  write: TableDefinition['write'],
  work: (info: LoadInfo) => Promise<void> | void,
): Promise<void> {
  await work({
    loadId: crypto.randomUUID(),
    pipeline: 'p',
    startedAt: new Date().toISOString(),
    day: '2026-11-23',
    tables: [table(write)],
    staged: false,
    signal: new AbortController().signal,
  });
}

const upsert = { mode: 'merge', strategy: 'upsert' } as const;

/** Goes on from the stored cursor, as a pipeline does; row and cursor move together. */
async function append(partition: string, base: number, until: number, size: number): Promise<void> {
  await load(upsert, async (info) => {
    const session = await sqlite(path).open();
    const open = await session.begin(info);
    const stored = (await session.readState('p')).get('t', partition).cursor;
    for (let next = Number(stored ?? base); next < until; next += size) {
      await open.write(
        't',
        Array.from({ length: size }, (_, index) => [next + index, `row ${next + index}`]),
      );
      await open.checkpoint([{ stream: 't', partition, state: { cursor: next + size } }]);
      process.send?.('committed');
    }
    await open.finishTable('t', []);
    await open.publish();
    await session.close();
  });
}

try {
  if (task === 'append') await append(argument, Number(argument), Number(argument) + 500, 25);
  else if (task === 'endless') await append('', 0, Number.POSITIVE_INFINITY, 50);
  else if (task === 'fill') {
    await load(upsert, async (info) => {
      const session = await sqlite(path).open();
      const open = await session.begin(info);
      for (let next = 0; ; next += 100) {
        await open.write(
          't',
          Array.from({ length: 100 }, (_, index) => [next + index, 'x'.repeat(200)]),
        );
        await open.checkpoint([{ stream: 't', partition: '', state: { cursor: next + 100 } }]);
      }
    });
  } else if (task === 'hold') {
    await load(upsert, async (info) => {
      const open = await (await sqlite(path).open()).begin(info);
      await open.write('t', [[-1, 'never committed']]);
      process.send?.('held');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });
  } else if (task === 'replace') {
    for (let round = 1; round <= 15; round++) {
      await load({ mode: 'replace' }, async (info) => {
        const session = await sqlite(path).open();
        const open = await session.begin(info);
        for (let part = 0; part < 4; part++) {
          await open.write(
            't',
            Array.from({ length: 250 }, (_, index) => [part * 250 + index, String(round)]),
          );
        }
        await open.finishTable('t', []);
        await open.publish();
        await session.close();
      });
    }
  }
  process.disconnect?.();
} catch (error) {
  if (process.env['PRINT_ERRORS']) console.log(isPlumbingError(error) ? error.code : error);
  process.send?.({
    code: isPlumbingError(error) ? error.code : String(error),
    message: (error as Error).message,
  });
  process.disconnect?.();
}
