/** A chart by day in the words of ECharts. */
import type { EChartsCoreOption } from 'echarts/core';
import type { DayChart } from './chart.ts';
import { frame, position, timeAxis, valueAxis } from './frame.ts';
import { monthName } from './label.ts';
import { beginsStep, monthStep } from './month-option.ts';
import { palette, toneColours } from './theme.ts';

/** Up to so many days each has its label; up to so many, each seventh; then months. */
const everyDay = 14;
const everyWeek = 70;

/** The chart as an option of ECharts. */
export function dayOption(chart: DayChart, width: number): EChartsCoreOption {
  const { days, lines } = chart;
  const byMonth = days.length > everyWeek;
  const step = monthStep(Math.ceil(days.length / 30));
  const isLabelled = (index: number): boolean => {
    const day = days[index] ?? '';
    if (byMonth) return day.endsWith('-01') && beginsStep(day, step);
    return days.length <= everyDay || index % 7 === 0;
  };
  const first = days.findIndex((_, index) => isLabelled(index));
  const label = (day: string, index: number): string => {
    const name = byMonth ? monthName(day) : `${Number(day.slice(8))} ${monthName(day)}`;
    const isNewYear =
      days
        .slice(0, index)
        .findLast((_, i) => isLabelled(i))
        ?.slice(0, 4) !== day.slice(0, 4);
    return index === first || isNewYear ? `${name}\n${day.slice(0, 4)}` : name;
  };
  return {
    ...frame(
      chart,
      lines.map(({ name }) => name),
      width,
    ),
    xAxis: { ...timeAxis(days, isLabelled, label), boundaryGap: days.length === 1 },
    yAxis: valueAxis(chart.unit),
    series: lines.map(({ name, tone, values }, i) => {
      const accounts = lines[0]?.tone === 'plain' ? i : i - 1;
      const color = tone === 'plain' ? palette[accounts % palette.length] : toneColours[tone];
      return {
        name,
        type: 'line',
        silent: true,
        // A balance holds for its day, and does not glide to the next.
        step: 'middle',
        symbol: 'circle',
        symbolSize: 6,
        // A line of one day is a point.
        showSymbol: values.filter((value) => value !== null).length === 1,
        itemStyle: { color },
        lineStyle: { color, width: tone === 'plain' ? 1.75 : 2.5 },
        z: tone === 'plain' ? 2 : 3,
        data: values.map(position),
      };
    }),
  };
}
