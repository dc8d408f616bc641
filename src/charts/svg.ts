/** Charts as SVG. */
import { loadPeer } from '../errors/optional-peer.ts';
import type { EChartsCoreOption } from 'echarts/core';
import type { Chart } from './chart.ts';
import { dayOption } from './day-option.ts';
import { frame } from './frame.ts';
import { escapeMarkup } from './label.ts';
import { monthOption } from './month-option.ts';
import { rankOption } from './rank-option.ts';
import { safeChart, withoutPropertyName } from './safe-chart.ts';
import { fontFamily, ink } from './theme.ts';

/** How large a chart is. */
export interface SizeOptions {
  /** Pixels. Default 960. */
  readonly width?: number;
  /** Pixels. Default 500; of a ranking, as many as its bars need. */
  readonly height?: number;
}

/**
 * The chart as an SVG document: light, with nothing loaded from elsewhere, no scripts, drawn by ECharts without a
 * browser. The same chart gives the same text.
 *
 * @throws PlumbingError `OPTIONAL_PEER_MISSING` without the package `echarts`.
 */
export async function renderSvg(given: Chart, size: SizeOptions = {}): Promise<string> {
  const echarts = await loadPeer('echarts', loadEcharts);
  const chart = safeChart(given, withoutPropertyName);
  const { width = 960, height = heightOf(chart) } = size;
  const instance = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    instance.setOption(
      isEmpty(chart) ? { ...frame(chart, [], width), ...emptyNote } : optionOf(chart, width),
    );
    const title = escapeMarkup(`${chart.title}, ${chart.unit}`);
    return (
      instance
        .renderToSVGString()
        // Names that count the charts of this process, and a style for a mouse. A quote as such is never part of a text.
        .replaceAll(/ class="zr\d+-cls-\d+"/g, '')
        .replaceAll(/("|"url\(#)zr\d+-/g, '$1chart-')
        .replace(/<style >.*<\/style>\n?/s, '')
        // By functions: a text would have its "$&" filled in.
        .replace(/^<svg /, () => `<svg role="img" aria-label="${title}" `)
        .replace('>', () => `>\n<title>${title}</title>`)
    );
  } finally {
    instance.dispose();
  }
}

const emptyNote = {
  graphic: {
    type: 'text',
    left: 'center',
    top: 'middle',
    style: { text: 'Nothing in this range', fill: ink.text, font: `15px ${fontFamily}` },
  },
};

function isEmpty(chart: Chart): boolean {
  if (chart.kind === 'rank') return chart.bars.length === 0;
  return (chart.kind === 'months' ? chart.months : chart.days).length === 0;
}

function heightOf(chart: Chart): number {
  return chart.kind === 'rank' ? Math.max(240, 124 + chart.bars.length * 30) : 500;
}

function optionOf(chart: Chart, width: number): EChartsCoreOption {
  switch (chart.kind) {
    case 'months':
      return monthOption(chart, width);
    case 'days':
      return dayOption(chart, width);
    default:
      return rankOption(chart, width);
  }
}

async function loadEcharts(): Promise<typeof import('echarts/core')> {
  const [core, charts, components, renderers] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ]);
  core.use([
    charts.BarChart,
    charts.LineChart,
    components.GridComponent,
    components.LegendComponent,
    components.TitleComponent,
    components.GraphicComponent,
    renderers.SVGRenderer,
  ]);
  return core;
}
