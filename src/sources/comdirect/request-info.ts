/** The header by which the bank tells requests of one session apart. */
import { randomBytes, randomInt } from 'node:crypto';

/**
 * A new session id: 32 hexadecimal characters. Chosen by the client, kept for one session.
 *
 * Source: reference: comdirect REST API 4/2020, section 2 (x-http-request-info).
 */
export function getSessionId(): string {
  return randomBytes(16).toString('hex');
}

const requestIds = 1_000_000_000;

/**
 * Makes the headers of the requests of one session: each call gives a request id of nine digits that no earlier call
 * gave.
 */
export function requestInfo(sessionId: string): () => { readonly 'x-http-request-info': string } {
  let next = randomInt(requestIds);
  return () => {
    const requestId = String(next).padStart(9, '0');
    next = (next + 1) % requestIds;
    return { 'x-http-request-info': JSON.stringify({ clientRequestId: { sessionId, requestId } }) };
  };
}
