/** A sandbox bank for the running test. */
import { onTestFinished } from 'vitest';
import { startComdirectSandbox } from '../../../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox, SandboxOptions } from '../../../../src/sources/comdirect/sandbox/index.ts';
import { BankClient } from './bank-client.ts';

/** A Monday morning. The clock stands still until a test moves it. */
export const start = new Date('2026-11-23T08:00:00Z');
export const balancesPath = '/api/banking/clients/user/v2/accounts/balances';

/** Starts a bank where nothing is approved by itself, and a client that is logged in only if the test asks for it. */
export async function openBank(
  options: SandboxOptions = {},
): Promise<{ bank: ComdirectSandbox; client: BankClient }> {
  const bank = await startComdirectSandbox({
    ...(options.today === undefined && { now: () => start }),
    approval: 'manual',
    ...options,
  });
  onTestFinished(() => bank.close());
  return { bank, client: new BankClient(bank) };
}
