/** `plumbing undo LOAD_ID`: takes back one load. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { destinationOf } from './destination-uri.ts';
import { jsonText } from './result-text.ts';
import { textTable } from './text-table.ts';

/** Adds the subcommand. */
export function addUndoCommand(program: Command, signal: AbortSignal): void {
  program
    .command('undo')
    .summary('take back one load: rows and cursors are what they were before it')
    .argument('<load-id>', 'as `plumbing status` shows it')
    .addOption(
      new Option('--to <uri>', 'sqlite:FILE, iceberg:FOLDER or nessie:URI (default: SQLITE_DB_PATH)').env(
        'PLUMBING_TO',
      ),
    )
    .addOption(new Option('--json', 'one JSON document on standard output').env('PLUMBING_JSON'))
    .addHelpText(
      'after',
      '\nExample:\n  $ plumbing undo 0197a3c2-7d1e-7c55-b1f4-0a8e5d3c9b21 --to iceberg:./warehouse',
    )
    .action(async (loadId: string, flags: { readonly to?: string; readonly json?: boolean }) => {
      const { undoLoad } = await import('../pipeline/index.ts');
      const report = await undoLoad(await destinationOf(flags.to, process.env), loadId, { signal });
      const tables = report.tables.map((table) => ({ ...table }));
      process.stdout.write(
        flags.json
          ? `${jsonText(report)}\n`
          : `Load ${report.loadId} was taken back.\n${textTable(tables) || '(it had changed no rows)'}\n`,
      );
    });
}
