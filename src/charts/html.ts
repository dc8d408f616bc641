/** Charts as a page. */
import type { Chart } from './chart.ts';
import { amountLabel, dayLabel, escapeMarkup, monthLabel } from './label.ts';
import { safeChart } from './safe-chart.ts';
import { renderSvg } from './svg.ts';
import type { SizeOptions } from './svg.ts';
import { fontFamily, ink } from './theme.ts';

/**
 * The chart as a page of its own, with its figures as a table. Nothing is loaded, and no script can run: the page
 * forbids both.
 *
 * @throws PlumbingError `OPTIONAL_PEER_MISSING` without the package `echarts`.
 */
export async function renderHtml(given: Chart, size: SizeOptions = {}): Promise<string> {
  const chart = safeChart(given);
  const svg = await renderSvg(chart, size);
  const [head = [], ...rows] = tableOf(chart).map((cells) => cells.map(escapeMarkup));
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeMarkup(chart.title)}</title>
<style>
body { margin: 24px auto; max-width: 1000px; padding: 0 16px; font: 14px/1.5 ${fontFamily}; color: ${ink.title}; background: ${ink.paper}; }
svg { max-width: 100%; height: auto; }
summary { cursor: pointer; color: ${ink.text}; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 16px 3px 0; border-bottom: 1px solid ${ink.grid}; text-align: right; }
th:first-child, td:first-child { text-align: left; }
</style>
</head>
<body>
${svg}
<details>
<summary>Figures in ${escapeMarkup(chart.unit)}</summary>
<table>
<thead>${line(head, 'th')}</thead>
<tbody>
${rows.map((cells) => line(cells, 'td')).join('\n')}
</tbody>
</table>
</details>
</body>
</html>
`;
}

/** The figures of a chart, a heading first. */
function tableOf(chart: Chart): string[][] {
  if (chart.kind === 'rank')
    return [['', 'Spent'], ...chart.bars.map(({ name, value }) => [name, amountLabel(value)])];
  const series = chart.kind === 'months' ? [...chart.bars, chart.line] : chart.lines;
  const times = chart.kind === 'months' ? chart.months.map(monthLabel) : chart.days.map(dayLabel);
  const cell = (value: string | null | undefined): string => (value ? amountLabel(value) : '');
  return [
    ['', ...series.map(({ name }) => name)],
    ...times.map((time, i) => [time, ...series.map(({ values }) => cell(values[i]))]),
  ];
}
