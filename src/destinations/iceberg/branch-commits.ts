/** The one commit of a load to a catalog with branches: made directly, or on a branch, checked there, and merged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbingError } from '../../errors/index.ts';
import { failpoint } from '../../failpoints/index.ts';
import type { CatalogBranches } from '../../iceberg/catalog.ts';
import { mainBranch } from '../../iceberg/metadata.ts';
import type { LoadInfo, StateEntry } from '../../model/index.ts';
import type { LoadTables } from '../../model/load-tables.ts';
import type { Lakehouse } from './lakehouse.ts';
import { LoadCommits } from './load-commits.ts';
import { branchPrefix, mergeBranch, quietly } from './merge-branch.ts';
import { RunRecord } from './run-record.ts';
import type { LoadEnd } from './run-record.ts';
import type { TableLoad } from './table-load.ts';

/** How long branches of failed checks and killed processes are kept for inspection. */
const keepBranchesMs = 7 * 86_400_000;

/** See the module's title. */
export class BranchCommits {
  readonly branch: string;
  /** A branch of the catalog has tables whose main branch is what is checked. */
  readonly auditBranch = mainBranch;
  readonly #house: Lakehouse;
  readonly #branches: CatalogBranches;
  readonly #info: LoadInfo;
  readonly #tables: LoadTables<TableLoad>;
  readonly #prefix: string;
  /** Commits to what the catalog shows. */
  readonly #direct: LoadCommits;
  /** Commits to the branch, while there is one. */
  #onBranch: LoadCommits | undefined;
  /** As a branch shows it that was made, and has nothing of this load yet. */
  #fresh: Lakehouse | undefined;
  /** Of all commits of this load that a merge was asked for: one that came late is one of them. */
  readonly #tokens: string[] = [];

  constructor(house: Lakehouse, branches: CatalogBranches, info: LoadInfo, tables: LoadTables<TableLoad>) {
    this.#house = house;
    this.#branches = branches;
    this.#info = info;
    this.#tables = tables;
    this.#prefix = branchPrefix(info.pipeline);
    this.branch = `${this.#prefix}${info.loadId}`;
    this.#direct = new LoadCommits(house, info, tables);
  }

  get record(): RunRecord {
    return this.#direct.record;
  }

  get auditHouse(): Lakehouse {
    return this.#onBranch?.auditHouse ?? this.#house;
  }

  get staged(): readonly TableLoad[] {
    return this.#onBranch?.staged ?? [];
  }

  /** Commits without a branch. */
  commit(tables: readonly TableLoad[], state: readonly StateEntry[], end: LoadEnd): Promise<void> {
    return this.#direct.commit(tables, state, end);
  }

  /** Puts the rows on a new branch; also again, on top of what the catalog shows now. */
  async stage(tables: readonly TableLoad[]): Promise<void> {
    const house = this.#fresh ?? (await this.#newBranch());
    this.#fresh = undefined;
    const commits = new LoadCommits(house, this.#info, this.#tables, mainBranch);
    this.#onBranch = commits;
    await commits.refresh(tables);
    await commits.stage(tables);
    failpoint('iceberg.branch_staged');
  }

  /** Adds cursors and run record, and merges. `again` stages and checks anew when another commit came first. */
  async publish(state: readonly StateEntry[], end: LoadEnd, again: () => Promise<void>): Promise<void> {
    const { commitTries } = this.#house.options;
    for (let tries = 1; ; tries++) {
      const commits = this.#onBranch as LoadCommits;
      this.#tokens.push(await commits.seal(state, end));
      failpoint('iceberg.branch_sealed');
      const outcome = await this.#merge();
      if (outcome === 'committed') {
        failpoint('iceberg.branch_merged');
        await commits.settle(this.#house);
        break;
      }
      if (tries >= commitTries) {
        throw new PlumbingError(
          'COMMIT_CONFLICT',
          `${this.#house.path}: others committed to the same tables first, ${tries} times in a row; run again`,
          { retryable: true },
        );
      }
      this.#info.signal.throwIfAborted();
      await sleep(Math.random() * Math.min(100 * 2 ** tries, 5_000));
      // A merge that came after it was looked up is a part of the new branch, and its rows would be there twice. Later it can't
      // come: the branch that it was for is gone.
      this.#fresh = await this.#newBranch();
      if (await this.#isIn(this.#fresh)) {
        await commits.settle(this.#house);
        break;
      }
      await again();
    }
    await this.removeBranch();
  }

  /** Drops what was not committed; the branch stays. */
  discard(): void {
    this.#direct.discard();
    this.#onBranch?.discard();
  }

  /** Removes the branch of this load. The load's outcome does not hang on it. */
  async removeBranch(): Promise<void> {
    if (!this.#onBranch) return;
    await quietly(this.branch, () => this.#branches.remove(this.branch));
  }

  /** Removes branches that earlier loads of the pipeline have left long ago. Not every user may do that. */
  async removeOld(): Promise<void> {
    await quietly(`${this.#prefix}*`, async () => {
      for (const name of await this.#branches.list(this.#prefix)) {
        if (Date.now() - startOf(name.slice(this.#prefix.length)) > keepBranchesMs)
          await this.#branches.remove(name);
      }
    });
  }

  #merge(): Promise<'committed' | 'conflict'> {
    const { loadId, pipeline } = this.#info;
    const message = `load ${loadId} of pipeline ${pipeline}`;
    return mergeBranch(this.#house, this.#branches, this.branch, message, () => this.#isIn(this.#house));
  }

  async #newBranch(): Promise<Lakehouse> {
    const catalog = await this.#branches.create(this.branch);
    failpoint('iceberg.branch_created');
    return this.#house.withCatalog(catalog);
  }

  /** Whether a merge of this load is a part of what `house` shows. */
  async #isIn(house: Lakehouse): Promise<boolean> {
    const record = new RunRecord(house, this.#info);
    for (const token of this.#tokens) if (await record.isThere(token)) return true;
    return false;
  }
}

/** When a load began: the time in its id, a UUID of version 7. */
function startOf(loadId: string): number {
  const ms = Number.parseInt(loadId.replaceAll('-', '').slice(0, 12), 16);
  return Number.isNaN(ms) ? Infinity : ms;
}
