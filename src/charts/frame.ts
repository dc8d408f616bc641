/** What all charts have around their figures: title, legend, margins, the axis of values. */
import type { Chart } from './chart.ts';
import { tickLabel } from './label.ts';
import { placeLegend } from './legend.ts';
import { fontFamily, ink } from './theme.ts';

const titleHeight = 84;

/** Title, legend and margins. A legend that does not fit beside the title moves the figures down. */
export function frame(chart: Chart, names: readonly string[], width: number): Record<string, unknown> {
  const { legend, height } = placeLegend(names, width);
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
    legend,
    grid: {
      left: 24,
      right: 28,
      top: titleHeight + 22 + height,
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

/** The axis of months or days: labels below the figures, its line at 0. */
export function timeAxis(
  data: readonly string[],
  isLabelled: (index: number) => boolean,
  label: (value: string, index: number) => string,
): Record<string, unknown> {
  return {
    type: 'category',
    data: [...data],
    axisTick: { show: false },
    axisLine: { onZero: true, lineStyle: { color: ink.zero } },
    axisLabel: { color: ink.text, interval: isLabelled, formatter: label, lineHeight: 16, onZero: false },
  };
}

/** The place of an exact value on the picture. A pixel needs no more than a double. */
export function position(value: string | null): number | null {
  return value === null ? null : Number(value);
}
