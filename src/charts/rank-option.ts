/** A ranking in the words of ECharts. */
import type { EChartsCoreOption } from 'echarts/core';
import type { RankChart } from './chart.ts';
import { frame, position, valueAxis } from './frame.ts';
import { amountLabel, textWidth } from './label.ts';
import { columnWidth, ink, toneColours } from './theme.ts';

/** The chart as an option of ECharts. */
export function rankOption(chart: RankChart, width: number): EChartsCoreOption {
  const { bars, unit } = chart;
  const isNegative = (value: string): boolean => value.startsWith('-');
  const names = bars.some(({ value }) => isNegative(value)) ? ['Spent', 'Came back'] : ['Spent'];
  return {
    ...frame(chart, names, width),
    // Names stand to the left of the bars, and amounts beside them: both need room.
    grid: {
      left: 28 + Math.max(0, ...bars.map(({ name }) => textWidth(name))) * columnWidth,
      right: 96,
      top: 104,
      bottom: 16,
      outerBoundsMode: 'none',
    },
    xAxis: {
      ...valueAxis(unit),
      position: 'top',
      nameGap: 44,
      nameTextStyle: { color: ink.text, fontWeight: 600, verticalAlign: 'bottom', padding: [0, 0, 6, 0] },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map(({ name }) => name),
      axisTick: { show: false },
      axisLine: { onZero: true, lineStyle: { color: ink.zero } },
      axisLabel: { color: ink.text, onZero: false, interval: 0, margin: 12 },
    },
    series: names.map((name, i) => ({
      name,
      type: 'bar',
      silent: true,
      stack: 'rank',
      barMaxWidth: 22,
      itemStyle: { color: i === 0 ? toneColours.out : toneColours.in },
      data: bars.map(({ value }) =>
        isNegative(value) === (i === 1)
          ? {
              value: position(value),
              label: {
                show: true,
                position: i === 0 ? 'right' : 'left',
                color: ink.text,
                fontSize: 12,
                formatter: () => amountLabel(value),
              },
            }
          : null,
      ),
    })),
  };
}
