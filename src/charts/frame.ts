/** What all charts have around their figures: title, legend, margins, the axis of values. */
import type { Chart } from './chart.ts';
import { tickLabel } from './label.ts';
import { fontFamily, ink } from './theme.ts';

/** Title, legend and margins. */
export function frame(chart: Chart, legend: readonly string[]): Record<string, unknown> {
  return {
    animation: false,
    backgroundColor: ink.paper,
    textStyle: { fontFamily, fontSize: 13, color: ink.text },
    title: {
      text: chart.title,
      subtext: chart.subtitle,
      left: 20,
      top: 14,
      itemGap: 6,
      textStyle: { fontFamily, fontSize: 20, fontWeight: 600, color: ink.title },
      subtextStyle: { fontFamily, fontSize: 13, color: ink.text },
    },
    legend: {
      show: legend.length > 1,
      data: [...legend],
      right: 24,
      top: 22,
      itemGap: 18,
      textStyle: { fontFamily, fontSize: 13, color: ink.text },
    },
    grid: {
      left: 24,
      right: 28,
      top: 104,
      bottom: 18,
      outerBoundsMode: 'same',
      outerBoundsContain: 'axisLabel',
    },
  };
}

/** The axis of amounts, its unit written above it. */
export function valueAxis(unit: string): Record<string, unknown> {
  return {
    type: 'value',
    name: unit,
    nameLocation: 'end',
    nameGap: 12,
    nameTextStyle: { color: ink.text, fontWeight: 600, align: 'right', padding: [0, 8, 0, 0] },
    axisLabel: { color: ink.text, formatter: tickLabel },
    splitLine: { lineStyle: { color: ink.grid } },
  };
}
