/** The person at the terminal: who may be asked, and how. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Interface } from 'node:readline/promises';
import { PlumbingError } from '../errors/index.ts';
import { untilAborted } from '../model/until-aborted.ts';
import type { Challenge, LoginPolicy, OnChallenge, TanMethod } from '../sources/comdirect/index.ts';

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * How a command may start a login by itself. `auto` asks where a person is near, and lets the phone approve it for a bank on
 * this machine: a sandbox can't lock anyone out. Without a terminal nobody could answer another TAN than a push.
 */
export function loginPolicy(how: 'auto' | 'never' | 'push', baseUrl: string): LoginPolicy {
  if (how !== 'auto') return how;
  if (process.stdin.isTTY) return 'interactive';
  return loopback.test(new URL(baseUrl).hostname) ? 'push' : 'never';
}

/**
 * The TAN method of a login that a person has started.
 *
 * @throws PlumbingError `AUTH_NEEDS_PERSON` without a terminal for any but the push TAN: before the bank sends one.
 */
export function tanMethodOf(wanted: TanMethod | undefined): TanMethod | undefined {
  if (process.stdin.isTTY || wanted === 'P_TAN_PUSH') return wanted;
  if (wanted === undefined) return 'P_TAN_PUSH';
  throw needsTerminal();
}

function needsTerminal(): PlumbingError {
  return new PlumbingError(
    'AUTH_NEEDS_PERSON',
    'comdirect: this TAN needs somebody at a terminal; run: plumbing auth comdirect login',
  );
}

/** Shows challenges on standard error, and asks for what the person has to give, until `signal` aborts. */
export function askPerson(signal: AbortSignal): OnChallenge {
  return (challenge) => ask(challenge, signal);
}

async function ask(challenge: Challenge, signal: AbortSignal): Promise<string | void> {
  const { action, image, phoneNumber } = challenge;
  if (action === 'approve') {
    process.stderr.write('Please approve the login in the photoTAN app; waiting ...\n');
    return;
  }
  if (!process.stdin.isTTY) throw needsTerminal();
  const file = image && (await privateFile(image));
  if (file !== undefined) process.stderr.write(`The photoTAN graphic is in ${file}; scan it with the app.\n`);
  if (phoneNumber !== undefined) process.stderr.write(`A TAN was sent to ${phoneNumber}.\n`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // The terminal keeps Ctrl-C to itself while it asks.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    if (action === 'tan') return (await answerOf(terminal, 'TAN: ', signal)).trim();
    await answerOf(terminal, 'Approve the login in the app, then press Enter. ', signal);
  } finally {
    terminal.close();
    if (file !== undefined) await rm(dirname(file), { recursive: true });
  }
}

/** What the person types. A terminal that is closed (Ctrl-D) is no answer, and no approval. */
async function answerOf(terminal: Interface, prompt: string, signal: AbortSignal): Promise<string> {
  const closed = new AbortController();
  terminal.once('close', () => closed.abort());
  try {
    return await untilAborted(terminal.question(prompt), AbortSignal.any([signal, closed.signal]));
  } catch {
    signal.throwIfAborted();
    throw new PlumbingError(
      'AUTH_CHALLENGE_FAILED',
      'comdirect: nobody answered, so nothing was sent; the challenge stays open at the bank and counts',
    );
  }
}

/** A file of mode 0600 in a folder of mode 0700 of its own. */
async function privateFile(image: Uint8Array): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'plumbing-tan-')), 'photo-tan.png');
  await writeFile(path, image, { mode: 0o600, flag: 'wx' });
  return path;
}
