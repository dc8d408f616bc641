/** Logs that outlived their SQLite file. */
import { existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { PlumbingError } from '../errors/index.ts';

/**
 * To be called before a file is made that is not there. SQLite would take a log that lies beside it, of a file of the same
 * name, for the new one's own and play it into it. `path` names the file in the error.
 *
 * @throws PlumbingError `DEST_FOREIGN` when there is one.
 */
export function requireNoLeftLog(file: string, path: string): void {
  const left = ['-wal', '-journal']
    .map((suffix) => file + suffix)
    .filter((log) => (statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 0);
  // A file that another process has made meanwhile has a log of its own.
  if (left.length === 0 || existsSync(file)) return;
  const names = left.map((log) => basename(log)).join(', ');
  throw new PlumbingError(
    'DEST_FOREIGN',
    `${path}: the file is not there, but its log is (${names}), which may hold committed rows. Put the file back beside it, or, to begin anew, delete the log and ${basename(file)}-shm as well`,
  );
}
