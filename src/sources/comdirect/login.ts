/** The login with PIN and TAN. */
import { PlumbingError, isPlumbingError } from '../../errors/index.ts';
import { getLogger } from '../../logging/index.ts';
import type { AccessToken } from './access-token.ts';
import type { TanMethod } from './challenge.ts';
import { ChallengeLedger } from './challenge-ledger.ts';
import type { ComdirectConfig } from './config.ts';
import { LoginSession, needsPerson } from './login-session.ts';
import type { LoginOptions } from './login-session.ts';

const log = getLogger('comdirect', 'login');

/**
 * Logs in with PIN and TAN and gives a token for all read endpoints.
 *
 * Every step that changes something at the bank is sent exactly once: a PIN, a request for a challenge and a TAN are
 * never repeated, whatever happens. Challenges are counted on disk before they are requested; the login is refused
 * before anything is sent when too many are open, or when the bank has refused the same credentials before. The TAN is confirmed to the bank only after the person approved.
 *
 * @throws PlumbingError `AUTH_CHALLENGE_LIMIT` before any request; `AUTH_NEEDS_PERSON` when the method needs
 * `onChallenge`; `AUTH_REJECTED` for wrong credentials; `AUTH_CHALLENGE_FAILED` for a TAN that was wrong, refused or too
 * late; errors of the HTTP client; `signal.reason` when aborted.
 *
 * @example
 * ```ts
 * const token = await authenticateUserCredentials(loadComdirectConfig(), {
 *   onChallenge: async ({ action, type }) => {
 *     if (action === 'tan') return promptForTan();
 *     console.log(`Please approve the ${type} in the app.`);
 *   },
 * });
 * ```
 */
export async function authenticateUserCredentials(
  config: ComdirectConfig,
  options: LoginOptions = {},
): Promise<AccessToken> {
  const { onChallenge, signal } = options;
  const method = options.tanMethod ?? (onChallenge ? undefined : 'P_TAN_PUSH');
  if (!onChallenge && method !== 'P_TAN_PUSH') throw needsPerson(method);
  signal?.throwIfAborted();
  const ledger = options.ledger ?? ChallengeLedger.of(config);
  await ledger.check();
  await ledger.checkCredentials(config);
  try {
    return await fiveSteps(new LoginSession(config, options), { config, ledger, method, signal });
  } catch (error) {
    throw final(error);
  }
}

interface Login {
  readonly config: ComdirectConfig;
  readonly ledger: ChallengeLedger;
  readonly method: TanMethod | undefined;
  readonly signal: AbortSignal | undefined;
}

async function fiveSteps(
  login: LoginSession,
  { config, ledger, method, signal }: Login,
): Promise<AccessToken> {
  const token = await sendPin(login, config, ledger);
  const session = await login.readSession(token);
  await ledger.takeChallenge(signal);
  const pending = await login.requestChallenge(token, session, method);
  const tan = await login.waitForPerson(token, pending, ledger);
  await login.activate(token, session, pending, tan);
  const second = await login.secondToken(token);
  // Only now is it sure that the TAN was accepted, and that the bank's own count is back to none: any page may answer with
  // a status of success. A count that is too high here does no harm.
  await ledger.reset().catch(() => log.warning('the count of TAN challenges could not be reset'));
  return second;
}

/** Statuses that speak of the credentials, and not of the address. */
const refusals: ReadonlySet<unknown> = new Set([400, 401, 403]);

/** A refused PIN is noted before anybody is told of it: no other run may send it again. */
async function sendPin(
  login: LoginSession,
  config: ComdirectConfig,
  ledger: ChallengeLedger,
): Promise<AccessToken> {
  try {
    return await login.sendPin();
  } catch (error) {
    const isRefusal = isPlumbingError(error, 'AUTH_REJECTED') && refusals.has(error.context['status']);
    if (isRefusal)
      await ledger.noteRefused(config).catch(() => log.warning('the refusal could not be noted'));
    throw error;
  }
}

/** No part of a login may be repeated by a machine, so no error of it says that it may. */
function final(error: unknown): unknown {
  if (!isPlumbingError(error) || !error.retryable) return error;
  return new PlumbingError(error.code, `${error.message}; a login is never repeated by itself`, {
    context: error.context,
    cause: error,
  });
}
