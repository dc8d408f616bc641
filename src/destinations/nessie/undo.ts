/** Takes back a load by what Nessie had under the names of its tables before it: on a branch, which is merged. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbingError, isPlumbingError } from '../../errors/index.ts';
import { failpoint } from '../../failpoints/index.ts';
import type { CatalogBranches } from '../../iceberg/catalog.ts';
import type { UndoReport } from '../../model/index.ts';
import { createLoadId } from '../../model/load-id.ts';
import type { Lakehouse } from '../iceberg/lakehouse.ts';
import { branchPrefix, mergeBranch, quietly } from '../iceberg/merge-branch.ts';
import type { Undo } from '../iceberg/undo.ts';
import { findRecord, undoReport, undoableLoad, undoneRecord } from '../iceberg/undo-record.ts';
import type { UndoableLoad } from '../iceberg/undo-record.ts';
import { earlierContents } from './load-commit.ts';
import type { NessieReference } from './nessie-api.ts';
import type { NessieConnection } from './open-nessie.ts';

/**
 * Undo for the branch of a connection. Tables, their columns and cursors, and the run record change in one commit; a table that
 * the load has made is gone.
 *
 * The returned function throws PlumbingError `UNDO_REFUSED`; `COMMIT_CONFLICT` (retryable) when others come first each time,
 * `COMMIT_UNKNOWN` when the server can not be asked what became of a merge. No branch stays, unless it can not be removed.
 */
export function undoByContents(connection: NessieConnection): Undo {
  return async (house, loadId, signal) => {
    const { branches } = house.catalog;
    if (!branches) throw new PlumbingError('DEST_FAILED', `${house.path}: it has no branches`);
    const found = await findRecord(house, loadId);
    const branch = `${branchPrefix(found?.record.pipeline ?? '')}${createLoadId(new Date())}`;
    try {
      return await new ContentUndo(connection, branches, loadId, branch).run(signal);
    } finally {
      await quietly(branch, () => branches.remove(branch));
    }
  };
}

class ContentUndo {
  readonly #connection: NessieConnection;
  readonly #house: Lakehouse;
  readonly #branches: CatalogBranches;
  readonly #loadId: string;
  readonly #branch: string;
  /** Of all tries for which a merge was asked: one that came late is one of them. */
  readonly #tokens = new Set<string>();

  constructor(connection: NessieConnection, branches: CatalogBranches, loadId: string, branch: string) {
    this.#connection = connection;
    this.#house = connection.house;
    this.#branches = branches;
    this.#loadId = loadId;
    this.#branch = branch;
  }

  async run(signal: AbortSignal): Promise<UndoReport> {
    const { commitTries } = this.#house.options;
    let last: UndoableLoad | undefined;
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted();
      const fresh = this.#house.withCatalog(await this.#branches.create(this.#branch));
      failpoint('iceberg.branch_created');
      // A merge that came after it was looked up. Later it can't come: the branch that it was for is gone.
      if (last && (await this.#isIn(fresh))) return undoReport(last);
      const load = await undoableLoad(fresh, this.#loadId);
      last = load;
      if ((await this.#putBack(fresh, load)) && (await this.#merge(load))) return undoReport(load);
      if (tries >= commitTries) {
        throw new PlumbingError(
          'COMMIT_CONFLICT',
          `${this.#house.path}: others committed to the same tables first, ${tries} times in a row; try again`,
          { retryable: true },
        );
      }
      await sleep(Math.random() * Math.min(100 * 2 ** tries, 5_000));
    }
  }

  /** Commits to the branch, which nobody sees. `false` when it is not known whether that has happened. */
  async #putBack(house: Lakehouse, load: UndoableLoad): Promise<boolean> {
    const { api, at } = this.#connection;
    const tip = await this.#tip();
    const ref = `${tip.name}@${tip.hash}`;
    const { namespace } = house.options;
    const changes = await earlierContents({ api, ref, at, namespace }, load);
    try {
      if (changes.length > 0) await api.contents.commit(tip, `undo of load ${this.#loadId}`, changes);
    } catch (error) {
      if (isPlumbingError(error) && (error.retryable || error.code.startsWith('HTTP_'))) return false;
      throw error;
    }
    failpoint('iceberg.branch_staged');
    const token = randomUUID();
    const { outcome } = await house.catalog.commit([undoneRecord(load, token)]);
    if (outcome !== 'committed') return false;
    this.#tokens.add(token);
    failpoint('iceberg.branch_sealed');
    return true;
  }

  async #merge({ record }: UndoableLoad): Promise<boolean> {
    const message = `undo of load ${this.#loadId} of pipeline ${record.pipeline}`;
    const isThere = (): Promise<boolean> => this.#isIn(this.#house);
    const outcome = await mergeBranch(this.#house, this.#branches, this.#branch, message, isThere);
    if (outcome === 'committed') failpoint('iceberg.branch_merged');
    return outcome === 'committed';
  }

  async #isIn(house: Lakehouse): Promise<boolean> {
    const found = await findRecord(house, this.#loadId);
    return found !== undefined && this.#tokens.has(found.record.commitToken);
  }

  async #tip(): Promise<NessieReference> {
    const tip = await this.#connection.api.reference(this.#branch);
    if (tip) return tip;
    throw new PlumbingError('DEST_FAILED', `branch "${this.#branch}" of Nessie is gone; try again`, {
      retryable: true,
    });
  }
}
