/**
 * The main job, on a sandbox bank: log in, load what is new into one SQLite file, ask it three questions, and draw
 * its cash flow.
 * Run it again and the bank has moved on by a day.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { run } from 'plumbing-core';
import { openAnalytics } from 'plumbing-core/analytics';
import { createMemoryTokenStore } from 'plumbing-core/auth';
import { cashFlowChart, renderSvg, renderText } from 'plumbing-core/charts';
import { sqlite } from 'plumbing-core/destinations/sqlite';
import { ChallengeLedger, comdirect, loadComdirectConfig } from 'plumbing-core/sources/comdirect';
import { cashFlowByMonth } from 'plumbing-core/sources/comdirect/analysis';
import { startComdirectSandbox } from 'plumbing-core/sources/comdirect/sandbox';
import { reportText } from '../src/cli/report-text.ts';
import { textTable } from '../src/cli/text-table.ts';

const file = fileURLToPath(new URL('comdirect.db', import.meta.url));
const picture = fileURLToPath(new URL('cash-flow.svg', import.meta.url));
const firstDayMs = Date.parse('2026-11-23T08:00:00Z');
const dayMs = 86_400_000;

// Each earlier run in the file was one day of the bank.
const today = new Date(firstDayMs + (existsSync(file) ? countRuns() : 0) * dayMs);
const sandbox = await startComdirectSandbox({
  now: () => today,
  accounts: 3,
  historyDays: 730,
  approveAfterMs: 1000,
});
try {
  console.log(`A sandbox bank is open on ${sandbox.url}; its day is ${today.toISOString().slice(0, 10)}.`);
  const source = comdirect({
    config: loadComdirectConfig(sandbox.environment),
    tokenStore: createMemoryTokenStore(),
    ledger: new ChallengeLedger(fileURLToPath(new URL('state/challenges.json', import.meta.url))),
    login: 'interactive',
    onChallenge: async ({ type }) =>
      console.log(`Login: ${type} sent to the phone; the sandbox approves it by itself.`),
    now: () => today,
  });
  const report = await run({ source, destination: sqlite(file) }, { now: () => today });
  console.log(reportText(report));
  if (report.status === 'succeeded') {
    answer();
    await drawCashFlow();
  } else {
    process.exitCode = 1;
  }
} finally {
  await sandbox.close();
}

function answer(): void {
  const db = new DatabaseSync(file, { readOnly: true });
  const ask = (title: string, sql: string): void => {
    const rows = db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
    console.log(`\n${title}\n${textTable(rows)}`);
  };
  ask(
    'Balance by account',
    `SELECT account_type__text AS account, printf('%,.2f', balance__value) AS balance, balance__unit AS currency
     FROM account_balances WHERE _inserted_at_day = (SELECT max(_inserted_at_day) FROM account_balances) ORDER BY account_display_id`,
  );
  ask(
    'Spending by month',
    `SELECT substr(booking_date, 1, 7) AS month, printf('%,.2f', -sum(amount__value)) AS spent, count(*) AS bookings
     FROM account_transactions__booked WHERE amount__value < 0 GROUP BY month ORDER BY month DESC LIMIT 6`,
  );
  ask(
    'Top counterparties',
    `SELECT coalesce(creditor__holder_name, remitter__holder_name) AS counterparty, printf('%,.2f', -sum(amount__value)) AS spent, count(*) AS bookings
     FROM account_transactions__booked WHERE amount__value < 0 AND coalesce(creditor__holder_name, remitter__holder_name) IS NOT NULL
     GROUP BY counterparty ORDER BY sum(amount__value) LIMIT 5`,
  );
  db.close();
}

async function drawCashFlow(): Promise<void> {
  const db = await openAnalytics({ attach: { bank: file } });
  try {
    const from = new Date(Date.UTC(today.getUTCFullYear() - 1, today.getUTCMonth() + 1, 1));
    const months = await cashFlowByMonth(db, { from: from.toISOString().slice(0, 10) });
    const chart = cashFlowChart(months);
    console.log(`\n${renderText(chart, { width: process.stdout.columns ?? 100 })}`);
    await writeFile(picture, await renderSvg(chart));
    console.log(`\nThe same as a picture: ${relative(process.cwd(), picture)}`);
  } finally {
    await db.close();
  }
}

function countRuns(): number {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(db.prepare('SELECT count(*) AS n FROM _plumbing_loads').get()?.['n'] ?? 0);
  } finally {
    db.close();
  }
}
