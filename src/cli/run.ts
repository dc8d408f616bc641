/** `plumbing run comdirect --to sqlite:FILE`, `plumbing run my-pipeline.ts`. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { exitCodeOfReport } from './exit-codes.ts';
import { namesOption } from './names-option.ts';
import { pipelineOf } from './pipeline-of.ts';
import type { PipelineFlags } from './pipeline-of.ts';
import { terminalProgress } from './progress.ts';

interface RunFlags extends PipelineFlags {
  readonly json?: boolean;
}

/** Adds the subcommand. */
export function addRunCommand(program: Command, signal: AbortSignal): void {
  program
    .command('run')
    .summary('load a source, or a pipeline from a file')
    .description(
      'Reads what is new and commits rows, cursors and run record together. Safe to kill and to run again.',
    )
    .argument('<what>', '"comdirect", or a file whose default export is definePipeline(...)')
    .addOption(
      new Option('--to <uri>', 'sqlite:FILE, iceberg:FOLDER or nessie:URI (default: SQLITE_DB_PATH)').env(
        'PLUMBING_TO',
      ),
    )
    .addOption(
      namesOption('--streams <names...>', 'only these, separated by blanks or commas', 'PLUMBING_STREAMS'),
    )
    .addOption(
      new Option('--since <date>', 'where a first run begins, YYYY-MM-DD (default: all history)')
        .env('PLUMBING_SINCE')
        .argParser(isoDate),
    )
    .addOption(
      new Option('--full-refresh', 'ignore stored cursors and read all again').env('PLUMBING_FULL_REFRESH'),
    )
    .addOption(
      new Option('--staged', 'make the whole run visible at once, at its end').env('PLUMBING_STAGED'),
    )
    .addOption(
      new Option('--checkpoint-rows <n>', 'commit after this many rows')
        .env('PLUMBING_CHECKPOINT_ROWS')
        .argParser(positive),
    )
    .addOption(
      new Option('--checkpoint-ms <ms>', 'commit after this many milliseconds')
        .env('PLUMBING_CHECKPOINT_MS')
        .argParser(positive),
    )
    .addOption(
      new Option('--requests-per-second <n>', 'upper limit for requests to the source')
        .env('PLUMBING_REQUESTS_PER_SECOND')
        .argParser(positive),
    )
    .addOption(
      new Option(
        '--login <how>',
        'without a valid token: "push" asks the phone, "never" exits with 3, "auto" asks when a terminal is attached or the bank is a local sandbox',
      )
        .choices(['auto', 'never', 'push'])
        .default('auto')
        .env('PLUMBING_LOGIN'),
    )
    .addOption(new Option('--json', 'one JSON document on standard output').env('PLUMBING_JSON'))
    .addHelpText(
      'after',
      `
Examples:
  $ plumbing run comdirect --to sqlite:comdirect.db --since 2025-01-01
  $ plumbing run comdirect --to sqlite:comdirect.db --streams account_balances --json
  $ plumbing run my-pipeline.ts

A TypeScript file needs Node 22.18 or newer; JavaScript (.mjs or .js) runs on all.
Exit codes: 0 done, 1 failed, 2 usage, 3 needs a person (TAN), 4 checks failed, 130 or 143 interrupted`,
    )
    .action(async (what: string, flags: RunFlags) => {
      const pipeline = await pipelineOf(what, flags, process.env, signal);
      const { run } = await import('../pipeline/index.ts');
      const report = await run(pipeline, { signal, onProgress: terminalProgress(process.stderr) });
      const { reportText } = await import('./report-text.ts');
      const { jsonText } = await import('./result-text.ts');
      process.stdout.write(`${flags.json ? jsonText(report) : reportText(report)}\n`);
      process.exitCode = exitCodeOfReport(report);
    });
}

function isoDate(text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text) && new Date(text).toJSON()?.startsWith(text)) return text;
  throw new InvalidArgumentError('expected a date, e.g. 2025-01-31');
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('expected a number above 0');
}
