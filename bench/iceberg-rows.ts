/** Invented rows of 18 columns for `bench/iceberg.ts`, and the stream that reads them from a file of JSON lines. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { z } from 'zod';
import { date, decimal, defineStream, int64, timestamp } from 'plumbing-core';
import type { Stream, WriteMode } from 'plumbing-core';
import { jsonLines } from 'plumbing-core/sources/json-lines';

const schema = z.object({
  id: int64(),
  customer: int64(),
  store: int64(),
  quantity: int64(),
  status: int64(),
  weight: z.number(),
  amount: decimal(18, 4),
  paid: z.boolean(),
  ordered_on: date(),
  due_on: date(),
  created_at: timestamp(),
  updated_at: timestamp(),
  country: z.string(),
  city: z.string(),
  currency: z.string(),
  product: z.string(),
  reference: z.string(),
  note: z.string(),
});

/** The same columns for DuckDB's `read_json`. */
export const duckColumns =
  `{id: BIGINT, customer: BIGINT, store: BIGINT, quantity: BIGINT, status: BIGINT, weight: DOUBLE,
  amount: 'DECIMAL(18, 4)', paid: BOOLEAN, ordered_on: DATE, due_on: DATE, created_at: TIMESTAMPTZ, updated_at: TIMESTAMPTZ,
  country: VARCHAR, city: VARCHAR, currency: VARCHAR, product: VARCHAR, reference: VARCHAR, note: VARCHAR}`.replaceAll(
    /: ([A-Z]+)(?=[,}])/g,
    ": '$1'",
  );

const countries = ['DE', 'FR', 'IT', 'ES', 'PL', 'NL', 'AT', 'BE'];
const batchRows = 5_000;

/** One row as a line of JSON. `version` changes what an update would change. */
function line(id: number, version: number): string {
  const mixed = Math.imul(id, 2_654_435_761) >>> 0;
  const day = new Date(1_700_000_000_000 + (mixed % 700) * 86_400_000).toISOString().slice(0, 10);
  const moment = new Date(1_700_000_000_000 + (mixed % 60_000_000) * 1_000)
    .toISOString()
    .replace('Z', '123Z');
  return JSON.stringify({
    id,
    customer: mixed % 50_000,
    store: mixed % 300,
    quantity: (mixed % 20) + version,
    status: mixed % 5,
    weight: (mixed % 10_000) / 7,
    amount: `${mixed % 100_000}.${1_000 + (mixed % 9_000)}`,
    paid: mixed % 3 === 0,
    ordered_on: day,
    due_on: day,
    created_at: moment,
    updated_at: moment,
    country: countries[mixed % 8],
    city: `City ${mixed % 1_000}`,
    currency: 'EUR',
    product: `Product number ${mixed % 20_000}`,
    reference: `R${String(mixed).padStart(12, '0')}/${id}`,
    note: `a note in version ${version}, about ${mixed % 500}`,
  });
}

/** Writes rows to a file. */
export async function writeLines(file: string, ids: Iterable<number>, version: number): Promise<void> {
  const out = createWriteStream(file);
  let waiting: string[] = [];
  const flush = async (): Promise<void> => {
    if (!out.write(`${waiting.join('\n')}\n`)) await once(out, 'drain');
    waiting = [];
  };
  for (const id of ids) {
    waiting.push(line(id, version));
    if (waiting.length === batchRows) await flush();
  }
  if (waiting.length > 0) await flush();
  out.end();
  await once(out, 'finish');
}

/** The rows of a file. */
export function streamOf(file: string, write: WriteMode): Stream {
  return defineStream({
    name: 'orders',
    schema,
    primaryKey: ['id'],
    write,
    read: () => jsonLines(file),
  });
}
