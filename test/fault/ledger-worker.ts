/** Child process: loads the ledger, and sends itself a signal at a given failpoint. */
import { isPlumbingError } from '../../src/errors/index.ts';
import { onFailpoint } from '../../src/failpoints/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { movementsPerGeneration } from './ledger-model.ts';
import { loadLedger } from './ledger-source.ts';
import type { LedgerLoad } from './ledger-source.ts';

/** What a worker is told beside path and task. */
export interface LedgerTask extends LedgerLoad {
  /** The number of the failpoint, from 1, at which the signal is sent. Absent: none is. */
  readonly at?: number;
  /** Counts only the failpoints of this name. */
  readonly failpoint?: string;
  readonly signal?: 'SIGKILL' | 'SIGSTOP';
}

const [path = '', task = '', text = '{}'] = process.argv.slice(2);
const options = JSON.parse(text) as LedgerTask;
const passed: string[] = [];
onFailpoint((name) => {
  if (name !== (options.failpoint ?? name)) return;
  passed.push(name);
  if (passed.length === options.at) process.kill(process.pid, options.signal ?? 'SIGKILL');
});

/** Completes the generation that was under way, then goes on to the next ones; every second one is staged. */
async function endless(): Promise<void> {
  let next = 1;
  try {
    const session = await sqlite(path).open({ readOnly: true });
    const cursor = (await session.readState('ledger')).get('movements').cursor;
    next = Math.max(1, Math.ceil(Number(cursor ?? 0) / movementsPerGeneration));
    await session.close();
  } catch (error) {
    // The file does not exist yet.
    if (!isPlumbingError(error, 'DEST_FAILED')) throw error;
  }
  process.send?.('ready');
  for (let generation = next; ; generation++) {
    const { status } = await loadLedger(path, {
      ...options,
      generation,
      staged: generation % 2 === 0,
    });
    if (status !== 'succeeded') throw new Error(`generation ${generation} ${status}`);
    process.send?.(generation);
  }
}

try {
  if (task === 'endless') await endless();
  else {
    const { status } = await loadLedger(path, options);
    if (status !== 'succeeded') throw new Error(status);
  }
  process.send?.(passed);
} catch (error) {
  process.exitCode = 1;
  process.send?.(
    isPlumbingError(error)
      ? { code: error.code, message: error.message, context: error.context }
      : { code: 'UNEXPECTED', message: (error as Error).stack },
  );
}
