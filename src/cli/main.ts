#!/usr/bin/env node
/** The `plumbing` command: parses arguments, hands over to one file a subcommand, turns errors into exit codes. */
import { CommanderError } from 'commander';
import { loadDotEnv } from '../config/dot-env.ts';
import { exitCodeOf, exitCodes, Interrupted } from './exit-codes.ts';
import { makeProgram } from './program.ts';

silenceSqliteWarning();
const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // Once: a second Ctrl-C ends the process at once, which is safe as well.
  process.once(name, () => abort.abort(new Interrupted(name)));
}
// Whoever read the output, `head` for one, has seen enough. A load goes on, and ends as it would.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
process.exitCode = await main(process.argv, abort.signal);

async function main(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const program = makeProgram(signal);
  let isJson = false;
  program.hook('preAction', (_, command) => {
    isJson = command.opts<{ json?: boolean }>().json === true;
  });
  try {
    // Before the arguments are parsed: options may come from variables.
    loadDotEnv();
    await program.parseAsync(argv);
    return Number(process.exitCode ?? exitCodes.done);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return exitCodes.done;
    const { failureOf } = await import('./failure.ts');
    const failure = failureOf(error);
    const code = error instanceof Error && 'code' in error ? `${String(error.code)}: ` : '';
    process.stderr.write(`plumbing: ${code}${failure.error.message}\n`);
    if (isJson) process.stdout.write(`${JSON.stringify(failure, null, 2)}\n`);
    return exitCodeOf(error);
  }
}

/** Node 22 and 24 warn that node:sqlite is experimental; to the person at the terminal that says nothing. */
function silenceSqliteWarning(): void {
  const emit = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).includes('SQLite is an experimental feature')) emit(warning, ...rest);
  };
}
