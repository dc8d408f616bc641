/**
 * The error type of the whole package. Knows nothing of any other layer.
 */

/** Every code a {@link PlumbingError} can carry. Match on this, never on message text. */
export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'HTTP_STATUS'
  | 'HTTP_NETWORK'
  | 'HTTP_TIMEOUT'
  | 'HTTP_BAD_BODY'
  | 'HTTP_REDIRECT'
  | 'LINK_ORIGIN'
  | 'LIMIT_EXCEEDED'
  | 'PAGINATION_LOOP'
  | 'AUTH_REJECTED'
  | 'AUTH_EXPIRED'
  | 'AUTH_NEEDS_PERSON'
  | 'AUTH_CHALLENGE_LIMIT'
  | 'AUTH_CHALLENGE_FAILED'
  | 'TOKEN_STORE_CORRUPT'
  | 'TOKEN_STORE_UNSAFE'
  | 'LOCK_TIMEOUT'
  | 'SCHEMA_INVALID'
  | 'SCHEMA_DRIFT'
  | 'ROW_INVALID'
  | 'STATE_CORRUPT'
  | 'DEST_BUSY'
  | 'DEST_FULL'
  | 'DEST_CORRUPT'
  | 'DEST_FOREIGN'
  | 'DEST_READ_ONLY'
  | 'DEST_FAILED'
  | 'COMMIT_CONFLICT'
  | 'COMMIT_UNKNOWN'
  | 'CHECK_FAILED'
  | 'UNDO_REFUSED'
  | 'SOURCE_FAILED'
  | 'QUERY_FAILED'
  | 'OPTIONAL_PEER_MISSING';

/** Plain values that are safe to log: no secrets, no account numbers, no row data. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** What a {@link PlumbingError} is made of, beside its code and message. */
export interface PlumbingErrorOptions {
  /** `true` when the same call may succeed later without a change by a person. Default `false`. */
  readonly retryable?: boolean;
  /** Safe facts for logs and reports. */
  readonly context?: ErrorContext;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * An error with a stable `code`. The message says what failed, where, and what to do.
 *
 * `retryable` is decided where the error is thrown; nothing later looks at the message.
 * Neither message nor `context` ever holds a secret, a token, an account number or row data.
 *
 * @example
 * ```ts
 * try {
 *   await run(pipeline);
 * } catch (error) {
 *   if (isPlumbingError(error, 'AUTH_NEEDS_PERSON')) process.exitCode = 3;
 *   else throw error;
 * }
 * ```
 */
export class PlumbingError extends Error {
  override readonly name: string = 'PlumbingError';
  /** The stable code. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Safe facts for logs and reports. */
  readonly context: ErrorContext;

  constructor(code: ErrorCode, message: string, options: PlumbingErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.context = options.context ?? {};
  }

  /** The error as plain JSON, without stack and cause. */
  toJSON(): { name: string; code: ErrorCode; message: string; retryable: boolean; context: ErrorContext } {
    return {
      name: this.name,
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      context: this.context,
    };
  }
}

/** An HTTP answer whose status was not accepted. */
export class HttpError extends PlumbingError {
  override readonly name = 'HttpError' as const;
  /** The HTTP status, e.g. `429`. */
  readonly status: number;
  readonly #bodyText: string;

  constructor(
    message: string,
    options: PlumbingErrorOptions & { readonly status: number; readonly bodyText?: string },
  ) {
    super('HTTP_STATUS', message, options);
    this.status = options.status;
    this.#bodyText = options.bodyText ?? '';
  }

  /** The answer's body as text (at most 64 KiB). A method, so that no log or `inspect` prints it. */
  bodyText(): string {
    return this.#bodyText;
  }
}

/**
 * Whether `error` is a {@link PlumbingError}, optionally of one of the given codes.
 * Works across copies of the package (it does not use `instanceof` alone).
 */
export function isPlumbingError(error: unknown, ...codes: ErrorCode[]): error is PlumbingError {
  if (!(error instanceof Error)) return false;
  const candidate = error as Partial<PlumbingError>;
  if (typeof candidate.code !== 'string' || typeof candidate.retryable !== 'boolean') return false;
  return codes.length === 0 || codes.includes(candidate.code);
}
