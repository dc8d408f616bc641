/** A table with a column of every type, and rows with the limits of each. */
import type { LogicalType, Row, Value } from '../../../src/model/index.ts';

/** Values of each column. */
export const typeMatrix: Readonly<Record<string, readonly [LogicalType, readonly Value[]]>> = {
  flag: ['boolean', [true, false]],
  whole: ['int64', [0, -1, 2n ** 63n - 1n, -(2n ** 63n)]],
  real: ['float64', [0.1, -1.5, 5e-324, 1.7976931348623157e308, NaN, Infinity, -Infinity, -0]],
  d9: ['decimal(9,2)', ['0.00', '-9999999.99', '9999999.99']],
  d18: ['decimal(18,4)', ['99999999999999.9999', '-0.0001']],
  d20: ['decimal(20,0)', ['99999999999999999999', '-1']],
  d38: ['decimal(38,9)', ['99999999999999999999999999999.999999999', '-0.000000001']],
  d38w: ['decimal(38,0)', ['-99999999999999999999999999999999999999']],
  day: ['date', ['0001-01-01', '9999-12-31', '1969-12-31', '2024-02-29']],
  clock: ['time', ['00:00:00', '23:59:59.999999']],
  moment: [
    'timestamp',
    ['0001-01-01T00:00:00.000000Z', '9999-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999999Z'],
  ],
  text: ['string', ['', 'ß€𝄞👩‍👩‍👧', 'x'.repeat(100_000), "it's", 'a\nb', '\u{10ffff}'.repeat(20), 'a\0b']],
  bytes: [
    'binary',
    [new Uint8Array(), Uint8Array.from({ length: 256 }, (_, i) => i), new Uint8Array(20).fill(255)],
  ],
  id7: ['uuid', ['0190e6c0-0000-7000-8000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']],
  doc: ['json', [{ a: [1, { b: null }], 'ü"': '' }, [], 'text', 1.5]],
};

/** The types of the columns beside `id`. */
export const everyType: Readonly<Record<string, LogicalType>> = Object.fromEntries(
  Object.entries(typeMatrix).map(([name, [type]]) => [name, type]),
);

/** A row of NULLs, a row for each value, and one that has them all. */
export function everyValue(): Row[] {
  const columns = Object.values(typeMatrix);
  let id = 0;
  const rows: Row[] = [[id++, ...columns.map(() => null)]];
  for (const [index, [, values]] of columns.entries()) {
    for (const value of values) rows.push([id++, ...columns.map((_, i) => (i === index ? value : null))]);
  }
  rows.push([id, ...columns.map(([, values]) => values.at(-1) ?? null)]);
  return rows;
}
