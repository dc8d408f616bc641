/**
 * Child process: a client of the sandbox bank that shares its login with other processes. Told the bank's time, it reads
 * its accounts twice at once; it may be killed at a named step.
 */
import { onFailpoint } from '../../src/failpoints/index.ts';
import {
  comdirectTokenStore,
  createComdirectClient,
  createComdirectTokens,
  getAccountsBalances,
  loadComdirectConfig,
} from '../../src/sources/comdirect/index.ts';
import { isPlumbingError } from '../../src/errors/index.ts';
import type { WorkerOrder, WorkerReport } from './refresh-orders.ts';

const [folder = '', killAt] = process.argv.slice(2);
const config = loadComdirectConfig(process.env);
const store = comdirectTokenStore(config, folder);
let nowMs = 0;
const now = (): number => nowMs;
const client = createComdirectClient({
  config,
  tokens: createComdirectTokens({ config, tokenStore: store, now }),
  rateLimit: { requestsPerSecond: 10_000 },
  now,
});
let passed: string[] = [];
onFailpoint((name) => {
  passed.push(name);
  if (name === killAt) process.kill(process.pid, 'SIGKILL');
});

process.on('message', (order: WorkerOrder) => void obey(order));
process.send?.('ready');

async function obey(order: WorkerOrder): Promise<void> {
  ({ nowMs } = order);
  passed = [];
  const outcomes = order.store
    ? [await outcomeOf(store.write(order.store))]
    : await Promise.all([outcomeOf(getAccountsBalances(client)), outcomeOf(getAccountsBalances(client))]);
  const report: WorkerReport = { outcomes, passed };
  process.send?.(report);
}

async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    return isPlumbingError(error) ? error.code : String(error);
  }
}
