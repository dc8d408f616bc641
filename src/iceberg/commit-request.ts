/** Sends a commit: once, or a few times under one key where the server remembers what it did under a key. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError, isPlumbingError } from '../errors/index.ts';
import { getLogger } from '../logging/index.ts';
import { messageOf, refusal } from './rest-refusal.ts';

const log = getLogger('iceberg', 'rest');
/** Longest wait that a busy server may ask for, before the commit is tried again. */
const maxRetryAfterMs = 30_000;
/** How often an unanswered commit is sent again under its key, before it is looked up. */
const maxResends = 2;
const baseDelayMs = 250;

/** Keys under which a server does a thing once, however often it is asked (`Idempotency-Key` of Iceberg's REST). */
export interface IdempotencyKeys {
  /** How long the server remembers a key. */
  readonly lifetimeMs: number;
  /** Makes a UUID of version 7. */
  readonly next: () => string;
}

/** How a commit's request ended; see `CommitResult`. */
export type CommitOutcome =
  | { readonly outcome: 'committed' }
  | { readonly outcome: 'conflict'; readonly reason: string; readonly mayBeOwn?: true }
  | { readonly outcome: 'unknown'; readonly cause: unknown };

/**
 * Sends a commit. Without keys it is sent once. With keys a commit that nobody has answered is sent again, with the same key, up to
 * twice with growing pauses, and never after the key's lifetime. Once an outcome was unknown, only a success makes it
 * known: a server that has forgotten the key, or never kept it, answers its own earlier success with a conflict.
 *
 * @throws PlumbingError for a first answer that is a refusal: `AUTH_REJECTED`, `DEST_FAILED`. Then nothing has happened.
 */
export async function sendCommit(
  send: (headers: Readonly<Record<string, string>>) => Promise<unknown>,
  keys: IdempotencyKeys | undefined,
): Promise<CommitOutcome> {
  if (!keys) return sendOnce(() => send({}));
  const headers = { 'idempotency-key': keys.next() };
  const startedMs = performance.now();
  let result = await sendOnce(() => send(headers));
  for (let resends = 0; result.outcome === 'unknown' && resends < maxResends; resends++) {
    await sleep((0.5 + Math.random() / 2) * baseDelayMs * 4 ** resends);
    if (performance.now() - startedMs >= keys.lifetimeMs) break;
    log.info('the catalog did not answer a commit; it is sent again under its key', {});
    try {
      await send(headers);
      return { outcome: 'committed' };
    } catch (cause) {
      // Not even a token that can't be had any more makes it known what became of the first try.
      result = { outcome: 'unknown', cause };
      if (!isAnswer(cause) || (cause instanceof HttpError && isFinal(cause.status))) break;
    }
  }
  return result;
}

async function sendOnce(send: () => Promise<unknown>): Promise<CommitOutcome> {
  try {
    await send();
    return { outcome: 'committed' };
  } catch (error) {
    if (!isAnswer(error)) throw error;
    if (!(error instanceof HttpError)) return { outcome: 'unknown', cause: error };
    const { status, context } = error;
    if (status === 409)
      return {
        outcome: 'conflict',
        reason: messageOf(error) ?? 'another commit came first',
        mayBeOwn: true,
      };
    if (status === 429) {
      await sleep(Math.min(Number(context['retryAfterMs'] ?? 1_000), maxRetryAfterMs));
      return { outcome: 'conflict', reason: 'the catalog is busy (429)' };
    }
    if (isFinal(status)) throw refusal(error);
    return { outcome: 'unknown', cause: error };
  }
}

/** Whether an error is what became of a request, not of the making of it. Who redirects has done nothing. */
export function isAnswer(error: unknown): boolean {
  return isPlumbingError(error) && /^(HTTP_(?!REDIRECT)|LIMIT_EXCEEDED)/.test(error.code);
}

/** Whether the same request would be answered alike. */
function isFinal(status: number): boolean {
  return status < 500 && status !== 408 && status !== 429;
}

/** An ISO 8601 duration of days, hours, minutes and seconds in milliseconds; `undefined` for anything else, and for none at all. */
export function durationMs(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text);
  if (!match) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part: string | undefined) => Number(part ?? 0));
  const ms = ((((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1_000;
  return ms > 0 ? ms : undefined;
}
