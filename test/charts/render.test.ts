import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Resvg } from '@resvg/resvg-js';
import { expect, onTestFinished, test } from 'vitest';
import {
  balanceChart,
  cashFlowChart,
  renderHtml,
  renderPng,
  renderSvg,
  renderText,
  spendingChart,
} from '../../src/charts/index.ts';
import { balances, months, textsOf } from './figures.ts';

const hostile = [
  '<script>alert(1)</script>',
  '"/><image href="http://example.test/x"/>',
  "' onload='x",
  '&amp; &lt;',
  ']]><!--',
  '{b} {a|x}',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'a\u0000b\u0007\u001B[31mc',
  '\uD800half',
  '\uFFFE\uFFFF',
  '\u202Eabc',
];

const drawn = ['svg', 'title', 'rect', 'path', 'text', 'g', 'defs', 'clipPath'];
const label = / aria-label="[^"]*"/;

const charts = {
  'cash flow': cashFlowChart(months('2026-01', [['10', '-5']]), { title: hostile.join(' ') }),
  balance: balanceChart(
    hostile
      .slice(0, 5)
      .flatMap((name, i) => balances(`a${i}`, name, '2026-01-01', ['1', '-2']))
      .concat(balances(null, 'All accounts', '2026-01-01', ['5', '-10'])),
    { title: hostile.join('\n') },
  ),
  spending: spendingChart(
    hostile.map((counterparty) => ({ counterparty, currency: 'EUR', net_spent: '1.0000' })),
    { subtitle: hostile.join(' ') },
  ),
};

// First, before anything is drawn: what it looks for would be there from then on.
test('a counterparty that is called like a property of all objects changes none', async () => {
  const before = [Object, Object.prototype, Object.prototype.hasOwnProperty].map((one) =>
    Reflect.ownKeys(one),
  );
  await renderSvg(charts.spending);
  await renderSvg({ ...charts.balance, title: '__proto__', subtitle: 'constructor', unit: 'toString' });
  const after = [Object, Object.prototype, Object.prototype.hasOwnProperty].map((one) =>
    Reflect.ownKeys(one),
  );
  expect(after).toEqual(before);
});

test.each(Object.entries(charts))(
  '%s: hostile texts stay text, and the XML is well-formed',
  async (_, chart) => {
    const svg = await renderSvg(chart);
    // This reader is strict: markup that is broken is an error.
    expect(() => new Resvg(svg)).not.toThrow();
    const tags = svg.match(/<[^/][^>]*>/g) ?? [];
    const names = new Set(tags.map((tag) => /^<(\w+)/.exec(tag)?.[1]));
    expect([...names].filter((name) => !drawn.includes(name ?? ''))).toEqual([]);
    expect(
      tags.filter((tag) => /\s(on\w+|href|xlink:href|src)=|url\((?!#chart)/.test(tag.replace(label, ''))),
    ).toEqual([]);
    // oxlint-disable-next-line no-control-regex
    expect(svg).not.toMatch(/[\u0000-\u0008\u000B-\u001F\uFFFE\uFFFF\u202E]/);
    expect(svg.isWellFormed()).toBe(true);
    expect(svg).toMatch(/^<svg role="img" aria-label="/);
  },
);

test('hostile names are shown as they are, as far as they can be', async () => {
  const texts = textsOf(await renderSvg(charts.spending));
  expect(texts).toEqual(
    expect.arrayContaining(['<script>alert(1)</script>', '&amp; &lt;', '{b} {a|x}', 'a b [31mc', 'abc']),
  );
});

test('the same chart gives the same text, whatever was drawn before', async () => {
  const first = await renderSvg(charts.balance);
  await renderSvg(charts['cash flow']);
  expect(await renderSvg(charts.balance)).toBe(first);
});

test('nothing in a range is said, in every form', async () => {
  for (const chart of [cashFlowChart([]), balanceChart([]), spendingChart([])]) {
    expect(textsOf(await renderSvg(chart))).toContain('Nothing in this range');
    expect(renderText(chart)).toContain('Nothing in this range');
  }
});

test('a page holds the picture and the exact figures, and forbids to load or run anything', async () => {
  const html = await renderHtml(charts['cash flow']);
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  expect(html).toContain('<svg role="img"');
  expect(html).toContain('<tr><td>Jan 2026</td><td>10.00</td><td>−5.00</td><td>5.00</td></tr>');
  const spending = await renderHtml(charts.spending);
  expect(spending).not.toMatch(/<script|<image/);
  expect(spending).toContain('<td>&#60;script&#62;alert(1)&#60;/script&#62;</td><td>1.00</td>');
});

test('a picture has the asked size, and letters', async () => {
  const png = Buffer.from(await renderPng(charts.spending, { width: 600, height: 400, scale: 1.5 }));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([900, 600]);
  const unnamed = { ...charts.spending, bars: charts.spending.bars.map((bar) => ({ ...bar, name: '' })) };
  expect(png.equals(await renderPng(unnamed, { width: 600, height: 400, scale: 1.5 }))).toBe(false);
});

test.each([
  ['renderSvg', 'echarts'],
  ['renderHtml', 'echarts'],
  ['renderPng', '@resvg/resvg-js'],
])('%s without %s says how to install it', (render, name) => {
  const folder = mkdtempSync(join(tmpdir(), 'plumbing-charts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const root = fileURLToPath(new URL('../..', import.meta.url));
  for (const path of ['dist/charts', 'dist/errors', 'package.json', 'node_modules/big.js'])
    cpSync(join(root, path), join(folder, path), { recursive: true });
  const code = `
    const { ${render}, cashFlowChart, renderText } = await import('./dist/charts/index.js');
    renderText(cashFlowChart([]));
    await ${render}(cashFlowChart([])).catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/^OPTIONAL_PEER_MISSING/);
  expect(stdout).toContain(`npm install ${name}`);
});

test('marks of String.replace in a title or unit are text', async () => {
  const title = "$& $` $' $1 $$";
  const chart = { ...charts.spending, title, unit: "$'" };
  const svg = await renderSvg(chart);
  expect(() => new Resvg(svg)).not.toThrow();
  const shown = '$&#38; $` $&#39; $1 $$, $&#39;';
  expect(label.exec(svg)?.[0]).toBe(` aria-label="${shown}"`);
  expect(svg).toContain(`<title>${shown}</title>`);
});
