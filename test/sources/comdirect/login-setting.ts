/** A scripted bank, and options for a login there that counts in a file of its own and waits for nobody. */
import type { LoginOptions } from '../../../src/sources/comdirect/index.ts';
import { instantClock, startScriptedBank, temporaryLedger } from './scripted-bank.ts';
import type { Reply, Script, ScriptedBank } from './scripted-bank.ts';

/** The requests of a login, in order, as `ScriptedBank.calls` names them. */
export const steps = {
  pin: 'POST /oauth/token',
  sessions: 'GET /api/session/clients/user/v1/sessions',
  validate: 'POST /api/session/clients/user/v1/sessions/{id}/validate',
  poll: 'GET /api/session/v1/authentications/{id}',
  patch: 'PATCH /api/session/clients/user/v1/sessions/{id}',
} as const;

/** Starts a bank for the running test. */
export async function start(
  script?: Script,
): Promise<{ bank: ScriptedBank; options: LoginOptions & Required<Pick<LoginOptions, 'ledger'>> }> {
  const bank = await startScriptedBank(script);
  return { bank, options: { ledger: await temporaryLedger(bank.config), http: { clock: instantClock() } } };
}

/** A refusal in the bank's own form. */
export function refuse(
  status: number,
  json: unknown = { code: 'request.object.invalid', messages: [] },
): Reply {
  return { status, json };
}
