/** Charts as text for a terminal. */
import { styleText } from 'node:util';
import type { Chart } from './chart.ts';
import { amountLabel, dayLabel, monthLabel, textWidth } from './label.ts';
import { safeChart } from './safe-chart.ts';

/** How a chart is written. */
export interface TextOptions {
  /** Columns. Default 80; less than 40 is taken as 40. */
  readonly width?: number;
  /** Blue and red beside the direction. Default `false`. */
  readonly colour?: boolean;
}

/** A line of the chart: bars to both sides of 0, and the figure that is written out. */
interface Line {
  readonly label: string;
  /** 0 or less. */
  readonly left: number;
  /** 0 or more. */
  readonly right: number;
  readonly figure: string;
}

/** Days are too many for lines; this many are shown. */
const maxDays = 24;

/**
 * The chart as lines of text: bars to the left for money that goes out or is owed, to the right for what comes in or is
 * there, and the figure (the net, the balance) beside them. Of a chart by day some days are shown, the last included,
 * and of its lines the first. A ranking has its bars to the right.
 */
export function renderText(given: Chart, options: TextOptions = {}): string {
  const { colour = false } = options;
  const chart = safeChart(given);
  const width = Math.max(40, options.width ?? 80);
  const lines = linesOf(chart);
  const bold = (text: string): string => (colour ? styleText('bold', text, { validateStream: false }) : text);
  const head = [bold(`${chart.title} (${chart.unit})`), chart.subtitle].filter((text) => text !== '');
  if (lines.length === 0) return [...head, 'Nothing in this range'].join('\n');

  const labelWidth = Math.max(...lines.map(({ label }) => textWidth(label)));
  const figureWidth = Math.max(...lines.map(({ figure }) => figure.length));
  const most = {
    left: Math.max(...lines.map((l) => -l.left)),
    right: Math.max(...lines.map((l) => l.right)),
  };
  const room = Math.max(8, width - labelWidth - figureWidth - 3);
  const span = most.left + most.right || 1;
  const leftWidth = most.left === 0 ? 0 : Math.max(1, Math.round((room * most.left) / span));
  const cells = (amount: number): number => (amount / span) * room;
  const paint = (text: string, name: 'blue' | 'red'): string =>
    colour && text !== '' ? styleText(name, text, { validateStream: false }) : text;
  const [leftName, rightName] =
    chart.kind === 'rank' ? (['blue', 'red'] as const) : (['red', 'blue'] as const);

  const body = lines.map(({ label, left, right, figure }) => {
    const leftBar = barLeft(Math.min(cells(-left), leftWidth));
    const rightBar = barRight(Math.min(cells(right), room - leftWidth));
    return [
      label + ' '.repeat(labelWidth - textWidth(label)),
      ' ',
      ' '.repeat(leftWidth - leftBar.length) + paint(leftBar, leftName),
      '│',
      paint(rightBar, rightName) + ' '.repeat(room - leftWidth - rightBar.length),
      ' ',
      figure.padStart(figureWidth),
    ].join('');
  });
  return [...head, ...legendOf(chart, labelWidth + 1, leftWidth, room, figureWidth), ...body].join('\n');
}

function legendOf(chart: Chart, indent: number, left: number, room: number, figure: number): string[] {
  if (chart.kind === 'rank') return [];
  if (chart.kind === 'days') return chart.lines[0] ? [chart.lines[0].name] : [];
  // Words that do not fit beside the zero line are left out, not cut.
  const out = left >= 4 ? 'out'.padStart(left) : ' '.repeat(left);
  return [`${' '.repeat(indent)}${out}│${'in'.padEnd(room - left)} ${'net'.padStart(figure)}`];
}

function linesOf(chart: Chart): Line[] {
  if (chart.kind === 'months') {
    const sum = (i: number, sign: 1 | -1): number =>
      chart.bars.reduce((total, { values }) => total + sign * Math.max(0, sign * Number(values[i] ?? 0)), 0);
    return chart.months.map((month, i) => ({
      label: monthLabel(month),
      left: sum(i, -1),
      right: sum(i, 1),
      figure: amountLabel(chart.line.values[i] ?? '0'),
    }));
  }
  const figures =
    chart.kind === 'rank'
      ? chart.bars.map(({ name, value }) => ({ label: name, value }))
      : sample(
          chart.days.flatMap((day, i) => {
            const value = chart.lines[0]?.values[i];
            return value ? [{ label: dayLabel(day), value }] : [];
          }),
        );
  return figures.map(({ label, value }) => ({
    label,
    left: Math.min(0, Number(value)),
    right: Math.max(0, Number(value)),
    figure: amountLabel(value),
  }));
}

/** At most so many, evenly spread, the last included. */
function sample<Item>(all: readonly Item[]): Item[] {
  const step = Math.ceil(all.length / maxDays);
  return all.filter((_, i) => (all.length - 1 - i) % step === 0);
}

/** A bar from the left, to an eighth of a character. */
function barRight(cells: number): string {
  const eighths = Math.round(cells * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '');
}

/** A bar from the right; there is only half a character to that side. */
function barLeft(cells: number): string {
  const halves = Math.round(cells * 2);
  return (halves % 2 === 1 ? '▐' : '') + '█'.repeat(Math.floor(halves / 2));
}
