/** Rows of a query as text: a table to look at, JSON and CSV for programs. */
import { textTable } from './text-table.ts';

/** A row of a result. */
export type ResultRow = Readonly<Record<string, unknown>>;

/** A table for a terminal: numbers as they are, nested values as JSON. */
export function tableText(rows: readonly ResultRow[]): string {
  if (rows.length === 0) return '(no rows)';
  return textTable(
    rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]))),
  );
}

function plain(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'object' && value !== null ? jsonText(value, 0) : value;
}

/** 64-bit integers as numbers with all their digits, bytes in base64. */
export function jsonText(value: unknown, indent = 2): string {
  const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };
  return JSON.stringify(
    value,
    (_key, item: unknown) => {
      if (typeof item === 'bigint') return rawJSON(item.toString());
      return item instanceof Uint8Array ? Buffer.from(item).toString('base64') : item;
    },
    indent,
  );
}

/** One line of CSV (RFC 4180, but with LF). NULL is empty, an empty text is quoted. */
export function csvLine(cells: readonly unknown[]): string {
  return `${cells.map(csvCell).join(',')}\n`;
}

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  // JSON has no NaN and no infinity, and would say null.
  const text = typeof value === 'number' ? String(value) : jsonText(value, 0);
  return typeof value === 'object' ? quoted(text) : text;
}

function quoted(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
