import { expect, test } from 'vitest';
import { renderSvg, spendingChart } from '../../src/charts/index.ts';
import { barsOf, textsOf } from './figures.ts';

const row = (category: string, spent: string, currency = 'EUR') => ({
  category,
  currency,
  net_spent: spent,
});

test('the longest first, in one currency; what is beyond is added up exactly', () => {
  const rows = [
    row('b', '0.1000'),
    row('a', '9'),
    row('c', '0.2000'),
    row('d', '0.0001'),
    row('x', '99', 'USD'),
  ];
  expect(spendingChart(rows, { most: 1 })).toEqual({
    kind: 'rank',
    title: 'Spending by category',
    subtitle: 'Payments less refunds',
    unit: 'EUR',
    bars: [
      { name: 'a', value: '9' },
      { name: '3 others', value: '0.3001' },
    ],
  });
  // A last bar for one would say less than the one itself.
  expect(spendingChart(rows, { most: 3 }).bars.map(({ name }) => name)).toEqual(['a', 'c', 'b', 'd']);
});

test('counterparties are named as such', () => {
  const chart = spendingChart([{ counterparty: 'Laden', currency: 'EUR', net_spent: '1' }]);
  expect(chart).toMatchObject({ title: 'Spending by counterparty', bars: [{ name: 'Laden' }] });
});

test('names, amounts and unit are written; what came back is to the left and blue', async () => {
  const svg = await renderSvg(spendingChart([row('housing', '985.5000'), row('shops', '-312.5000')]));
  expect(textsOf(svg)).toEqual(
    expect.arrayContaining(['housing', '985.50', 'shops', '−312.50', 'EUR', 'Spent', 'Came back']),
  );
  const [spent] = barsOf(svg, '#e0693c');
  const [back] = barsOf(svg, '#3f8bc6');
  expect(spent?.x).toBe(back?.x);
  expect(spent?.width).toBeGreaterThan(0);
  expect(back?.width).toBeLessThan(0);
});

test('a name has room to the left of the bars, however long it is', async () => {
  const svg = await renderSvg(spendingChart([row('W'.repeat(80), '1')]));
  const [bar] = barsOf(svg, '#e0693c');
  expect(bar?.x).toBeGreaterThan(32 * 7);
});
