/** `plumbing auth comdirect login|status|refresh|keep-alive|logout|reset-challenges`. */
import { setTimeout as delay } from 'node:timers/promises';
import { Option } from 'commander';
import type { Command } from 'commander';
import { PlumbingError } from '../errors/index.ts';
import type { TokenStore } from '../auth/index.ts';
import type { AccessToken, ComdirectConfig } from '../sources/comdirect/index.ts';
import { exitCodes } from './exit-codes.ts';

type Comdirect = typeof import('../sources/comdirect/index.ts');

/** What each subcommand works with. */
interface Context {
  readonly bank: Comdirect;
  readonly config: ComdirectConfig;
  readonly store: TokenStore;
  readonly signal: AbortSignal;
}

/** Seconds before its end at which `keep-alive` refreshes a token; half its life for one that lives shorter than twice that. */
const bufferSeconds = 120;
/** The life of a token of which the bank says nothing usable. */
const assumedSeconds = 300;
/** Longest wait of `keep-alive`: timers do not reach further than 24 days, and the clock may have been set meanwhile. */
const maxWaitMs = 60_000;
/** Pause of `keep-alive` after a failure that may pass. */
const retryMs = 5_000;

/** Adds the subcommands. */
export function addAuthCommand(program: Command, signal: AbortSignal): void {
  const group = program
    .command('auth')
    .summary('log in, and keep a login alive')
    .command('comdirect')
    .description(
      'The login of the bank: PIN from the environment, TAN from a person, token in an encrypted file.',
    );
  const add = (
    name: string,
    summary: string,
    work: (context: Context, flags: { tanMethod?: string }) => Promise<void>,
  ): Command =>
    group
      .command(name)
      .description(summary)
      .addHelpText('after', `\nExample:\n  $ plumbing auth comdirect ${name}`)
      .action(async (flags: { tanMethod?: string }) => work(await contextOf(signal), flags));

  add('login', 'Log in with PIN and TAN. Needs a person, once.', login).addOption(
    new Option('--tan-method <method>', 'default: your favourite at the bank')
      .choices(['P_TAN_PUSH', 'P_TAN', 'M_TAN'])
      .env('PLUMBING_TAN_METHOD'),
  );
  add('status', 'Show whether a token is stored and how long it lives. Sends nothing.', status);
  add('refresh', 'Replace the stored token by a new one.', refresh);
  add('keep-alive', 'Refresh the token before it dies, until stopped.', keepAlive);
  add('logout', 'Revoke the token at the bank and forget it.', logout);
  add(
    'reset-challenges',
    'Forget the count of open TAN challenges, after one was confirmed on the bank’s own pages, and refused credentials.',
    async ({ bank, config }) => {
      await bank.ChallengeLedger.of(config).reset();
      process.stdout.write('The count of open challenges is 0 again.\n');
    },
  );
}

async function contextOf(signal: AbortSignal): Promise<Context> {
  const bank = await import('../sources/comdirect/index.ts');
  const config = bank.loadComdirectConfig(process.env);
  return { bank, config, store: bank.comdirectTokenStore(config), signal };
}

async function login({ bank, config, store, signal }: Context, flags: { tanMethod?: string }): Promise<void> {
  const { askPerson, tanMethodOf } = await import('./challenge.ts');
  const tanMethod = tanMethodOf(flags.tanMethod);
  const token = await store.withLock(async () => {
    await store.requireWritable?.();
    const fresh = await bank.authenticateUserCredentials(config, {
      onChallenge: askPerson(signal),
      signal,
      ...(tanMethod !== undefined && { tanMethod }),
    });
    // Without this a stored token that claims to be newer (a clock was set back) would stay.
    await store.clear();
    await store.write(fresh.toJSON());
    return fresh;
  }, signal);
  process.stdout.write(`Logged in; the token is valid ${validity(token)}.\n`);
}

async function status({ bank, config, store }: Context): Promise<void> {
  const token = await stored(bank, store);
  const counts = await bank.ChallengeLedger.of(config).counts();
  process.stdout.write(
    token
      ? `A token is stored, valid ${validity(token)}.\n`
      : 'No token is stored; run: plumbing auth comdirect login\n',
  );
  process.stdout.write(`Open TAN challenges: ${counts.challenges}.\n`);
  process.exitCode = token ? exitCodes.done : exitCodes.needsPerson;
}

