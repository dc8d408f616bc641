/** Turns the bank's error answers into typed errors that name its codes, and nothing of an account. */
import { HttpError, isPlumbingError } from '../../errors/index.ts';
import { redact } from '../../logging/index.ts';

/** What the bank says about a refused request. */
export interface BankMessage {
  /** The HTTP status. */
  readonly status: number;
  /** `request.query.invalid`, `invalid_grant`, ...; absent for an empty body or one of another form. */
  readonly code: string | undefined;
  /** Keys of the single messages, e.g. `paging.invalid`. */
  readonly keys: readonly string[];
}

/** `error` as an HTTP error, also one of another copy of the package. */
export function asHttpError(error: unknown): HttpError | undefined {
  return isPlumbingError(error, 'HTTP_STATUS') && 'status' in error && 'bodyText' in error
    ? (error as HttpError)
    : undefined;
}

/**
 * Reads the body of an error answer: the bank's own form (`{ code, messages: [{ key }] }`) or that of OAuth
 * (`{ error }`). Message texts are left out: they quote arguments. A body that is empty, HTML or anything else gives no code.
 *
 * Reference: comdirect REST API 4/2020, section 2 (BusinessMessage).
 */
export function bankMessage(error: HttpError): BankMessage {
  const body = objectIn(error.bodyText());
  const messages = Array.isArray(body['messages']) ? (body['messages'] as unknown[]) : [];
  return {
    status: error.status,
    code: word(body['code']) ?? word(body['error']),
    keys: messages.flatMap((message) => word((message as { key?: unknown } | null)?.key) ?? []),
  };
}

/**
 * An error for a refused request, with the bank's code and keys in message and context.
 *
 * @param action what was asked, without ids, e.g. `GET api/banking/v1/accounts/{accountId}/transactions`
 */
export function refusal(action: string, error: HttpError): HttpError {
  const { status, code, keys } = bankMessage(error);
  const words = [code, ...keys].filter((word) => word !== undefined).join(', ');
  return new HttpError(`comdirect: ${action} answered ${status}${words === '' ? '' : ` (${words})`}`, {
    status,
    retryable: error.retryable,
    context: { ...error.context, status, code, key: keys[0] },
    bodyText: error.bodyText(),
  });
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Only what looks like a code and is no secret in use: other text may quote what was sent. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' &&
    /^[A-Za-z][\w.-]{1,79}$/.test(value) &&
    !/\d{5}|[\dA-Fa-f]{16}/.test(value) &&
    redact(value) === value
    ? value
    : undefined;
}
