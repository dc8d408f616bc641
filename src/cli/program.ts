/** The whole command line: options of all commands, and one file a subcommand. */
import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import type { Command } from 'commander';
import { addAuthCommand } from './auth.ts';
import { addChartCommand } from './chart.ts';
import { EnvironmentCommand } from './environment-command.ts';
import { addMaintainCommand } from './maintain.ts';
import { addQuarantineCommand } from './quarantine.ts';
import { addQueryCommand } from './query.ts';
import { addRunCommand } from './run.ts';
import { addSandboxCommand } from './sandbox.ts';
import { addShellCommand } from './shell.ts';
import { addStatusCommand } from './status.ts';
import { addUndoCommand } from './undo.ts';

/** Makes the command; it throws instead of ending the process. `signal` ends what it does. */
export function makeProgram(signal: AbortSignal): Command {
  const program = new EnvironmentCommand('plumbing')
    .description(
      'Load bank data and other sources into SQLite or Iceberg tables: exactly once, with exact values.',
    )
    .version(version())
    .addOption(
      new Option('--log-level <level>', 'logs go to standard error')
        .choices(['debug', 'info', 'warning', 'error'])
        .default('warning')
        .env('PLUMBING_LOG_LEVEL'),
    )
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
  return program;
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
