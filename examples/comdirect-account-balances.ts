/** Balances by hand: fetched, written as today's snapshot, read back typed. */
import { loadSqliteConfig, readRows, writeAccountBalances } from 'plumbing-core/destinations/sqlite';
import {
  accountBalancesTable,
  authenticateUserCredentials,
  createComdirectClient,
  getAccountsBalances,
  loadComdirectConfig,
} from 'plumbing-core/sources/comdirect';

const config = loadComdirectConfig();
const accessToken = await authenticateUserCredentials(config);
const client = createComdirectClient({ config, accessToken });

const balances = await getAccountsBalances(client);
const counts = await writeAccountBalances(loadSqliteConfig(), balances);
console.log(counts.inserted, 'snapshots written');

for await (const row of readRows(loadSqliteConfig(), accountBalancesTable)) {
  console.log(row.account_type__text, row.balance__value, row.balance__unit);
}
