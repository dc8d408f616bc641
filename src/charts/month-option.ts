/** A chart by month in the words of ECharts. */
import type { EChartsCoreOption } from 'echarts/core';
import type { MonthChart } from './chart.ts';
import { frame, position, timeAxis, valueAxis } from './frame.ts';
import { monthName } from './label.ts';
import { ink, toneColours } from './theme.ts';

/** Up to so many months each has its label; then each third, then each January. */
const everyMonth = 18;
const everyQuarter = 60;

/** Months between labels, when so many are shown. */
export function monthStep(months: number): number {
  if (months <= everyMonth) return 1;
  return months <= everyQuarter ? 3 : 12;
}

/** Whether this month begins a step. */
export function beginsStep(month: string, step: number): boolean {
  return (Number(month.slice(5, 7)) - 1) % step === 0;
}

/** The chart as an option of ECharts. */
export function monthOption(chart: MonthChart, width: number): EChartsCoreOption {
  const { months, bars, line } = chart;
  const step = monthStep(months.length);
  const isLabelled = (index: number): boolean => beginsStep(months[index] ?? '', step);
  const first = months.findIndex((_, index) => isLabelled(index));
  return {
    ...frame(
      chart,
      [...bars, line].map(({ name }) => name),
      width,
    ),
    xAxis: timeAxis(months, isLabelled, (month, index) =>
      index === first || month.endsWith('-01')
        ? `${monthName(month)}\n${month.slice(0, 4)}`
        : monthName(month),
    ),
    yAxis: valueAxis(chart.unit),
    series: [
      ...bars.map(({ name, tone, values }) => ({
        name,
        type: 'bar',
        silent: true,
        stack: 'flow',
        barMaxWidth: 72,
        barCategoryGap: '30%',
        itemStyle: { color: tone === 'plain' ? toneColours.in : toneColours[tone] },
        data: values.map(position),
      })),
      {
        name: line.name,
        type: 'line',
        silent: true,
        symbol: 'circle',
        symbolSize: months.length <= everyMonth ? 7 : 5,
        itemStyle: { color: ink.paper, borderColor: toneColours.net, borderWidth: 1.5 },
        lineStyle: { color: toneColours.net, width: 1.75 },
        data: line.values.map(position),
      },
    ],
  };
}
