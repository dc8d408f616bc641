/** `plumbing quarantine list|replay`: rows that did not fit. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { destinationOf } from './destination-uri.ts';
import { exitCodes } from './exit-codes.ts';
import { pipelineOf } from './pipeline-of.ts';
import { jsonText } from './result-text.ts';
import { textTable } from './text-table.ts';

interface QuarantineFlags {
  readonly to?: string;
  readonly json?: boolean;
}

/** Adds the subcommands. */
export function addQuarantineCommand(program: Command, signal: AbortSignal): void {
  const group = program.command('quarantine').summary('look at rows that did not fit, and try them again');
  const to = new Option(
    '--to <uri>',
    'sqlite:FILE, iceberg:FOLDER or nessie:URI (default: SQLITE_DB_PATH)',
  ).env('PLUMBING_TO');
  const asJson = new Option('--json', 'one JSON document on standard output').env('PLUMBING_JSON');

  group
    .command('list')
    .description(
      'Lists reason and origin of each row; the rows themselves are in the table _plumbing_quarantine.',
    )
    .addOption(to)
    .addOption(asJson)
    .addHelpText('after', '\nExample:\n  $ plumbing quarantine list --to sqlite:comdirect.db')
    .action(async (flags: QuarantineFlags) => {
      const destination = await destinationOf(flags.to, process.env);
      const session = await destination.open({ readOnly: true, signal });
      const rows: Record<string, unknown>[] = [];
      try {
        for (const table of await session.reader.tables()) {
          for await (const { id, index, reason, loadId } of session.reader.quarantined(table)) {
            rows.push({ table, id, row: index, reason, load: loadId });
          }
        }
      } finally {
        await session.close();
      }
      process.stdout.write(
        `${flags.json ? jsonText(rows) : textTable(rows) || 'The quarantine is empty.'}\n`,
      );
    });

  group
    .command('replay')
    .description('Stores the rows that fit the schema now.')
    .argument('<what>', '"comdirect", or a file whose default export is definePipeline(...)')
    .addOption(to)
    .addOption(asJson)
    .addHelpText(
      'after',
      '\nExample:\n  $ plumbing quarantine replay my-pipeline.ts\n\nA TypeScript file needs Node 22.18 or newer; JavaScript (.mjs or .js) runs on all.',
    )
    .action(async (what: string, flags: QuarantineFlags) => {
      const { replayQuarantine } = await import('../pipeline/index.ts');
      const pipeline = await pipelineOf(what, { ...flags, login: 'never' }, process.env, signal);
      const reports = await replayQuarantine(pipeline, { signal });
      process.stdout.write(
        `${flags.json ? JSON.stringify(reports, null, 2) : textTable(reports.map((report) => ({ ...report })))}\n`,
      );
      process.exitCode = exitCodes.done;
    });
}
