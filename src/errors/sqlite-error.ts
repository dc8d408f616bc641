/** Errors of SQLite and of the file system, as typed errors that say what to do. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { PlumbingError } from './plumbing-error.ts';
import type { ErrorCode } from './plumbing-error.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly text: string;
  readonly retryable?: boolean;
}

const full: Meaning = {
  code: 'DEST_FULL',
  text: 'no space is left on its disk, or where SQLite keeps temporary files; what was committed before is intact. Free some space and run again',
  retryable: true,
};
const readOnly: Meaning = {
  code: 'DEST_READ_ONLY',
  text: 'it can not be written; check the permissions of the file and of its folder',
};

const busy = 5;
const ioError = 10;

/** By primary result code; reference: sqlite.org/rescode.html. */
const meanings: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [3, readOnly],
  [
    busy,
    {
      code: 'DEST_BUSY',
      text: 'another process holds its lock; run again when that is done',
      retryable: true,
    },
  ],
  [6, { code: 'DEST_BUSY', text: 'another statement holds its lock; run again', retryable: true }],
  [8, readOnly],
  [
    11,
    { code: 'DEST_CORRUPT', text: 'the file is damaged; restore it from a backup, or load into a new file' },
  ],
  [13, full],
  [
    14,
    {
      code: 'DEST_FAILED',
      text: 'it can not be opened; check the path and the permissions of file and folder',
    },
  ],
  [
    26,
    {
      code: 'DEST_FOREIGN',
      text: 'the file is not an SQLite database; it was left as it is. Give another path',
    },
  ],
]);

const byErrno: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['EACCES', readOnly],
  ['EPERM', readOnly],
  ['EROFS', readOnly],
  ['ENOSPC', full],
  ['EDQUOT', full],
]);

/** Whether SQLite says that another process holds a lock. */
export function isBusy(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' && (errcode & 0xff) === busy;
}

/** `error` as a {@link PlumbingError} that names `path`; anything that did not come from SQLite or the file system as it is. */
export function sqliteError(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') {
    const primary = errcode & 0xff;
    const meaning = meanings.get(primary === ioError && !hasSpace(path) ? 13 : primary);
    return asError(meaning ?? { code: 'DEST_FAILED', text: error.message }, path, error, {
      sqliteCode: errcode,
    });
  }
  if ('syscall' in error && typeof code === 'string') {
    return asError(byErrno.get(code) ?? { code: 'DEST_FAILED', text: code }, path, error, { errno: code });
  }
  return error;
}

function asError(
  { code, text, retryable = false }: Meaning,
  path: string,
  cause: Error,
  context: Record<string, string | number>,
): PlumbingError {
  return new PlumbingError(code, `${path}: ${text}`, { cause, retryable, context: { path, ...context } });
}

/** SQLite reports a full disk as a mere I/O error where it grows its shared-memory file. */
function hasSpace(path: string): boolean {
  try {
    return statfsSync(dirname(path)).bavail > 0;
  } catch {
    return true;
  }
}
