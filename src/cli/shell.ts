/** `plumbing shell`: SQL typed line by line, or as a script on standard input. */
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import type { Command } from 'commander';
import type { Analytics } from '../analytics/index.ts';
import { stateFolder } from '../config/index.ts';
import { PlumbingError } from '../errors/index.ts';
import { redact } from '../logging/index.ts';
import { attachOption, mirrorOption, openAttached } from './attach.ts';
import type { AttachFlags } from './attach.ts';
import { csvLine, jsonText, tableText } from './result-text.ts';
import type { ResultRow } from './result-text.ts';
import { readHistory, writeHistory } from './shell-history.ts';
import { StatementBuffer } from './statement-buffer.ts';

const help = `.tables            tables that can be read
.schema [TABLE]    their columns and types
.mode table|json|csv
.quit              or Ctrl-D
Statements end with ";". Ctrl-C ends a query, or forgets what was typed. Lines that begin with a space are not kept.`;

const writers = {
  table: tableText,
  json: (rows: readonly ResultRow[]): string => jsonText(rows),
  csv: (rows: readonly ResultRow[]): string =>
    [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))]
      .map(csvLine)
      .join('')
      .replace(/\n$/, ''),
};

/** Adds the subcommand. */
export function addShellCommand(program: Command, signal: AbortSignal): void {
  program
    .command('shell')
    .summary('type SQL over SQLite files and Iceberg warehouses, with DuckDB')
    .addOption(attachOption())
    .addOption(mirrorOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ plumbing shell --attach bank=comdirect.db\n  $ plumbing shell --attach bank=comdirect.db < report.sql\n\nWithout a terminal, the first error ends it. Needs the package @duckdb/node-api.',
    )
    .action(async (flags: AttachFlags) => {
      const db = await openAttached(flags);
      try {
        await new Shell(db, signal).run();
      } finally {
        await db.close();
      }
    });
}

class Shell {
  readonly #db: Analytics;
  readonly #signal: AbortSignal;
  readonly #isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  readonly #buffer = new StatementBuffer();
  #mode: keyof typeof writers = 'table';
  /** Ctrl-D may come while a query is under way. */
  #hasEnded = false;
  /** Ends the query that is under way. */
  #query: AbortController | undefined;

  constructor(db: Analytics, signal: AbortSignal) {
    this.#db = db;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const folder = stateFolder();
    const lines = this.#isTerminal
      ? createInterface({
          input: process.stdin,
          output: process.stdout,
          history: readHistory(folder),
          historySize: 1_000,
          removeHistoryDuplicates: true,
        })
      : createInterface({ input: process.stdin });
    this.#signal.addEventListener('abort', () => lines.close(), { once: true });
    let history: readonly string[] = [];
    lines.on('history', (kept: string[]) => (history = kept));
    lines.on('SIGINT', () => this.#interrupt(lines));
    lines.on('close', () => (this.#hasEnded = true));
    this.#prompt(lines);
    for await (const line of lines) {
      if (await this.#take(line)) break;
      this.#signal.throwIfAborted();
      this.#prompt(lines);
    }
    lines.close();
    this.#signal.throwIfAborted();
    if (this.#isTerminal) {
      process.stdout.write('\n');
      if (history.length > 0) await writeHistory(folder, history);
    } else {
      const rest = this.#buffer.takeRest();
      if (rest !== '') await this.#answer(rest);
    }
  }

  #prompt(lines: Interface): void {
    if (!this.#isTerminal || this.#hasEnded) return;
    lines.setPrompt(this.#buffer.isEmpty ? 'plumbing> ' : '     ...> ');
    lines.prompt();
  }

  #interrupt(lines: Interface): void {
    if (this.#query) {
      this.#query.abort(new PlumbingError('QUERY_FAILED', 'ended by Ctrl-C'));
      return;
    }
    this.#buffer.clear();
    process.stdout.write('^C\n');
    // Takes away what stands in the line, which shows the prompt again.
    lines.write(null, { ctrl: true, name: 'e' });
    lines.write(null, { ctrl: true, name: 'u' });
    this.#prompt(lines);
  }

  /** Takes a line; true when it was the last one. */
  async #take(line: string): Promise<boolean> {
    if (this.#buffer.isEmpty && line.trim().startsWith('.')) {
      return await this.#guarded(() => this.#command(line.trim()));
    }
    for (const statement of this.#buffer.push(line)) await this.#answer(statement);
    return false;
  }

  async #command(line: string): Promise<boolean> {
    const [name, argument] = line.split(/\s+/);
    if (name === '.quit' || name === '.exit') return true;
    if (name === '.help') print(help);
    else if (name === '.tables') print((await this.#tables()).map((table) => table.name).join('\n'));
    else if (name === '.schema') print(await this.#schema(argument));
    else if (name === '.mode' && argument !== undefined && argument in writers)
      this.#mode = argument as keyof typeof writers;
    else throw new PlumbingError('CONFIG_INVALID', `${line}: no such command; .help names them`);
    return false;
  }

  async #tables(): Promise<{ name: string; columns: readonly { name: string; type: string }[] }[]> {
    return (await this.#db.tables()).map(({ alias, table, columns }) => ({
      name: `${alias}.${table}`,
      columns,
    }));
  }

  async #schema(wanted: string | undefined): Promise<string> {
    const tables = (await this.#tables()).filter(({ name }) =>
      wanted === undefined ? true : name === wanted || name.endsWith(`.${wanted}`),
    );
    if (tables.length === 0) throw new PlumbingError('CONFIG_INVALID', `no table ${wanted ?? ''}`);
    return tables
      .map(({ name, columns }) =>
        [name, ...columns.map((column) => `  ${column.name} ${column.type}`)].join('\n'),
      )
      .join('\n\n');
  }

  async #answer(statement: string): Promise<void> {
    const query = new AbortController();
    this.#query = query;
    await this.#guarded(async () => {
      const signal = AbortSignal.any([this.#signal, query.signal]);
      print(writers[this.#mode](await this.#db.query(statement, [], { signal }).all()));
      return false;
    });
    this.#query = undefined;
  }

  /** On a terminal an error is shown, and the shell goes on. */
  async #guarded(work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (!this.#isTerminal || this.#signal.aborted) throw error;
      process.stderr.write(`${redact(error instanceof Error ? error.message : String(error))}\n`);
      return false;
    }
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
