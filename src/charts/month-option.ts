/** A chart by month in the words of ECharts. */
import type { EChartsCoreOption } from 'echarts/core';
import type { MonthChart } from './chart.ts';
import { monthName } from './label.ts';
import { frame, valueAxis } from './frame.ts';
import { ink, toneColours } from './theme.ts';

/** Up to so many months each has its label; then each third, then each January. */
const everyMonth = 18;
const everyQuarter = 60;

/** The chart as an option of ECharts. */
export function monthOption(chart: MonthChart): EChartsCoreOption {
  const { months, bars, line } = chart;
  const step = months.length <= everyMonth ? 1 : months.length <= everyQuarter ? 3 : 12;
  const isLabelled = (index: number): boolean => (Number(months[index]?.slice(5)) - 1) % step === 0;
  const firstLabelled = months.findIndex((_, index) => isLabelled(index));
  const label = (month: string, index: number): string => {
    const withYear = index === firstLabelled || month.endsWith('-01');
    return withYear ? `${monthName(month)}\n${month.slice(0, 4)}` : monthName(month);
  };
  const numbers = (values: readonly (string | null)[]): (number | null)[] =>
    values.map((value) => (value === null ? null : Number(value)));
  return {
    ...frame(
      chart,
      [...bars, line].map(({ name }) => name),
    ),
    xAxis: {
      type: 'category',
      data: [...months],
      axisTick: { show: false },
      // The line at 0 is drawn by the value axis; labels stay below the bars.
      axisLine: { onZero: true, lineStyle: { color: ink.zero } },
      axisLabel: { color: ink.text, interval: isLabelled, formatter: label, lineHeight: 16, onZero: false },
    },
    yAxis: valueAxis(chart.unit),
    series: [
      ...bars.map(({ name, tone, values }) => ({
        name,
        type: 'bar',
        stack: 'flow',
        barMaxWidth: 72,
        barCategoryGap: '30%',
        itemStyle: { color: tone === 'plain' ? toneColours.in : toneColours[tone] },
        data: numbers(values),
      })),
      {
        name: line.name,
        type: 'line',
        symbol: 'circle',
        symbolSize: months.length <= everyMonth ? 7 : 5,
        itemStyle: { color: ink.paper, borderColor: toneColours.net, borderWidth: 1.5 },
        lineStyle: { color: toneColours.net, width: 1.75 },
        data: numbers(line.values),
      },
    ],
  };
}
