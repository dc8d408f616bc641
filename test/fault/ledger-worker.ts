/** Child process: loads the ledger, and sends itself a signal at a given failpoint. */
import { DatabaseSync } from 'node:sqlite';
import { isPlumbingError } from '../../src/errors/index.ts';
import { onFailpoint } from '../../src/failpoints/index.ts';
import { sqlite } from '../../src/destinations/sqlite/destination.ts';
import { createSqliteReader } from '../../src/destinations/sqlite/readers.ts';
import { movementsPerGeneration } from './ledger-model.ts';
import { loadLedger } from './ledger-source.ts';
import type { LedgerLoad } from './ledger-source.ts';
import { undoLoad } from '../../src/pipeline/index.ts';
import type { RunReport } from '../../src/pipeline/index.ts';

/** What a worker is told beside path and task. */
export interface LedgerTask extends LedgerLoad {
  /** The number of the failpoint, from 1, at which the signal is sent. Absent: none is. */
  readonly at?: number;
  /** Counts only the failpoints of this name. */
  readonly failpoint?: string;
  readonly signal?: 'SIGKILL' | 'SIGSTOP';
  /** How many loads can be taken back. */
  readonly undoLoads?: number;
  /** Of the task `undo`: the load that is taken back. */
  readonly loadId?: string;
  /** Of the endless task: how many loads are enough. */
  readonly loads?: number;
  /** Someone reads all the time, so that the log can't be emptied and grows. */
  readonly hasReader?: boolean;
}

const [path = '', task = '', text = '{}'] = process.argv.slice(2);
const options = JSON.parse(text) as LedgerTask;
const passed: string[] = [];
onFailpoint((name) => {
  if (name !== (options.failpoint ?? name)) return;
  passed.push(name);
  if (passed.length === options.at) process.kill(process.pid, options.signal ?? 'SIGKILL');
});

/** To the parent; to standard output when a shell is the parent. */
function say(message: unknown): void {
  if (process.send) process.send(message);
  else console.log(JSON.stringify(message));
}

/** The generation that was under way, or the one after the last that was completed. */
async function nextGeneration(): Promise<number> {
  try {
    const { state, loads } = await createSqliteReader(path).status();
    const cursor = state.find(({ stream }) => stream === 'movements')?.state.cursor;
    const stored = Math.ceil(Number(cursor ?? 0) / movementsPerGeneration);
    return loads[0]?.status === 'succeeded' ? stored + 1 : Math.max(1, stored);
  } catch (error) {
    // The file does not exist yet.
    if (isPlumbingError(error, 'DEST_FAILED')) return 1;
    throw error;
  }
}

/** Completes what was under way, and goes on; every third generation is staged. */
async function endless(): Promise<void> {
  const next = await nextGeneration();
  say('ready');
  let reader: DatabaseSync | undefined;
  for (let generation = next; generation < next + (options.loads ?? Infinity); generation++) {
    requireSucceeded(await loadLedger(path, { ...options, generation, staged: generation % 3 === 0 }));
    say(generation);
    if (options.hasReader) reader ??= startReading();
  }
  reader?.close();
}

function startReading(): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true });
  db.exec('BEGIN; SELECT count(*) FROM movements');
  return db;
}

/** The error of the first stream that failed, as the process's own. */
function requireSucceeded({ status, streams }: RunReport): void {
  if (status === 'succeeded') return;
  const error = streams.find((stream) => stream.error)?.error;
  throw Object.assign(new Error(error?.message ?? status), error);
}

try {
  if (task === 'endless') await endless();
  else {
    const target = { path, undoLoads: options.undoLoads ?? 0 };
    if (task === 'undo') await undoLoad(sqlite(target), options.loadId ?? '');
    else requireSucceeded(await loadLedger(target, options));
    say(passed);
  }
} catch (error) {
  process.exitCode = 1;
  const { code = 'UNEXPECTED', message, stack } = error as Error & { code?: string };
  say(code === 'UNEXPECTED' ? { code, message: stack } : { code, message });
}
