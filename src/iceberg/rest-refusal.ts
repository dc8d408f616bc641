/** What REST catalogs say when they refuse. */
import { HttpError, PlumbingError } from '../errors/index.ts';

/** What the server says of a refusal, in the form of Iceberg's REST or of Nessie's API. It may quote what was sent, which holds no secret. */
export function messageOf(error: HttpError): string | undefined {
  try {
    const told = JSON.parse(error.bodyText()) as { error?: { message?: unknown }; message?: unknown };
    const message = told.error?.message ?? told.message;
    return typeof message === 'string' ? message.slice(0, 300) : undefined;
  } catch {
    return undefined;
  }
}

/** A refusal as an error that says what to do: `AUTH_REJECTED` or `DEST_FAILED`. Any other error stays as it is. */
export function refusal(error: unknown): unknown {
  if (!(error instanceof HttpError)) return error;
  const { status, retryable } = error;
  const said = messageOf(error);
  const what = `${error.message}${said === undefined ? '' : `: ${said}`}`;
  if (status === 401 || status === 403)
    return new PlumbingError('AUTH_REJECTED', `${what}. Check the catalog's token and what it may do`, {
      cause: error,
    });
  return new PlumbingError('DEST_FAILED', what, { retryable, cause: error });
}
