/** Errors of the file system, as typed errors that say what to do. */
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import type { ErrorCode } from '../errors/index.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly text: string;
  readonly retryable?: boolean;
}

const readOnly: Meaning = {
  code: 'DEST_READ_ONLY',
  text: 'it may not be accessed like this; check the permissions of file and folder, and whether the disk is read-only',
};
const full = (what: string): Meaning => ({
  code: 'DEST_FULL',
  text: `${what}; what was written before is intact. Free some space and run again`,
  retryable: true,
});
const exists: Meaning = {
  code: 'COMMIT_CONFLICT',
  text: 'it exists already and was left as it is; another writer was faster',
};
const absent: Meaning = {
  code: 'DEST_CORRUPT',
  text: 'it is not there, though the table points to it; restore it from a backup',
};

const byErrno: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['EACCES', readOnly],
  ['EPERM', readOnly],
  ['EROFS', readOnly],
  ['ENOSPC', full('no space is left on the disk')],
  ['EDQUOT', full('the disk quota is used up')],
  ['EFBIG', full('it is larger than a file may be here')],
]);

/** The system's word for what went wrong, e.g. `ENOSPC`; `unknown` when it says none. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown';
}

/** Whether an error says that there is no such file. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error));
}

/** What was done when an error came up; `name` is giving a finished file its name. */
export type FileStep = 'read' | 'write' | 'name' | 'list';

/** `error` of the file system as a {@link PlumbingError} that names `location`; a {@link PlumbingError} as it is. */
export function localError(error: unknown, location: string, doing: FileStep): PlumbingError {
  if (isPlumbingError(error)) return error;
  const errno = errnoOf(error);
  const { code, text, retryable = false } = meaningOf(error, errno, doing);
  const context = { location, errno };
  return new PlumbingError(code, `${location}: ${text}`, { retryable, context, cause: error });
}

function meaningOf(error: unknown, errno: string, doing: FileStep): Meaning {
  if (doing === 'read' && isAbsent(error)) return absent;
  if (doing === 'name' && errno === 'EEXIST') return exists;
  return byErrno.get(errno) ?? { code: 'DEST_FAILED', text: `the file system says ${errno}; check the path` };
}
