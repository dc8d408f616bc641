import { expect, test } from 'vitest';
import { balanceChart, renderSvg } from '../../src/charts/index.ts';
import { balances, textsOf } from './figures.ts';

test('a line for each account and one for all, with gaps where an account has no figure', () => {
  const rows = [
    ...balances('giro', 'Girokonto', '2026-01-30', ['1', '-2', '3']),
    ...balances('savings', 'Tagesgeld', '2026-01-31', ['1000', '1000']),
    ...balances(null, 'All accounts', '2026-01-30', ['1', '998', '1003']),
  ];
  expect(balanceChart(rows)).toEqual({
    kind: 'days',
    title: 'Balance',
    subtitle: '30 Jan 2026 to 1 Feb 2026',
    unit: 'EUR',
    days: ['2026-01-30', '2026-01-31', '2026-02-01'],
    lines: [
      { name: 'All accounts', tone: 'net', values: ['1', '998', '1003'] },
      { name: 'Tagesgeld', tone: 'plain', values: [null, '1000', '1000'] },
      { name: 'Girokonto', tone: 'plain', values: ['1', '-2', '3'] },
    ],
  });
});

test('one account needs no sum; its name is in the subtitle', () => {
  const rows = [
    ...balances('giro', 'Girokonto', '2026-01-30', ['1', '-2']),
    ...balances(null, 'All accounts', '2026-01-30', ['1', '-2']),
  ];
  const { lines, subtitle } = balanceChart(rows);
  expect(lines.map(({ name }) => name)).toEqual(['Girokonto']);
  expect(subtitle).toBe('Girokonto, 30 Jan 2026 to 31 Jan 2026');
});

test('accounts in another currency are shown in EUR as the bank counted them, or in their own', () => {
  const rows = [
    ...balances('giro', 'Girokonto', '2026-01-30', ['1']),
    ...balances('fx', 'Dollar', '2026-01-30', ['100']).map((row) => ({
      ...row,
      currency: 'USD',
      balance_eur: '90',
    })),
  ];
  expect(balanceChart(rows).lines.map(({ values }) => values[0])).toEqual(['90', '1']);
  expect(balanceChart(rows, { currency: 'USD' })).toMatchObject({
    unit: 'USD',
    lines: [{ values: ['100'] }],
  });
});

test('without any figure in EUR the first currency is shown', () => {
  const rows = balances('fx', 'Dollar', '2026-01-30', ['100', '90']).map((row) => ({
    ...row,
    currency: 'USD',
    balance_eur: null,
  }));
  expect(balanceChart(rows)).toMatchObject({
    unit: 'USD',
    lines: [{ name: 'Dollar', values: ['100', '90'] }],
  });
  expect(balanceChart(rows, { currency: 'EUR' }).days).toEqual([]);
  expect(balanceChart([]).unit).toBe('EUR');
});

test('of many accounts the largest are shown, and those of one name are told apart', async () => {
  const rows = Array.from({ length: 8 }, (_, i) =>
    balances(`a${i}`, 'Girokonto', '2026-01-30', [String(i), String(i)]),
  );
  const chart = balanceChart([...rows.flat(), ...balances(null, 'All accounts', '2026-01-30', ['28', '28'])]);
  expect(chart.subtitle).toContain('5 largest accounts, 3 more');
  const names = chart.lines.map(({ name }) => name);
  expect(names).toEqual([
    'All accounts',
    'Girokonto',
    'Girokonto (2)',
    'Girokonto (3)',
    'Girokonto (4)',
    'Girokonto (5)',
  ]);
  expect(textsOf(await renderSvg(chart))).toEqual(
    expect.arrayContaining([...names, 'EUR', '30 Jan', '31 Jan']),
  );
});

test.each([1, 10, 40, 90, 370, 1100, 4000])('%i days: labels of the axis do not touch', async (count) => {
  const rows = balances(
    'giro',
    'Girokonto',
    '2020-02-11',
    Array.from({ length: count }, (_, i) => String(i)),
  );
  const svg = await renderSvg(balanceChart(rows));
  const label =
    /text-anchor="middle"[^>]*translate\(([\d.]+) [\d.]+\)" fill="[^"]+">((?:\d+ )?[A-Z][a-z]{2})<\/text>/g;
  const found = [...svg.matchAll(label)].map((match) => ({ x: Number(match[1]), text: match[2] ?? '' }));
  expect(found.length).toBeGreaterThan(0);
  for (const [i, { x, text }] of found.entries())
    if (i > 0) expect(x - (found[i - 1]?.x ?? 0)).toBeGreaterThan(text.length * 8);
});
