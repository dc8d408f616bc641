/** Answers in the bank's own forms. */

/** An answer, before it is sent. */
export interface Answer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const json = { 'content-type': 'application/json;charset=utf-8' };

/** A JSON answer from JSON text. */
export function ok(body: string, status = 200, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body, headers: { ...json, ...headers } };
}

/** One message of a BusinessMessage. Placeholders stay unfilled, as the live bank leaves them. Reference: section 7.1. */
export interface Message {
  readonly key: string;
  readonly message: string;
  readonly args?: Readonly<Record<string, string | number>>;
  readonly origin?: readonly string[];
}

/** An error below `/api`. */
export function businessError(status: number, code: string, message: Message): Answer {
  const messages = [{ severity: 'ERROR', args: {}, origin: [], ...message }];
  return ok(JSON.stringify({ code, messages }), status, {
    'x-http-response-info': encodeURIComponent(JSON.stringify({ messages })),
  });
}

/** An error of the OAuth endpoints, and of bearer tokens. Reference: section 1.4. */
export function oauthError(status: number, error: string, description: string): Answer {
  return ok(JSON.stringify({ error, error_description: description }), status);
}

/** A 404 as the live bank sends it: nothing at all. Reference: quirk 37. */
export const notFound: Answer = { status: 404, body: '', headers: {} };

/** A rate limit: German, in Latin-1, without a word of it. Reference: quirk 21. */
export function tooManyRequests(retryAfter?: string): Answer {
  const body = Buffer.from('Die zulässige Anzahl an Zugriffen wurde überschritten', 'latin1');
  return {
    status: 429,
    body,
    headers: { 'content-type': 'text/plain', ...(retryAfter !== undefined && { 'retry-after': retryAfter }) },
  };
}
