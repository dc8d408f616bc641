/** Commits several tables at once, again and again when others come first, and looks up what nobody answered. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbingError } from '../../errors/index.ts';
import { failpoint } from '../../failpoints/index.ts';
import type { LoadedTable, TableCommit } from '../../iceberg/catalog.ts';
import type { Lakehouse } from './lakehouse.ts';

/** A commit that is ready for one try. */
export interface PreparedCommit {
  readonly commits: readonly TableCommit[];
  /** Removes the files of this try. */
  readonly discard: () => Promise<void>;
}

/** What a commit is made of. */
export interface CommitPlan {
  /**
   * Makes the commit, on top of what was seen last, or of what the catalog shows now (`isRetry`). `token` marks it, so that it
   * can be found.
   */
  readonly prepare: (token: string, isRetry: boolean) => Promise<PreparedCommit>;
  /** Whether the commit of the token is in the catalog. */
  readonly isThere: (token: string) => Promise<boolean>;
}

/** How long a commit of unknown outcome may still come late. */
const settleMs = 1_000;

/**
 * Runs a plan until it is committed.
 *
 * @returns the tables as they are now.
 * @throws PlumbingError `COMMIT_CONFLICT` (retryable) when others come first each time; `COMMIT_UNKNOWN` when the outcome can't be
 * looked up either. Nothing of a failed try is left behind; nothing is removed while the outcome is unknown.
 */
export async function commitTables(
  house: Lakehouse,
  plan: CommitPlan,
  signal: AbortSignal,
): Promise<readonly LoadedTable[]> {
  const token = randomUUID();
  const { commitTries } = house.options;
  let isUncertain = false;
  for (let tries = 1; ; tries++) {
    const { commits, discard } = await plan.prepare(token, tries > 1);
    if (commits.length === 0) return [];
    let result;
    try {
      result = await house.catalog.commit(commits);
    } catch (error) {
      // Thrown, not returned: it has certainly not happened.
      await discard();
      throw error;
    }
    if (result.outcome === 'committed') {
      failpoint('iceberg.committed');
      return result.tables;
    }
    if (result.outcome === 'unknown') {
      await sleep(settleMs);
      if (await isThere(house, plan, token, result.cause)) return reload(house, commits);
      // It may come late: its files must stay, and the same conditions keep a second one from succeeding beside it.
      isUncertain = true;
    } else {
      await discard();
      // What came first may be our own earlier try.
      if (isUncertain && (await isThere(house, plan, token, result.reason))) return reload(house, commits);
    }
    if (tries >= commitTries) {
      throw new PlumbingError(
        result.outcome === 'unknown' ? 'COMMIT_UNKNOWN' : 'COMMIT_CONFLICT',
        `${house.path}: ${result.outcome === 'unknown' ? 'the catalog does not answer' : result.reason}, ${tries} times in a row; run again`,
        { retryable: true },
      );
    }
    // Not waited for by who is about to give up: what is left to do then is to note that.
    if (!signal.aborted) await sleep(Math.random() * Math.min(20 * 2 ** tries, 2_000));
  }
}

async function isThere(house: Lakehouse, plan: CommitPlan, token: string, cause: unknown): Promise<boolean> {
  try {
    return await plan.isThere(token);
  } catch {
    throw new PlumbingError(
      'COMMIT_UNKNOWN',
      `${house.path}: the catalog did not answer a commit, and can not be asked about it; it may have happened. Run again: what is there will not be loaded twice`,
      { retryable: true, cause },
    );
  }
}

async function reload(house: Lakehouse, commits: readonly TableCommit[]): Promise<LoadedTable[]> {
  const tables: LoadedTable[] = [];
  for (const { identifier } of commits) {
    const table = await house.catalog.loadTable(identifier);
    if (table) tables.push(table);
  }
  return tables;
}
