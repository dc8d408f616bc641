/** Charts of an account's figures: as SVG, PNG, HTML and text. */
export { balanceChart } from './balance-chart.ts';
export type { BalanceRow } from './balance-chart.ts';
export { cashFlowChart } from './cash-flow-chart.ts';
export type { CashFlowRow } from './cash-flow-chart.ts';
export type { Chart, ChartOptions, DayChart, MonthChart, RankChart, Series, Tone } from './chart.ts';
export { renderHtml } from './html.ts';
export { renderPng } from './png.ts';
export type { PngOptions } from './png.ts';
export { spendingChart } from './spending-chart.ts';
export type { SpendingChartOptions, SpendingRow } from './spending-chart.ts';
export { renderSvg } from './svg.ts';
export type { SizeOptions } from './svg.ts';
export { renderText } from './text.ts';
export type { TextOptions } from './text.ts';
