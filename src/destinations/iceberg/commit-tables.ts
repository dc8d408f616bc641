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
export interface CommitPlan<P extends PreparedCommit> {
  /**
   * Makes the commit, on top of what was seen last, or of what the catalog shows now (`isRetry`). `token` marks this try, so that it
   * can be found.
   */
  readonly prepare: (token: string, isRetry: boolean) => Promise<P>;
  /** Whether the commit of the token is in the catalog. */
  readonly isThere: (token: string) => Promise<boolean>;
}

/** A commit that has happened. */
export interface Committed<P extends PreparedCommit> {
  /** The tables as they are now. */
  readonly tables: readonly LoadedTable[];
  /** The try that it was, which need not be the last one. */
  readonly prepared: P;
  readonly token: string;
}

/** How long a commit of unknown outcome may still come late. */
const settleMs = 1_000;

/**
 * Runs a plan until it is committed.
 *
 * @throws PlumbingError `COMMIT_CONFLICT` (retryable) when others come first each time; `COMMIT_UNKNOWN` when the outcome can't be
 * looked up either. Nothing of a failed try is left behind; nothing is removed while the outcome is unknown.
 */
export async function commitTables<P extends PreparedCommit>(
  house: Lakehouse,
  plan: CommitPlan<P>,
  signal: AbortSignal,
): Promise<Committed<P>> {
  const { commitTries } = house.options;
  /** Tries that nobody answered. They may come late: their files stay. */
  const unanswered: { readonly token: string; readonly prepared: P }[] = [];
  /** The one of them that is in the catalog. */
  const find = async (cause: unknown): Promise<Committed<P> | undefined> => {
    for (const { token, prepared } of unanswered) {
      if (await isThere(house, plan, token, cause))
        return { tables: await reload(house, prepared.commits), prepared, token };
    }
    return undefined;
  };
  for (let tries = 1; ; tries++) {
    const token = randomUUID();
    let prepared: P;
    try {
      prepared = await plan.prepare(token, tries > 1);
    } catch (error) {
      // What another run seems to have done, e.g. moved the cursors, may be what one of these did.
      const late = await find(error);
      if (late) return late;
      throw error;
    }
    // One that has come after it was looked up is a part of what this one builds on, and its rows would be there twice. From here on
    // it can't come: it asks for tables as they were.
    const late = await find('an earlier commit was not answered');
    if (late) {
      await prepared.discard();
      return late;
    }
    if (prepared.commits.length === 0) return { tables: [], prepared, token };
    let result;
    try {
      result = await house.catalog.commit(prepared.commits);
    } catch (error) {
      // Thrown, not returned: it should not have happened. But a proxy that delivers a request twice gives the second answer.
      const there = await plan.isThere(token).catch(() => undefined);
      if (there) return { tables: await reload(house, prepared.commits), prepared, token };
      if (there === false) await prepared.discard();
      throw error;
    }
    if (result.outcome === 'committed') {
      failpoint('iceberg.committed');
      return { tables: result.tables, prepared, token };
    }
    if (result.outcome === 'unknown') {
      unanswered.push({ token, prepared });
      await sleep(settleMs);
    } else {
      if (result.mayBeOwn && (await isThere(house, plan, token, result.reason)))
        return { tables: await reload(house, prepared.commits), prepared, token };
      await prepared.discard();
    }
    // What came first may be our own earlier try.
    const found = await find(result.outcome === 'unknown' ? result.cause : result.reason);
    if (found) return found;
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

async function isThere(
  house: Lakehouse,
  plan: CommitPlan<PreparedCommit>,
  token: string,
  cause: unknown,
): Promise<boolean> {
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
