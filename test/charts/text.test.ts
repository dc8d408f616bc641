import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { balanceChart, cashFlowChart, renderText, spendingChart } from '../../src/charts/index.ts';
import { balances, months } from './figures.ts';

test('cash flow: out to the left, in to the right, the net beside them', () => {
  const chart = cashFlowChart(
    months('2025-12', [
      ['100', '-50'],
      ['50', '-100'],
      ['0', '0'],
    ]),
  );
  expect(renderText(chart, { width: 48 })).toBe(
    [
      'Cash flow by month (EUR)',
      'Dec 2025 to Feb 2026',
      '                      out│in                 net',
      'Dec 2025         ████████│███████████████  50.00',
      'Jan 2026 ▐███████████████│███████▊        −50.00',
      'Feb 2026                 │                  0.00',
    ].join('\n'),
  );
});

test('in colour, money in is blue and money out red; without, there are no control characters', () => {
  const chart = cashFlowChart(months('2025-12', [['100', '-50']]));
  const coloured = renderText(chart, { colour: true });
  // oxlint-disable-next-line no-control-regex
  expect(coloured).toMatch(/\u001B\[31m▐?█+\u001B\[39m│\u001B\[34m█+/);
  expect(stripVTControlCharacters(coloured)).toBe(renderText(chart));
});

test('balance: some days, the last included; debts to the left', () => {
  const rows = balances(
    'giro',
    'Girokonto',
    '2026-01-01',
    Array.from({ length: 60 }, (_, i) => String(i * 10 - 100)),
  );
  const lines = renderText(balanceChart(rows)).split('\n');
  expect(lines).toHaveLength(3 + 20);
  expect(lines[2]).toBe('Girokonto');
  expect(lines[3]).toMatch(/^3 Jan 2026 +█+│ +−80\.00$/);
  expect(lines.at(-1)).toMatch(/^1 Mar 2026 +│[█-▏]+ 490\.00$/);
});

test('names can not steer the terminal, and wide letters keep the columns', () => {
  const names = ['\u001B[2J\u001B]0;x\u0007evil', '\u009B31mc1', '名前', 'Laden\r\nnext'];
  const text = renderText(
    spendingChart(names.map((counterparty) => ({ counterparty, currency: 'EUR', net_spent: '5' }))),
  );
  // oxlint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
  expect(text.split('\n')).toHaveLength(2 + 4);
  expect(text).toContain('名前          │');
  expect(text).toContain('[2J ]0;x evil │');
});

test('no line is longer than the terminal', () => {
  const rows = months(
    '2020-01',
    Array.from({ length: 30 }, () => ['123456789.12', '-987654321.12'] as const),
  );
  for (const width of [40, 80, 200]) {
    const lines = renderText(cashFlowChart(rows), { width }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
  }
});
