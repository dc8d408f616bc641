/**
 * What one would write by hand to copy the sandbox bank's bookings into SQLite: fetch, `JSON.parse`, one prepared
 * statement, the next page asked for while this one is written. Nothing is validated, no remittance text is taken apart,
 * no cursor, count or run record is kept, and a list that moves loses rows. Only the login is the library's.
 */
import { DatabaseSync } from 'node:sqlite';
import { createMemoryTokenStore } from 'plumbing-core/auth';
import {
  ChallengeLedger,
  createComdirectClient,
  createComdirectTokens,
  getAccountsBalances,
  loadComdirectConfig,
} from 'plumbing-core/sources/comdirect';

const pageRows = 500;
/** As many as the SQLite destination commits at once. */
const rowsPerCommit = 2_500;

interface SentBooking {
  readonly reference: string;
  readonly bookingStatus: string;
  readonly bookingDate: string;
  readonly amount: { readonly value: string; readonly unit: string };
  readonly remitter: { readonly holderName: string } | null;
  readonly deptor: string | null;
  readonly creditor: { readonly holderName: string; readonly iban: string; readonly bic: string } | null;
  readonly valutaDate: string;
  readonly directDebitCreditorId: string | null;
  readonly directDebitMandateId: string | null;
  readonly endToEndReference: string | null;
  readonly newTransaction: boolean;
  readonly remittanceInfo: string;
  readonly transactionType: { readonly key: string; readonly text: string };
}

interface SentPage {
  readonly paging: { readonly matches: number };
  readonly values: readonly SentBooking[];
}

/** Copies all bookings into a new file. The bank's address and logins are in the environment. */
export async function bareHttp(file: string, columns: readonly string[]): Promise<number> {
  const getPage = await logIn(file);
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec(`CREATE TABLE transactions (${columns.join(', ')}, PRIMARY KEY (account_id, reference))`);
  const insert = db.prepare(
    `INSERT OR REPLACE INTO transactions VALUES (${columns.map(() => '?').join(', ')})`,
  );
  const write = (row: SentBooking, accountId: string): void => {
    insert.run(
      accountId,
      row.reference,
      row.bookingStatus,
      row.bookingDate,
      row.amount.value,
      row.amount.unit,
      row.remitter?.holderName ?? null,
      row.deptor ?? null,
      row.creditor?.holderName ?? null,
      row.creditor?.iban ?? null,
      row.creditor?.bic ?? null,
      row.valutaDate,
      row.directDebitCreditorId ?? null,
      row.directDebitMandateId ?? null,
      row.endToEndReference ?? null,
      row.newTransaction ? 1 : 0,
      row.remittanceInfo,
      row.transactionType.key,
      row.transactionType.text,
    );
  };
  let rows = 0;
  let waiting: SentBooking[] = [];
  const { accountId } = getPage;
  const commit = (): void => {
    db.exec('BEGIN IMMEDIATE');
    for (const row of waiting) write(row, accountId);
    db.exec('COMMIT');
    rows += waiting.length;
    waiting = [];
  };
  for (let first = 0, next = getPage.at(0); ;) {
    const { paging, values } = await next;
    first += pageRows;
    const isLast = first >= paging.matches;
    if (!isLast) next = getPage.at(first);
    waiting.push(...values);
    if (isLast || waiting.length >= rowsPerCommit) commit();
    if (isLast) break;
  }
  db.close();
  return rows;
}

/** Logs in through the library, and gives what asks for a page with nothing but fetch. */
async function logIn(file: string): Promise<{ accountId: string; at: (first: number) => Promise<SentPage> }> {
  const config = loadComdirectConfig();
  const tokens = createComdirectTokens({
    config,
    tokenStore: createMemoryTokenStore(),
    ledger: new ChallengeLedger(`${file}.challenges`),
    login: 'push',
  });
  const client = createComdirectClient({ config, tokens, rateLimit: { requestsPerSecond: 1_000_000 } });
  const [balance] = await getAccountsBalances(client);
  const accountId = balance?.accountId ?? '';
  const headers = {
    accept: 'application/json',
    authorization: client.currentToken()?.bearerAccessToken ?? '',
    'x-http-request-info': JSON.stringify({
      clientRequestId: { sessionId: '0'.repeat(32), requestId: '100000000' },
    }),
  };
  const url = new URL(`api/banking/v1/accounts/${accountId}/transactions`, `${config.baseUrl}/`);
  url.searchParams.set('transactionState', 'BOOKED');
  url.searchParams.set('min-bookingDate', '1970-01-01');
  url.searchParams.set('paging-count', String(pageRows));
  return {
    accountId,
    async at(first) {
      url.searchParams.set('paging-first', String(first));
      const response = await fetch(url, { headers });
      if (!response.ok) throw new Error(`the bank answered ${response.status}`);
      return (await response.json()) as SentPage;
    },
  };
}
