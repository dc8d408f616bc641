import { cleanText } from '../charts/label.ts';
import { stringifyJson } from '../model/index.ts';

/** A table for people to read: columns aligned, numbers to the right, and nothing that a terminal would obey. */
export function textTable(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const [first] = rows;
  if (!first) return '';
  const names = Object.keys(first);
  const head = names.map(cleanText);
  const cells = rows.map((row) => names.map((name) => cleanText(cellText(row[name]))));
  const widths = head.map((name, i) =>
    cells.reduce((width, row) => Math.max(width, row[i]?.length ?? 0), name.length),
  );
  const isNumber = names.map((name) => rows.every((row) => isNumeric(row[name])));
  const line = (values: readonly string[]): string =>
    values
      .map((value, i) => (isNumber[i] ? value.padStart(widths[i] ?? 0) : value.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

function isNumeric(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value === 'number' || typeof value === 'bigint') return true;
  return typeof value === 'string' && /^-?[\d,]+(\.\d+)?$/.test(value);
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? value.toLocaleString('en-US') : stringifyJson(value);
}
