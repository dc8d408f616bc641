/** `plumbing status --to sqlite:FILE`: runs, cursors, row counts, quarantine. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { DestinationStatus } from '../model/index.ts';
import { destinationOf } from './destination-uri.ts';
import { jsonText } from './result-text.ts';
import { textTable } from './text-table.ts';

/** Adds the subcommand. */
export function addStatusCommand(program: Command, signal: AbortSignal): void {
  program
    .command('status')
    .summary('show runs, cursors, row counts and quarantine of a destination')
    .addOption(
      new Option('--to <uri>', 'sqlite:FILE, iceberg:FOLDER or nessie:URI (default: SQLITE_DB_PATH)').env(
        'PLUMBING_TO',
      ),
    )
    .addOption(new Option('--json', 'one JSON document on standard output').env('PLUMBING_JSON'))
    .addHelpText('after', '\nExample:\n  $ plumbing status --to sqlite:comdirect.db')
    .action(async (flags: { readonly to?: string; readonly json?: boolean }) => {
      const destination = await destinationOf(flags.to, process.env);
      const session = await destination.open({ readOnly: true, signal });
      let status: DestinationStatus;
      try {
        status = await session.reader.status();
      } finally {
        await session.close();
      }
      process.stdout.write(`${flags.json ? jsonText(status) : statusText(status)}\n`);
    });
}

function statusText(status: DestinationStatus): string {
  const loads = status.loads.map((load) => ({
    started: load.startedAt.slice(0, 19),
    pipeline: load.pipeline,
    status: load.status,
    new: Object.values(load.counts).reduce((sum, counts) => sum + counts.inserted, 0),
    load: load.loadId,
    error: load.error ?? '',
  }));
  const cursors = status.state.map((entry) => ({
    pipeline: entry.pipeline,
    stream: entry.stream,
    partition: entry.partition,
    cursor:
      typeof entry.state.cursor === 'string' ? entry.state.cursor : jsonText(entry.state.cursor ?? null, 0),
  }));
  const sections: [string, readonly Readonly<Record<string, unknown>>[]][] = [
    ['Tables', status.tables],
    ['Cursors', cursors],
    ['Runs, latest first', loads],
  ];
  return sections
    .map(([title, rows]) => `${title}\n${rows.length > 0 ? textTable(rows) : '(none)'}`)
    .join('\n\n');
}