async function refresh({ bank, config, store, signal }: Context): Promise<void> {
  const token = await needed(bank, store);
  const fresh = await keeperOf(bank, config, store).replace(token.toJSON(), signal);
  process.stdout.write(`Refreshed; the token is valid ${validity(bank.AccessToken.fromJSON(fresh))}.\n`);
}

async function keepAlive({ bank, config, store, signal }: Context): Promise<void> {
  const keeper = keeperOf(bank, config, store);
  let token = await needed(bank, store);
  while (!signal.aborted) {
    if (Date.now() >= dueMs(token)) {
      try {
        token = bank.AccessToken.fromJSON(await keeper.replace(token.toJSON(), signal));
      } catch (error) {
        // Being told to stop is no failure; a refresh that is under way still ends in the store.
        if (signal.aborted) return;
        await waitAfter(error, signal);
        continue;
      }
      process.stdout.write(`Refreshed; the token is valid ${validity(token)}.\n`);
    }
    // A token that is born short-lived must not make this loop spin.
    const waitMs = Math.min(Math.max(dueMs(token) - Date.now(), 1000), maxWaitMs);
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
    token = (await stored(bank, store)) ?? token;
  }
}

/**
 * Waits after an error that may be gone in a moment: the refresh token lives for some twenty minutes more, and to give up
 * would cost a TAN. In the end the bank refuses it. Throws any other error.
 */
async function waitAfter(failure: unknown, signal: AbortSignal): Promise<void> {
  if (!(failure instanceof PlumbingError) || !failure.retryable) throw failure;
  const { redact } = await import('../logging/index.ts');
  process.stderr.write(`plumbing: ${failure.code}: ${redact(failure.message)}; trying again\n`);
  await delay(retryMs, undefined, { signal }).catch(() => undefined);
}

/** When `keep-alive` refreshes the token. */
function dueMs({ issuedAtMs, expiresIn }: AccessToken): number {
  const seconds = expiresIn === 0 ? assumedSeconds : expiresIn;
  return issuedAtMs + (seconds - Math.min(bufferSeconds, seconds / 2)) * 1000;
}

async function logout({ bank, config, store, signal }: Context): Promise<void> {
  // Under the lock: a refresh that is under way would store a token that nobody revokes.
  const token = await store.withLock(async () => {
    const found = await stored(bank, store);
    try {
      if (found) await endSession(bank, config, found, signal);
    } finally {
      await store.clear();
    }
    return found;
  }, signal);
  process.stdout.write(token ? 'Logged out.\n' : 'There was no token.\n');
}

/** A session outlives its access token by the refresh token, which only a valid access token can revoke. */
async function endSession(
  bank: Comdirect,
  config: ComdirectConfig,
  token: AccessToken,
  signal: AbortSignal,
): Promise<void> {
  if (await bank.revokeToken(config, token, { signal })) return;
  try {
    await bank.revokeToken(config, await bank.refreshToken(config, token, { signal }), { signal });
  } catch (error) {
    if (!(error instanceof PlumbingError) || error.code !== 'AUTH_EXPIRED') throw error;
  }
}

function keeperOf(
  bank: Comdirect,
  config: ComdirectConfig,
  store: TokenStore,
): ReturnType<Comdirect['createComdirectTokens']> {
  return bank.createComdirectTokens({ config, tokenStore: store, login: 'never' });
}

async function stored(bank: Comdirect, store: TokenStore): Promise<AccessToken | undefined> {
  const json = await store.read();
  return json && bank.AccessToken.fromJSON(json);
}

async function needed(bank: Comdirect, store: TokenStore): Promise<AccessToken> {
  const token = await stored(bank, store);
  if (token) return token;
  throw new PlumbingError('AUTH_NEEDS_PERSON', 'no token is stored; run: plumbing auth comdirect login');
}

function validity(token: AccessToken): string {
  const seconds = Math.round((token.expiresAtMs - Date.now()) / 1000);
  return seconds > 0 ? `for ${seconds} s, and can be refreshed` : 'no longer, but may still be refreshed';
}
