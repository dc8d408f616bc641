/** The last gate before a chart is drawn: no text on it can break a document or steer a terminal. */
import type { Chart, Series } from './chart.ts';
import { cleanText } from './label.ts';

/** The chart with all its texts cleaned, and then, if need be, changed further. */
export function safeChart(chart: Chart, change: (text: string) => string = (text) => text): Chart {
  const clean = (text: string): string => change(cleanText(text));
  const safe = {
    title: clean(chart.title),
    subtitle: clean(chart.subtitle),
    unit: clean(chart.unit),
  };
  const series = (one: Series): Series => ({ ...one, name: clean(one.name) });
  switch (chart.kind) {
    case 'months':
      return {
        ...chart,
        ...safe,
        months: chart.months.map(clean),
        bars: chart.bars.map(series),
        line: series(chart.line),
      };
    case 'days':
      return { ...chart, ...safe, days: chart.days.map(clean), lines: chart.lines.map(series) };
    default:
      return {
        ...chart,
        ...safe,
        bars: chart.bars.map(({ name, value }) => ({ name: clean(name), value })),
      };
  }
}

/**
 * `text`, but never the name of a property that all objects have. ECharts keeps the widths of texts in plain objects and
 * then writes into what it finds there: a counterparty called `__proto__` would change every object of the process. A
 * mark that is not seen makes it another text.
 */
export function withoutPropertyName(text: string): string {
  return text in {} ? `${text}\u2060` : text;
}
