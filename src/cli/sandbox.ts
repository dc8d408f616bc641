/** `plumbing sandbox comdirect`: a local bank to develop against. */
import { once } from 'node:events';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';

interface SandboxFlags {
  readonly port: number;
  readonly seed: number;
  readonly accounts: number;
  readonly historyDays: number;
  readonly transactionsPerDay: number;
  readonly approveAfterMs: number;
  readonly accessTokenSeconds?: number;
  readonly json?: boolean;
}

/** Adds the subcommand. */
export function addSandboxCommand(program: Command, signal: AbortSignal): void {
  program
    .command('sandbox')
    .summary('start a local server that behaves like the vendor')
    .command('comdirect')
    .description(
      'A bank with invented accounts, on this machine only. Prints the variables that point a client at it.',
    )
    .addOption(
      new Option('--port <n>', '0 for any free port')
        .env('PLUMBING_SANDBOX_PORT')
        .default(8080)
        .argParser(whole),
    )
    .addOption(
      new Option('--seed <n>', 'another seed, other data')
        .env('PLUMBING_SANDBOX_SEED')
        .default(1)
        .argParser(whole),
    )
    .addOption(
      new Option('--accounts <n>', 'number of accounts')
        .env('PLUMBING_SANDBOX_ACCOUNTS')
        .default(3)
        .argParser(whole),
    )
    .addOption(
      new Option('--history-days <n>', 'days of bookings')
        .env('PLUMBING_SANDBOX_HISTORY_DAYS')
        .default(730)
        .argParser(whole),
    )
    .addOption(
      new Option('--transactions-per-day <n>', 'bookings an account and day')
        .env('PLUMBING_SANDBOX_TRANSACTIONS_PER_DAY')
        .default(2)
        .argParser(amount),
    )
    .addOption(
      new Option('--approve-after-ms <n>', 'a push TAN is approved by itself after this time')
        .env('PLUMBING_SANDBOX_APPROVE_AFTER_MS')
        .default(1000)
        .argParser(whole),
    )
    .addOption(
      new Option('--access-token-seconds <n>', 'life of an access token')
        .env('PLUMBING_SANDBOX_ACCESS_TOKEN_SECONDS')
        .argParser(whole),
    )
    .addOption(new Option('--json', 'print the variables as JSON').env('PLUMBING_JSON'))
    .addHelpText('after', '\nExample:\n  $ plumbing sandbox comdirect --port 8080')
    .action(async (flags: SandboxFlags) => {
      const { startComdirectSandbox } = await import('../sources/comdirect/sandbox/index.ts');
      const sandbox = await startComdirectSandbox({
        port: flags.port,
        seed: flags.seed,
        accounts: flags.accounts,
        historyDays: flags.historyDays,
        transactionsPerDay: flags.transactionsPerDay,
        approveAfterMs: flags.approveAfterMs,
        ...(flags.accessTokenSeconds !== undefined && { accessTokenSeconds: flags.accessTokenSeconds }),
      });
      const variables = Object.entries({ ...sandbox.environment, PLUMBING_LOGIN: 'push' });
      const lines = variables.map(([name, value]) => `export ${name}='${value}'`);
      process.stdout.write(
        flags.json ? `${JSON.stringify(Object.fromEntries(variables))}\n` : `${lines.join('\n')}\n`,
      );
      process.stderr.write(
        `A sandbox bank listens on ${sandbox.url}. Paste the lines above into another terminal; Ctrl-C ends it.\n`,
      );
      if (!signal.aborted) await once(signal, 'abort');
      await sandbox.close();
    });
}

function whole(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number');
}

function amount(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a number');
}
