/** A sandbox bank for the running test, and what it takes to log in there. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createMemoryTokenStore } from '../../../src/auth/index.ts';
import type { TokenStore } from '../../../src/auth/index.ts';
import type { Batch, Stream } from '../../../src/model/index.ts';
import { ChallengeLedger, comdirect, loadComdirectConfig } from '../../../src/sources/comdirect/index.ts';
import type { ComdirectConfig, ComdirectOptions } from '../../../src/sources/comdirect/index.ts';
import { startComdirectSandbox } from '../../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox, SandboxOptions } from '../../../src/sources/comdirect/sandbox/index.ts';
import { temporaryFolder } from './scripted-bank.ts';

/** What a test works with. */
export interface Setting {
  readonly bank: ComdirectSandbox;
  readonly config: ComdirectConfig;
  readonly ledger: ChallengeLedger;
  readonly tokenStore: TokenStore;
  /** Options of a source that is let in by the phone and does not hold back. */
  readonly options: ComdirectOptions;
  /** The requests of one kind, `METHOD path?query`. */
  requests(part: string): string[];
}

/** Starts a bank that approves at once, for the running test. */
export async function startSetting(options: SandboxOptions = {}): Promise<Setting> {
  const bank = await startComdirectSandbox({ approveAfterMs: 0, historyDays: 400, ...options });
  onTestFinished(() => bank.close());
  const config = loadComdirectConfig(bank.environment);
  const ledger = new ChallengeLedger(join(await temporaryFolder(), 'challenges.json'));
  const tokenStore = createMemoryTokenStore();
  return {
    bank,
    config,
    ledger,
    tokenStore,
    options: {
      config,
      ledger,
      tokenStore,
      login: 'push',
      rateLimit: { requestsPerSecond: 10_000 },
      http: { retry: { baseDelayMs: 1 } },
      now: () => bank.now(),
    },
    requests: (part) =>
      bank.requests.map(({ method, url }) => `${method} ${url}`).filter((line) => line.includes(part)),
  };
}

/** Rows of a stream by partition, as a pipeline would read them. */
export async function readStream(
  options: ComdirectOptions,
  name: string,
  from?: string,
): Promise<{ rows: Record<string, unknown>[]; batches: Batch[] }> {
  const source = comdirect(options);
  const stream = source.streams.find((candidate) => candidate.name === name) as Stream;
  const context = { signal: new AbortController().signal, now: () => new Date() };
  const batches: Batch[] = [];
  const partitions = stream.partitions ? await stream.partitions(context) : [undefined];
  for await (const partition of partitions) {
    const reading = stream.read({
      ...context,
      ...(partition && { partition }),
      ...(from !== undefined && { from }),
    });
    for await (const given of reading) {
      if ('jsonLines' in given) throw new Error('a bank has no files');
      batches.push('rows' in given ? given : { rows: given });
    }
  }
  return { batches, rows: batches.flatMap(({ rows }) => rows as Record<string, unknown>[]) };
}
