/** Compares what this library reads of a table with what others read. */
import { expect } from 'vitest';
import type { Column, LogicalType, Reader, Value } from '../../../src/model/index.ts';
import { encodeJson } from '../../../src/model/json-text.ts';
import { IcebergSession } from '../../../src/destinations/iceberg/session.ts';
import type { Warehouse } from '../../destinations/iceberg/harness.ts';
import type { CatalogProperties, Readers, TextRows } from './readers.ts';

/** The catalog of a test's warehouse, for PyIceberg. */
export function catalogOf(warehouse: Warehouse): CatalogProperties {
  const folder = warehouse.options.warehouse;
  return { name: 'plumbing', uri: `sqlite:///${folder}/catalog.db`, warehouse: `file://${folder}` };
}

/** All three readers give the same rows, to the last digit, in whatever order. */
export async function expectAgreement(
  readers: Readers,
  warehouse: Warehouse,
  table = 't',
): Promise<string[]> {
  const house = await warehouse.house();
  try {
    const loaded = await house.load(table);
    if (!loaded) throw new Error(`there is no table ${table}`);
    const theirs = await readers.pyicebergRows(catalogOf(warehouse), `default.${table}`);
    const duckdbs = await readers.duckdbRows(loaded.metadataLocation);
    return await expectSameRows(new IcebergSession(house, true).reader, table, [theirs, duckdbs]);
  } finally {
    await house.catalog.close();
  }
}

/** What our reader reads is what others have read, to the last digit, in whatever order. */
export async function expectSameRows(
  reader: Reader,
  table: string,
  others: readonly TextRows[],
): Promise<string[]> {
  const columns = (await reader.columns(table)) ?? [];
  const own: string[] = [];
  for await (const row of reader.readRows(table)) {
    own.push(JSON.stringify(columns.map(({ name, type }) => textOf(type, row[name] ?? null))));
  }
  own.sort();
  for (const rows of others) expect(linesOf(rows, columns)).toEqual(own);
  return own;
}

function linesOf(read: TextRows, columns: readonly Column[]): string[] {
  const places = columns.map(({ name }) => read.columns.indexOf(name));
  expect(places).not.toContain(-1);
  return read.rows
    .map((row) =>
      JSON.stringify(places.map((place, i) => normal(columns[i]?.type ?? 'string', row[place] ?? null))),
    )
    .toSorted();
}

/** Numbers are written differently by each language; what they are is the same. */
function normal(type: LogicalType, text: string | null): string | null {
  if (text === null || type !== 'float64') return text;
  const number = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity }[text] ?? Number(text);
  return Object.is(number, -0) ? '-0' : String(number);
}

function textOf(type: LogicalType, value: Value): string | null {
  if (value === null) return null;
  if (type === 'json') return encodeJson(value) ?? '';
  if (type === 'float64') return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (type === 'time')
    return (value as string).length === 8 ? `${value as string}.000000` : (value as string);
  return String(value);
}
