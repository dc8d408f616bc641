import { PlumbingError } from '../errors/index.ts';
import type { Commit } from '../model/index.ts';

/** Turns any outcome but `committed` into its error. */
export function requireCommitted(commit: Commit, what: string): void {
  if (commit.outcome === 'conflict') {
    throw new PlumbingError('COMMIT_CONFLICT', `${what}: another writer committed first; run again`, {
      retryable: true,
    });
  }
  if (commit.outcome === 'unknown') {
    throw new PlumbingError(
      'COMMIT_UNKNOWN',
      `${what}: the destination did not say whether the commit happened; the next run looks it up and goes on from there`,
    );
  }
}
