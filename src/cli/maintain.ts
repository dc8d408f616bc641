/** `plumbing maintain --to iceberg:FOLDER`: compaction, expiry of snapshots, removal of leftovers. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { PlumbingError } from '../errors/index.ts';
import { namesOption } from './names-option.ts';
import { textTable } from './text-table.ts';

interface MaintainFlags {
  readonly to: string;
  readonly tables?: readonly string[];
  readonly expireDays: number;
  readonly retain: number;
  readonly orphanDays: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Adds the subcommand. */
export function addMaintainCommand(program: Command, signal: AbortSignal): void {
  program
    .command('maintain')
    .summary('keep Iceberg tables small: compact, expire snapshots, remove leftovers')
    .addOption(new Option('--to <uri>', 'iceberg:FOLDER').env('PLUMBING_TO').makeOptionMandatory())
    .addOption(
      namesOption(
        '--tables <names...>',
        'only these, separated by blanks or commas (default: all that plumbing made)',
        'PLUMBING_TABLES',
      ),
    )
    .addOption(
      new Option('--expire-days <n>', 'forget snapshots that are older')
        .default(5)
        .env('PLUMBING_EXPIRE_DAYS')
        .argParser(days),
    )
    .addOption(
      new Option('--retain <n>', 'newest snapshots that stay, whatever their age')
        .default(10)
        .env('PLUMBING_RETAIN')
        .argParser(days),
    )
    .addOption(
      new Option('--orphan-days <n>', 'remove files that nothing needs and that are older')
        .default(3)
        .env('PLUMBING_ORPHAN_DAYS')
        .argParser(days),
    )
    .addOption(new Option('--dry-run', 'only say what would be done').env('PLUMBING_DRY_RUN'))
    .addOption(new Option('--json', 'one JSON document on standard output').env('PLUMBING_JSON'))
    .addHelpText('after', '\nExample:\n  $ plumbing maintain --to iceberg:./warehouse --expire-days 30')
    .action(async (flags: MaintainFlags) => {
      const [, path] = /^iceberg:(?:\/\/)?(.+)$/.exec(flags.to) ?? [];
      if (path === undefined) {
        throw new PlumbingError(
          'CONFIG_INVALID',
          `--to ${flags.to}: only Iceberg tables need this; give iceberg:FOLDER`,
        );
      }
      const { loadIcebergConfig, maintainIceberg } = await import('../destinations/iceberg/index.ts');
      const target = loadIcebergConfig(process.env, path);
      const tables = await maintainIceberg(target, {
        ...(flags.tables && { tables: flags.tables }),
        expireOlderThanDays: flags.expireDays,
        retainLast: flags.retain,
        removeOrphansOlderThanDays: flags.orphanDays,
        dryRun: flags.dryRun === true,
        signal,
      });
      process.stdout.write(
        `${flags.json ? JSON.stringify(tables, null, 2) : textTable(tables.map((table) => ({ ...table })))}\n`,
      );
    });
}

function days(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('expected a number, 0 or more');
}
