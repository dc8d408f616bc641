/** One contestant of `bench/sqlite.ts`, in a process of its own: prints its figures as JSON. */
import { DatabaseSync } from 'node:sqlite';
import { defineSource, defineStream, run } from 'plumbing-core';
import { sqlite } from 'plumbing-core/destinations/sqlite';
import { makeRow, schema } from './rows.ts';
import type { Sent } from './rows.ts';

const [name = '', file = '', count = '0'] = process.argv.slice(2);
const rows = Number(count);
const batchRows = 1_000;
/** The delta: 10 % of the rows corrected, 5 % new ones. */
const deltaFrom = Math.floor(rows * 0.9);
const deltaTo = Math.floor(rows * 1.05);

/** Row numbers from `from` to `to`, with the version of each. */
const plans: Record<string, { from: number; to: number; version: number }> = {
  insert: { from: 0, to: rows, version: 0 },
  delta: { from: deltaFrom, to: deltaTo, version: 1 },
  unchanged: { from: 0, to: rows, version: 0 },
};

async function ours(plan: { from: number; to: number; version: number }, changed: boolean): Promise<number> {
  const stream = defineStream({
    name: 'transactions',
    schema,
    primaryKey: ['account_id', 'reference'],
    cursor: { column: 'booking_date', lookback: 100_000, order: 'ascending' },
    async *read() {
      for (let i = plan.from; i < plan.to; i += batchRows) {
        const batch: Sent[] = [];
        for (let j = i; j < Math.min(i + batchRows, plan.to); j++)
          batch.push(makeRow(j, rows * 1.05, versionOf(j, plan, changed)));
        yield batch;
      }
    },
  });
  const report = await run({
    source: defineSource({ name: 'bench', streams: [stream] }),
    destination: sqlite(file),
  });
  const [result] = report.streams;
  if (report.status !== 'succeeded' || result?.read !== plan.to - plan.from)
    throw new Error(JSON.stringify(report));
  return plan.to - plan.from;
}

/** After the delta, its rows are what is stored: a re-run without change sends those. */
function versionOf(i: number, plan: { version: number }, changed: boolean): number {
  return changed && i >= deltaFrom ? 1 : plan.version;
}

const columns = [
  'account_id',
  'reference',
  'booking_status',
  'booking_date',
  'amount__value',
  'amount__unit',
  'remitter__holder_name',
  'deptor',
  'creditor__holder_name',
  'creditor__iban',
  'creditor__bic',
  'valuta_date',
  'direct_debit_creditor_id',
  'direct_debit_mandate_id',
  'end_to_end_reference',
  'new_transaction',
  'remittance_info',
  'transaction_type__key',
  'transaction_type__text',
];

/** The same rows through one prepared statement, as one would write it by hand: no validation, no state, no counts. */
function bare(plan: { from: number; to: number; version: number }, changed: boolean): number {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec(
    `CREATE TABLE IF NOT EXISTS transactions (${columns.map((column) => `${column} ${column === 'amount__value' ? 'DECIMAL(15,2)' : 'TEXT'}`).join(', ')}, PRIMARY KEY (account_id, reference))`,
  );
  const updates = columns.slice(2).map((column) => `${column} = excluded.${column}`);
  const insert = db.prepare(
    `INSERT INTO transactions VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT (account_id, reference) DO UPDATE SET ${updates.join(', ')}`,
  );
  for (let i = plan.from; i < plan.to;) {
    db.exec('BEGIN IMMEDIATE');
    for (const end = Math.min(i + 10_000, plan.to); i < end; i++) {
      const row = makeRow(i, rows * 1.05, versionOf(i, plan, changed)) as Required<Sent>;
      const { amount, remitter, creditor, transactionType } = row as unknown as {
        amount: { value: string; unit: string };
        remitter: { holderName: string } | null;
        creditor: { holderName: string; iban: string; bic: string } | null;
        transactionType: { key: string; text: string };
      };
      insert.run(
        row.accountId,
        row.reference,
        row.bookingStatus,
        row.bookingDate ?? null,
        amount.value,
        amount.unit,
        remitter?.holderName ?? null,
        row.deptor ?? null,
        creditor?.holderName ?? null,
        creditor?.iban ?? null,
        creditor?.bic ?? null,
        row.valutaDate ?? null,
        row.directDebitCreditorId ?? null,
        row.directDebitMandateId ?? null,
        row.endToEndReference ?? null,
        row.newTransaction ? 1 : 0,
        row.remittanceInfo ?? null,
        transactionType.key,
        transactionType.text,
      );
    }
    db.exec('COMMIT');
  }
  db.close();
  return plan.to - plan.from;
}

/** From the sandbox bank over HTTP, rate limit off. The bank's address and logins are in the environment. */
async function overHttp(): Promise<number> {
  // Loaded here: the others shall not carry what they do not use.
  const { createMemoryTokenStore } = await import('plumbing-core/auth');
  const { ChallengeLedger, comdirect } = await import('plumbing-core/sources/comdirect');
  const source = comdirect({
    tokenStore: createMemoryTokenStore(),
    ledger: new ChallengeLedger(`${file}.challenges`),
    login: 'push',
    rateLimit: { requestsPerSecond: 1_000_000 },
  });
  const report = await run({ source, destination: sqlite(file), streams: ['account_transactions__booked'] });
  if (report.status !== 'succeeded') throw new Error(JSON.stringify(report));
  return report.streams[0]?.inserted ?? 0;
}

/** Gives the number of rows. */
async function contend(): Promise<number> {
  if (name === 'http') return overHttp();
  if (name === 'bare-http') return (await import('./bare-http.ts')).bareHttp(file, columns);
  const what = name === 'load' ? 'insert' : name.replace('bare-', '');
  const plan = plans[what] as { from: number; to: number; version: number };
  return name.startsWith('bare-') ? bare(plan, what === 'unchanged') : ours(plan, what === 'unchanged');
}

const startedMs = performance.now();
const done = await contend();
const seconds = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    rowsPerSecond: done / seconds,
    rowsPerCpuSecond: (done / (user + system)) * 1e6,
    peakMb: process.resourceUsage().maxRSS / 1024,
  }),
);
