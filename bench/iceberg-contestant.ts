/** This library's part of `bench/iceberg.ts`, a process an operation: prints its figures as JSON. */
import { defineSource, run } from 'plumbing-core';
import { iceberg } from 'plumbing-core/destinations/iceberg';
import { duckColumns, streamOf } from './iceberg-rows.ts';

const [operation = '', warehouse = '', file = ''] = process.argv.slice(2);
// Libraries are loaded before the clock starts, as PyArrow and PyIceberg are.
const { DuckDBInstance } = await import('@duckdb/node-api');
const startedMs = performance.now();
if (operation === 'parquet') {
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(
    `COPY (FROM read_json('${file}', format = 'newline_delimited', columns = ${duckColumns})) TO '${warehouse}.parquet' (FORMAT parquet, COMPRESSION zstd)`,
  );
  tell();
  process.exit();
}
const stream = streamOf(
  file,
  operation === 'append' ? { mode: 'append' } : { mode: 'merge', strategy: 'upsert' },
);
const report = await run({
  source: defineSource({ name: 'bench', streams: [stream] }),
  destination: iceberg({ warehouse, maintenance: false }),
});
if (report.status !== 'succeeded') throw new Error(JSON.stringify(report));
tell();

function tell(): void {
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(JSON.stringify({ seconds, peakMb: process.resourceUsage().maxRSS / 1024 }));
}
