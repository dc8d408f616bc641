/** The bank comdirect: login with PIN and TAN, accounts, transactions, and the source over them. */
export { comdirect } from './source.ts';
export type { ComdirectOptions } from './source.ts';
export { loadComdirectConfig } from './config.ts';
export type { ComdirectConfig } from './config.ts';
export { authenticateUserCredentials } from './login.ts';
export type { LoginOptions, OnChallenge } from './login-session.ts';
export type { Challenge, TanMethod } from './challenge.ts';
export { ChallengeLedger } from './challenge-ledger.ts';
export type { ChallengeCounts } from './challenge-ledger.ts';
export { AccessToken } from './access-token.ts';
export type { AccessTokenJson } from './access-token.ts';
export { refreshToken, revokeToken } from './oauth.ts';
export type { CallOptions, HttpOverrides } from './oauth.ts';
export { comdirectTokenStore, createComdirectTokens } from './tokens.ts';
export type { ComdirectTokensOptions, LoginPolicy } from './tokens.ts';
export { getSessionId } from './request-info.ts';
export { createComdirectClient } from './client.ts';
export type { BankRequest, ComdirectClient, ComdirectClientOptions } from './client.ts';
export { getAccountBalance, getAccountsBalances } from './accounts.ts';
export { getTransactionDataPaginated } from './transactions.ts';
export type { TransactionQuery } from './transactions.ts';
export type { Account, AccountBalance, AccountTransaction, AmountValue } from './schemas.ts';
export { parseRemittance } from './remittance.ts';
export type { Remittance } from './remittance.ts';
export {
  accountBalancesSchema,
  accountBalancesTable,
  accountTransactionsBookedSchema,
  accountTransactionsBookedTable,
  accountTransactionsNotBookedSchema,
  accountTransactionsNotBookedTable,
  toAccountBalanceRow,
  toTransactionRow,
} from './tables.ts';
export type {
  AccountBalanceRow,
  AccountTransactionBookedRow,
  AccountTransactionNotBookedRow,
} from './tables.ts';
