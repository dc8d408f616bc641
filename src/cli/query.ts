/** `plumbing query`: DuckDB SQL over SQLite files. */
import { once } from 'node:events';
import { Option } from 'commander';
import type { Command } from 'commander';
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import type { Analytics } from '../analytics/index.ts';
import { untilAborted } from '../model/until-aborted.ts';
import { attachOption, mirrorOption, openAttached } from './attach.ts';
import type { AttachFlags } from './attach.ts';
import { csvLine, jsonText, tableText } from './result-text.ts';
import type { ResultRow } from './result-text.ts';

interface QueryFlags extends AttachFlags {
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly parquet?: string;
  readonly list?: boolean;
}

type Batches = AsyncIterable<readonly ResultRow[]> | readonly (readonly ResultRow[])[];

/** Adds the subcommand. */
export function addQueryCommand(program: Command, signal: AbortSignal): void {
  program
    .command('query')
    .summary('run SQL over SQLite files and Iceberg warehouses, with DuckDB')
    .argument('[sql]', 'DuckDB SQL; tables are alias.table')
    .addOption(attachOption())
    .addOption(new Option('--list', 'list the tables and columns that can be read').env('PLUMBING_LIST'))
    .addOption(new Option('--json', 'one JSON document on standard output').env('PLUMBING_JSON'))
    .addOption(new Option('--csv', 'CSV on standard output').env('PLUMBING_CSV').conflicts('json'))
    .addOption(
      new Option('--parquet <file>', 'write the rows to a Parquet file')
        .env('PLUMBING_PARQUET')
        .conflicts(['json', 'csv', 'list']),
    )
    .addOption(mirrorOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ plumbing query --attach bank=comdirect.db "SELECT * FROM bank.account_balances"\n\nNeeds the package @duckdb/node-api.',
    )
    .action(async (sql: string | undefined, flags: QueryFlags) => {
      if ((sql === undefined) !== (flags.list === true)) {
        throw new PlumbingError('CONFIG_INVALID', 'give either SQL or --list');
      }
      const db = await openAttached(flags);
      try {
        await answer(db, sql, flags, signal);
      } finally {
        await db.close();
      }
    });
}

async function answer(
  db: Analytics,
  sql: string | undefined,
  { json, csv, parquet }: QueryFlags,
  signal: AbortSignal,
): Promise<void> {
  if (parquet !== undefined && sql !== undefined) {
    const { rows } = await db.exportTo(parquetFile(parquet), sql, [], { signal });
    process.stderr.write(`${parquet}: ${rows} rows\n`);
    return;
  }
  const batches: Batches = sql === undefined ? [await listColumns(db)] : db.query(sql, [], { signal });
  if (csv) {
    const hasRows = await printCsv(batches, signal);
    if (!hasRows) await printHeader(db, sql, signal);
    return;
  }
  const rows: ResultRow[] = [];
  for await (const batch of batches) for (const row of batch) rows.push(row);
  process.stdout.write(`${json ? jsonText(rows) : tableText(rows)}\n`);
}

const listedColumns = ['table', 'column', 'type'];

/** One row for each column of each table. */
async function listColumns(db: Analytics): Promise<Record<string, unknown>[]> {
  const tables = await db.tables();
  return tables.flatMap(({ alias, table, columns }) =>
    columns.map(({ name, type }) => ({ table: `${alias}.${table}`, column: name, type })),
  );
}

/** Names of the columns, and rows; false when there are none, whose names are not known either. */
async function printCsv(batches: Batches, signal: AbortSignal): Promise<boolean> {
  let hasRows = false;
  for await (const batch of batches) {
    if (!hasRows && batch[0]) process.stdout.write(csvLine(Object.keys(batch[0])));
    hasRows ||= batch.length > 0;
    const text = batch.map((row) => csvLine(Object.values(row))).join('');
    // A slow reader must not make the whole result wait in memory.
    if (process.stdout.destroyed) break;
    if (!process.stdout.write(text)) await untilAborted(once(process.stdout, 'drain'), signal);
  }
  return hasRows;
}

/** The names of the columns that a query without rows has. A statement that is no query has none. */
async function printHeader(db: Analytics, sql: string | undefined, signal: AbortSignal): Promise<void> {
  if (sql === undefined) {
    process.stdout.write(csvLine(listedColumns));
    return;
  }
  try {
    // In brackets there is room for one query only: nothing is run a second time.
    const columns = await db.query(`DESCRIBE (\n${sql.replace(/;\s*$/, '')}\n)`, [], { signal }).all();
    process.stdout.write(csvLine(columns.map((column) => column['column_name'])));
  } catch (error) {
    if (!isPlumbingError(error)) throw error;
  }
}

function parquetFile(path: string): string {
  if (path.toLowerCase().endsWith('.parquet')) return path;
  throw new PlumbingError('CONFIG_INVALID', `--parquet ${path}: the name must end in .parquet`);
}
