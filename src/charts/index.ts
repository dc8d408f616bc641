/** Charts of an account's figures: as SVG, PNG, HTML and text. */
export { cashFlowChart } from './cash-flow-chart.ts';
export type { CashFlowRow } from './cash-flow-chart.ts';
export type { Chart, ChartOptions, DayChart, MonthChart, RankChart, Series, Tone } from './chart.ts';
export { renderSvg } from './svg.ts';
export type { SizeOptions } from './svg.ts';
