/** Charts as SVG. */
import type { EChartsCoreOption } from 'echarts/core';
import type { Chart } from './chart.ts';
import { monthOption } from './month-option.ts';
import { loadPeer } from './peer.ts';

/** How large a chart is. */
export interface SizeOptions {
  /** Pixels. Default 960. */
  readonly width?: number;
  /** Pixels. Default 500. */
  readonly height?: number;
}

/**
 * The chart as an SVG document: light, with nothing loaded from elsewhere, no scripts, drawn by ECharts without a browser.
 *
 * @throws PlumbingError `OPTIONAL_PEER_MISSING` without the package `echarts`.
 */
export async function renderSvg(chart: Chart, size: SizeOptions = {}): Promise<string> {
  const echarts = await loadPeer('echarts', loadEcharts);
  const { width = 960, height = 500 } = size;
  const instance = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    instance.setOption(optionOf(chart));
    return instance.renderToSVGString();
  } finally {
    instance.dispose();
  }
}

function optionOf(chart: Chart): EChartsCoreOption {
  return monthOption(chart as never);
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
