/** Readers beside a writer that is killed: they see whole sets only. */
import { once } from 'node:events';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { endOf, startWorker } from './child.ts';
import { useFolder } from './folder.ts';
import { expectLoaded, expectSound } from './ledger-database.ts';
import { loadLedger } from './ledger-source.ts';
import type { Seen } from './reader-worker.ts';

const folder = useFolder();
let path: string;

beforeEach(() => {
  path = join(folder(), 'ledger.db');
});

/** Where a load of `rates` is killed: before its rows are written, in the middle, before and after the commit. */
const moments = [
  { failpoint: 'sqlite.rows_spilled', at: 1 },
  { failpoint: 'sqlite.rows_applied', at: 7 },
  { failpoint: 'sqlite.committing', at: 8 },
  { failpoint: 'sqlite.committed', at: 8 },
];

test('a reader that polls while a table is replaced, and while writers are killed, sees whole sets only', async () => {
  await loadLedger(path, { generation: 1 });
  const reader = startWorker('./reader-worker.ts', path, 'rates');
  const end = endOf(reader);
  await once(reader, 'message');
  for (const [index, moment] of moments.entries()) {
    const generation = index + 2;
    const killed = await endOf(startWorker('./ledger-worker.ts', path, 'load', { generation, ...moment }));
    expect(killed).toMatchObject({ signal: 'SIGKILL' });
    const { rates } = expectSound(path);
    expect(rates).toBe(moment.failpoint === 'sqlite.committed' ? generation : generation - 1);
    const writer = startWorker('./ledger-worker.ts', path, 'load', { generation });
    expect(await endOf(writer)).toMatchObject({ code: 0 });
  }
  reader.send('stop');
  const { message } = await end;
  const { polls, faults, generations } = message as Seen;
  expect(faults).toEqual([]);
  expect(generations).toEqual([1, 2, 3, 4, 5]);
  expect(polls).toBeGreaterThan(20);
  expectLoaded(path, 5);
});
