/** Accounts and their balances. Reference: comdirect REST API 4/2020, sections 4.1.1 and 4.1.2. */
import { z } from 'zod';
import { PlumbingError } from '../../errors/index.ts';
import { clientOf } from './client.ts';
import type { ComdirectClient, ComdirectClientOptions } from './client.ts';
import { accountBalanceSchema, listSchema } from './schemas.ts';
import type { AccountBalance } from './schemas.ts';

const balancesRoute = 'api/banking/clients/user/v2/accounts/balances';
const balanceRoute = 'api/banking/v2/accounts/{accountId}/balances';

/**
 * The balances of all accounts (credit cards are not among them).
 *
 * @param bank a client, or its options (then a client is made for this one call)
 * @throws PlumbingError `ROW_INVALID` when a balance is not as documented, and the errors of `ComdirectClient.get`.
 *
 * @example
 * ```ts
 * for (const { account, balance } of await getAccountsBalances(client)) console.log(account?.iban, balance.value);
 * ```
 */
export async function getAccountsBalances(
  bank: ComdirectClient | ComdirectClientOptions,
  options: { readonly signal?: AbortSignal } = {},
): Promise<readonly AccountBalance[]> {
  const balances = await readBalances(clientOf(bank), options.signal);
  return parseRows(accountBalanceSchema, balances, 'account balance');
}

/**
 * The balance of one account.
 *
 * @throws PlumbingError `HTTP_STATUS` with status 404 for an unknown account; else as {@link getAccountsBalances}.
 */
export async function getAccountBalance(
  bank: ComdirectClient | ComdirectClientOptions,
  accountId: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<AccountBalance> {
  const balance = await clientOf(bank).get(balanceRoute, { params: { accountId }, signal: options.signal });
  return parseRows(accountBalanceSchema, [balance], 'account balance')[0] as AccountBalance;
}

/** All balances as the bank sends them. */
export async function readBalances(
  client: ComdirectClient,
  signal?: AbortSignal,
): Promise<readonly unknown[]> {
  const { values, matches } = listOf(await client.get(balancesRoute, { signal }), balancesRoute);
  if (matches !== undefined && matches > values.length) {
    throw new PlumbingError(
      'LIMIT_EXCEEDED',
      `comdirect: GET ${balancesRoute} gives ${values.length} of ${matches} accounts, and the bank documents no way to get the rest`,
      { context: { matches, read: values.length } },
    );
  }
  return values;
}

/** Rows and total of a list answer. */
export function listOf(
  body: unknown,
  route: string,
): { readonly values: readonly unknown[]; readonly matches: number | undefined } {
  const parsed = listSchema.safeParse(body);
  if (!parsed.success) {
    throw new PlumbingError('HTTP_BAD_BODY', `comdirect: GET ${route} answered something other than a list`);
  }
  return { values: parsed.data.values, matches: parsed.data.paging?.matches ?? undefined };
}

/** Rows by their schema. The error names fields, never values. */
export function parseRows<S extends z.ZodType>(
  schema: S,
  rows: readonly unknown[],
  what: string,
): readonly z.output<S>[] {
  return rows.map((row, index) => {
    const parsed = schema.safeParse(row);
    if (parsed.success) return parsed.data;
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new PlumbingError(
      'ROW_INVALID',
      `comdirect: ${what} ${index} of the answer is not as documented: ${issues.join('; ')}`,
    );
  });
}
