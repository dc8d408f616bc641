import { Resvg } from '@resvg/resvg-js';
import { expect, test } from 'vitest';
import { cashFlowChart, renderSvg } from '../../src/charts/index.ts';
import { barsOf, months, textsOf } from './figures.ts';

test('months, amounts and unit of all accounts together are taken as they are', () => {
  const rows = [...months('2026-01', [['2500.0000', '-0.3000']]), { ...one, account_id: 'giro' }];
  expect(cashFlowChart(rows)).toMatchObject({
    title: 'Cash flow by month',
    subtitle: 'Jan 2026',
    unit: 'EUR',
    months: ['2026-01'],
    bars: [
      { name: 'Money in', tone: 'in', values: ['2500.0000'] },
      { name: 'Money out', tone: 'out', values: ['-0.3000'] },
    ],
    line: { name: 'Net', values: ['2499.7000'] },
  });
});

test('one currency is shown: EUR, or the only one, or the one asked for', () => {
  const rows = [{ ...one, currency: 'USD' }, one];
  expect(cashFlowChart(rows).unit).toBe('EUR');
  expect(cashFlowChart(rows.slice(0, 1)).unit).toBe('USD');
  expect(cashFlowChart(rows, { currency: 'USD' }).months).toHaveLength(1);
});

const [one = { month: '', account_id: null, currency: '', inflow: '0', outflow: '0', net: '0' }] = months(
  '2026-01',
  [['1', '-1']],
);

test('the rows of one account are shown; of several without their sum, none', () => {
  const giro = months('2026-01', [['10', '-4']]).map((row) => ({ ...row, account_id: 'giro' }));
  expect(cashFlowChart(giro)).toMatchObject({ months: ['2026-01'], line: { values: ['6.0000'] } });
  const dollars = giro.map((row) => ({ ...row, account_id: 'fx', currency: 'USD' }));
  expect(cashFlowChart([...giro, ...dollars])).toMatchObject({ unit: 'EUR', months: ['2026-01'] });
  const savings = giro.map((row) => ({ ...row, account_id: 'savings' }));
  expect(cashFlowChart([...giro, ...savings]).months).toEqual([]);
});

test('the SVG has title, unit, legend, ticks and months', async () => {
  const svg = await renderSvg(
    cashFlowChart(
      months('2025-11', [
        ['3250', '-1985.5'],
        ['3400', '-4100'],
        ['3250', '-985'],
      ]),
    ),
  );
  const texts = textsOf(svg);
  for (const text of ['Cash flow by month', 'Nov 2025 to Jan 2026', 'EUR', 'Money in', 'Money out', 'Net'])
    expect(texts).toContain(text);
  expect(texts).toEqual(
    expect.arrayContaining(['4,000', '0', '−2,000', 'Nov', '2025', 'Dec', 'Jan', '2026']),
  );
});

test('money in goes up and money out goes down, each in its colour, to scale', async () => {
  const svg = await renderSvg(cashFlowChart(months('2026-01', [['1000', '-500']])));
  const [up] = barsOf(svg, '#3f8bc6');
  const [down] = barsOf(svg, '#e0693c');
  expect(up?.height).toBeLessThan(0);
  expect(down?.height).toBeGreaterThan(0);
  expect(up?.y).toBe(down?.y);
  expect((up?.height ?? 0) / (down?.height ?? 0)).toBeCloseTo(-2, 1);
});

test.each([1, 3, 12, 18, 36, 120])('%i months: labels of the axis do not touch', async (count) => {
  const rows = months(
    '2020-02',
    Array.from({ length: count }, () => ['1000', '-900'] as const),
  );
  const svg = await renderSvg(cashFlowChart(rows));
  const xs = [
    ...svg.matchAll(/translate\(([\d.]+) [\d.]+\)" fill="[^"]+">(?!Net)[A-Z][a-z]{2}<\/text>/g),
  ].map((match) => Number(match[1]));
  expect(xs.length).toBeGreaterThan(0);
  for (const [i, x] of xs.entries()) if (i > 0) expect(x - (xs[i - 1] ?? 0)).toBeGreaterThan(30);
});

test('no rows give a chart all the same', async () => {
  const svg = await renderSvg(cashFlowChart([]));
  expect(new Resvg(svg).width).toBe(960);
});
