#!/usr/bin/env node
/** The `plumbing` command: parses arguments, hands over to one file a subcommand, turns errors into exit codes. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { loadDotEnv } from '../config/dot-env.ts';
import { addAuthCommand } from './auth.ts';
import { addChartCommand } from './chart.ts';
import { exitCodeOf, exitCodes, Interrupted } from './exit-codes.ts';
import { addMaintainCommand } from './maintain.ts';
import { readOptionVariables } from './option-variables.ts';
import { addQuarantineCommand } from './quarantine.ts';
import { addQueryCommand } from './query.ts';
import { addRunCommand } from './run.ts';
import { addSandboxCommand } from './sandbox.ts';
import { addShellCommand } from './shell.ts';
import { addStatusCommand } from './status.ts';
import { addUndoCommand } from './undo.ts';

silenceSqliteWarning();
const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // Once: a second Ctrl-C ends the process at once, which is safe as well.
  process.once(name, () => abort.abort(new Interrupted(name)));
}
// Whoever read the output, `head` for one, has seen enough. A load goes on, and ends as it would.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.exitCode = await main(process.argv, abort.signal);

async function main(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const program = new Command('plumbing')
    .description(
      'Load bank data and other sources into SQLite or Iceberg tables: exactly once, with exact values.',
    )
    .version(version())
    .option('--log-level <level>', 'debug, info, warning or error; logs go to standard error', 'warning')
    .showHelpAfterError('(add --help for an example)')
    .exitOverride();
  program.hook('preAction', async (root) => {
    const { configureLogging } = await import('../logging/index.ts');
    await configureLogging({
      level: root.opts<{ logLevel: 'debug' | 'info' | 'warning' | 'error' }>().logLevel,
    });
  });
  for (const add of [
    addRunCommand,
    addStatusCommand,
    addAuthCommand,
    addSandboxCommand,
    addQuarantineCommand,
    addQueryCommand,
    addChartCommand,
    addShellCommand,
    addMaintainCommand,
    addUndoCommand,
  ]) {
    add(program, signal);
  }
  try {
    // Before the arguments are parsed: options may come from variables.
    loadDotEnv();
    readOptionVariables(program, process.env);
    await program.parseAsync(argv);
    return Number(process.exitCode ?? exitCodes.done);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return exitCodes.done;
    const { redact } = await import('../logging/index.ts');
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && 'code' in error ? `${String(error.code)}: ` : '';
    process.stderr.write(`plumbing: ${code}${redact(message)}\n`);
    return exitCodeOf(error);
  }
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Node 22 and 24 warn that node:sqlite is experimental; to the person at the terminal that says nothing. */
function silenceSqliteWarning(): void {
  const emit = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).includes('SQLite is an experimental feature')) emit(warning, ...rest);
  };
}
