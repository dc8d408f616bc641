/** Transactions as a pipeline: the first run takes all of 2026, the second only what is new. */
import { rowCount, run } from 'plumbing-core';
import { getMaxDate, loadSqliteConfig, sqlite } from 'plumbing-core/destinations/sqlite';
import { comdirect } from 'plumbing-core/sources/comdirect';

const pipeline = {
  source: comdirect({ login: 'push' }),
  destination: sqlite(loadSqliteConfig()),
  since: '2026-01-01',
  streams: ['account_transactions__booked', 'account_transactions__not_booked'],
  checks: [rowCount('account_transactions__booked', { min: 1 })],
};

for (const attempt of ['first', 'second']) {
  const { status, streams } = await run(pipeline);
  console.log(`${attempt} run: ${status}`);
  for (const { stream, read, inserted } of streams) console.log(`  ${stream}: ${read} read, ${inserted} new`);
  if (status !== 'succeeded') process.exitCode = 1;
}
console.log(
  'Newest booking:',
  await getMaxDate(loadSqliteConfig(), 'account_transactions__booked', 'booking_date'),
);
