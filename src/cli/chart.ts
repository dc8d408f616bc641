/** `plumbing chart`: cash flow, balances or spending as a picture, or in the terminal. */
import { Argument, Option } from 'commander';
import type { Command } from 'commander';
import { attachOption, attachments } from './attach.ts';
import { checkChartFile, writeChartFile } from './chart-file.ts';
import { chartKinds, chartOf } from './chart-of.ts';
import type { ChartFlags, ChartKind } from './chart-of.ts';
import type { SqlRunner } from '../sources/comdirect/analysis/index.ts';

interface Flags extends ChartFlags {
  readonly attach?: readonly string[];
  readonly out?: string;
}

/** Adds the subcommand. */
export function addChartCommand(program: Command, signal: AbortSignal): void {
  program
    .command('chart')
    .summary('draw cash flow, balances or spending of a bank file')
    .addArgument(new Argument('<kind>', 'what to draw').choices(chartKinds))
    .addOption(attachOption())
    .addOption(
      new Option('--out <file>', 'FILE.svg, .png or .html (default: draw in the terminal)').env(
        'PLUMBING_CHART_OUT',
      ),
    )
    .addOption(new Option('--since <day>', 'first day, YYYY-MM-DD').env('PLUMBING_CHART_SINCE'))
    .addOption(new Option('--until <day>', 'last day, YYYY-MM-DD').env('PLUMBING_CHART_UNTIL'))
    .addOption(new Option('--account <id>', 'only this account').env('PLUMBING_CHART_ACCOUNT'))
    .addOption(
      new Option('--currency <code>', 'which currency, where there are several').env(
        'PLUMBING_CHART_CURRENCY',
      ),
    )
    .addOption(
      new Option('--by <group>', 'of spending')
        .choices(['category', 'counterparty'])
        .env('PLUMBING_CHART_BY'),
    )
    .addOption(
      new Option('--rules <file>', 'of spending: a file of rules for categories').env('PLUMBING_CHART_RULES'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ plumbing chart cash-flow --attach bank=comdirect.db --out cash-flow.svg\n\nNeeds the package @duckdb/node-api; --out needs echarts, for PNG @resvg/resvg-js as well.',
    )
    .action(async (kind: ChartKind, flags: Flags) => {
      if (flags.out !== undefined) checkChartFile(flags.out);
      const attach = await attachments(flags.attach, process.env);
      const { openAnalytics } = await import('../analytics/index.ts');
      const db = await openAnalytics({ attach });
      try {
        const [schema = 'bank'] = Object.keys(attach);
        const interruptible: SqlRunner = {
          query: (sql, params) => db.query(sql, params, { signal }),
        };
        const { chart } = await chartOf(interruptible, schema, kind, flags);
        signal.throwIfAborted();
        if (flags.out === undefined) {
          const { renderText } = await import('../charts/index.ts');
          const { columns, isTTY } = process.stdout;
          // `hasColors` heeds NO_COLOR and terminals without colours.
          const colour = isTTY && process.stdout.hasColors();
          process.stdout.write(`${renderText(chart, { width: isTTY ? columns : 100, colour })}\n`);
        } else {
          await writeChartFile(flags.out, chart);
        }
      } finally {
        await db.close();
      }
    });
}
