/** What a command with `--json` prints when it fails. */
import { isPlumbingError } from '../errors/index.ts';
import type { ErrorCode } from '../errors/index.ts';
import { redact } from '../logging/index.ts';
import { Interrupted } from './exit-codes.ts';

/** The one JSON document of a command that failed. Errors look as they do in a run report. */
export interface Failure {
  readonly status: 'failed';
  readonly error: {
    /** `INTERRUPTED` by a signal of the system; `UNEXPECTED` for what has no code of this library. */
    readonly code: ErrorCode | 'INTERRUPTED' | 'UNEXPECTED';
    readonly message: string;
    readonly retryable: boolean;
  };
}

/** The document for `error`, redacted. */
export function failureOf(error: unknown): Failure {
  const message = redact(error instanceof Error ? error.message : String(error));
  if (error instanceof Interrupted) {
    return { status: 'failed', error: { code: 'INTERRUPTED', message, retryable: true } };
  }
  return {
    status: 'failed',
    error: isPlumbingError(error)
      ? { code: error.code, message, retryable: error.retryable }
      : { code: 'UNEXPECTED', message, retryable: false },
  };
}
