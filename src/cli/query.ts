/** `plumbing query`: DuckDB SQL over SQLite files. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { PlumbingError } from '../errors/index.ts';
import { attachOption, attachments } from './attach.ts';
import { textTable } from './text-table.ts';

interface QueryFlags {
  readonly attach?: readonly string[];
  readonly json?: boolean;
  readonly list?: boolean;
}

/** Adds the subcommand. */
export function addQueryCommand(program: Command, signal: AbortSignal): void {
  program
    .command('query')
    .summary('run SQL over one or many SQLite files, with DuckDB')
    .argument('[sql]', 'DuckDB SQL; tables are alias.table')
    .addOption(attachOption())
    .addOption(new Option('--list', 'list the tables and columns that can be read'))
    .addOption(new Option('--json', 'one JSON document on standard output').env('PLUMBING_JSON'))
    .addHelpText(
      'after',
      '\nExample:\n  $ plumbing query --attach bank=comdirect.db "SELECT * FROM bank.account_balances"\n\nNeeds the package @duckdb/node-api.',
    )
    .action(async (sql: string | undefined, flags: QueryFlags) => {
      if ((sql === undefined) !== (flags.list === true)) {
        throw new PlumbingError('CONFIG_INVALID', 'give either SQL or --list');
      }
      const { openAnalytics } = await import('../analytics/index.ts');
      const db = await openAnalytics({ attach: attachments(flags.attach, process.env) });
      try {
        const rows: readonly Readonly<Record<string, unknown>>[] =
          sql === undefined
            ? (await db.tables()).flatMap(({ alias, table, columns }) =>
                columns.map(({ name, type }) => ({ table: `${alias}.${table}`, column: name, type })),
              )
            : await db.query(sql, [], { signal }).all();
        process.stdout.write(`${flags.json ? jsonText(rows) : tableText(rows)}\n`);
      } finally {
        await db.close();
      }
    });
}

function tableText(rows: readonly Readonly<Record<string, unknown>>[]): string {
  if (rows.length === 0) return '(no rows)';
  return textTable(rows.map((row) => mapValues(row, plainText)));
}

/** What a terminal shows: numbers as they are, nested values as JSON. */
function plainText(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'object' && value !== null ? jsonText(value) : value;
}

function mapValues(
  row: Readonly<Record<string, unknown>>,
  change: (value: unknown) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, change(value)]));
}

/** 64-bit integers as numbers with all their digits, bytes in base64. */
function jsonText(value: unknown): string {
  const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };
  return JSON.stringify(
    value,
    (_key, item: unknown) => {
      if (typeof item === 'bigint') return rawJSON(item.toString());
      return item instanceof Uint8Array ? Buffer.from(item).toString('base64') : item;
    },
    2,
  );
}
