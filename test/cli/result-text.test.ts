import { expect, test } from 'vitest';
import { csvLine, tableText } from '../../src/cli/result-text.ts';
import { textTable } from '../../src/cli/text-table.ts';

test('nothing in a table steers a terminal or breaks a line', () => {
  const hostile = 'a\u001B]0;owned\u0007\u001B[2J\r\nb\u009B31m\tc\u2028d\u202Ee';
  const shown = 'a ]0;owned [2J b 31m c de';
  const row = { [`x\u001B[1m\ny`]: hostile, nested: { list: [hostile] }, n: 1.5, nothing: null };
  const [head, , cells, ...more] = tableText([row]).split('\n');
  expect(more).toEqual([]);
  expect(head).toMatch(/^x \[1m y +nested +n +nothing$/);
  expect(cells).toContain(shown);
  expect(cells).toMatch(/ 1\.5$/);
  for (const text of [tableText([row]), textTable([{ error: hostile }])])
    expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
});

test('CSV has numbers that JSON has not', () => {
  expect(csvLine([Number.NaN, Infinity, -Infinity, -0.5, 12n, null, true, [Number.NaN]])).toBe(
    'NaN,Infinity,-Infinity,-0.5,12,,true,[null]\n',
  );
});
