/** One load: takes rows, and commits them with their state and the run record in one step of the catalog. */
import { PlumbingError } from '../../errors/index.ts';
import { getLogger } from '../../logging/index.ts';
import { toTimestamp } from '../../model/index.ts';
import type {
  AbortResult,
  Check,
  CheckResult,
  Column,
  Commit,
  JsonObject,
  Load,
  LoadInfo,
  QuarantinedRow,
  Row,
  RowFile,
  StateEntry,
  TableCounts,
  TableDefinition,
} from '../../model/index.ts';
import { LoadTables, requireOpen, requirePassed } from '../../model/load-tables.ts';
import { staleBranches } from './audit-branch.ts';
import { runChecks } from './audit.ts';
import type { Lakehouse } from './lakehouse.ts';
import { BranchCommits } from './branch-commits.ts';
import { LoadCommits } from './load-commits.ts';
import { maintainTables } from './maintenance.ts';
import { waitingKeys } from './quarantine-watch.ts';
import { TableLoad } from './table-load.ts';

const log = getLogger('destinations');
const done: Commit = { outcome: 'committed' };
const snapshotsBeforeMaintenance = 150;

/** The load of a warehouse. Each commit is one transaction of the catalog over all tables that it changes. */
export class IcebergLoad implements Load {
  readonly #house: Lakehouse;
  readonly #info: LoadInfo;
  readonly #onEnd: () => Promise<void>;
  readonly #tables: LoadTables<TableLoad>;
  readonly #commits: LoadCommits | BranchCommits;
  /** The rows are on the branch for checks. */
  #isStaged = false;
  #checks: readonly Check[] = [];
  #checksFailed = false;
  #hasEnded = false;

  private constructor(house: Lakehouse, info: LoadInfo, onEnd: () => Promise<void>) {
    this.#house = house;
    this.#info = info;
    this.#onEnd = onEnd;
    this.#tables = new LoadTables(info.staged);
    const { branches } = house.catalog;
    this.#commits = branches
      ? new BranchCommits(house, branches, info, this.#tables)
      : new LoadCommits(house, info, this.#tables);
  }

  /** Opens the run record and creates the tables that are missing, in one commit. `onEnd` is called once, when the load is over. */
  static async begin(house: Lakehouse, info: LoadInfo, onEnd: () => Promise<void>): Promise<IcebergLoad> {
    const startedAt = toTimestamp(info.startedAt);
    if (startedAt === undefined) {
      throw new PlumbingError(
        'SCHEMA_INVALID',
        'startedAt of a load is an ISO 8601 timestamp with a time zone',
      );
    }
    const load = new IcebergLoad(house, { ...info, startedAt }, onEnd);
    for (const declared of info.tables) {
      load.#tables.requireNew(declared.name);
      load.#tables.add(declared.name, await TableLoad.open(house, load.#info, declared));
    }
    if (house.isLocal && load.#tables.all().some(({ isLarge }) => isLarge)) house.warmUp();
    const { record } = load.#commits;
    const [waiting] = await Promise.all([waitingKeys(house), record.refresh()]);
    for (const [name, table] of load.#tables) {
      const keys = waiting.get(name);
      table.seen.watch(keys && ((key) => keys.has(key)));
    }
    if (load.#commits instanceof BranchCommits) {
      // The whole load is one commit; until then nobody sees anything of it.
      await load.#commits.removeOld();
      return load;
    }
    const missing = load.#tables.all().filter((table) => table.loaded === undefined);
    const stale = staleBranches(load.#tables, info.pipeline, record.all());
    await load.#commits.commit(missing, [], { status: 'running' }, stale);
    return load;
  }

  /** The pipeline reads the state that it goes on from. */
  async noteStateRead(): Promise<void> {
    for (const [name, table] of this.#tables) {
      const loaded = await this.#house.load(name);
      table.expectState(loaded?.metadata);
    }
  }

  table(name: string): TableDefinition {
    return this.#tables.get(name).definition;
  }

  counts(table: string): TableCounts {
    return this.#tables.get(table).counts;
  }

  async evolve(table: string, columns: readonly Column[]): Promise<TableDefinition> {
    return this.#taking(table).evolve(columns);
  }

  async write(table: string, rows: readonly Row[], scopes: readonly JsonObject[] = []): Promise<void> {
    this.#taking(table).write(rows, scopes);
  }

  async writeFile(table: string, look: () => Promise<RowFile | undefined>): Promise<number | undefined> {
    return this.#taking(table).writeFile(look);
  }

  async quarantine(table: string, rows: readonly QuarantinedRow[]): Promise<void> {
    this.#taking(table).quarantined.push(...rows);
  }

  async releaseQuarantine(table: string, ids: readonly number[]): Promise<void> {
    const { released } = this.#taking(table);
    for (const id of ids) released.add(id);
  }

  async checkpoint(state: readonly StateEntry[]): Promise<Commit> {
    this.#requireOpen();
    const due = this.#tables.hold(state);
    const tables = this.#tables.all().filter((table) => !table.isStaged && table.hasPending);
    if (tables.length > 0 || due.length > 0) await this.#commits.commit(tables, due, { status: 'running' });
    return done;
  }

  async finishTable(name: string, state: readonly StateEntry[]): Promise<Commit> {
    this.#requireOpen();
    const table = this.#tables.finish(name);
    const due = this.#tables.hold(state);
    if (!this.#info.staged) {
      await this.#commits.commit([table], [...table.heldState, ...due], { status: 'running' });
    }
    return done;
  }

  async discardTable(name: string): Promise<void> {
    this.#requireOpen();
    this.#tables.discard(name);
  }

  async audit(checks: readonly Check[]): Promise<readonly CheckResult[]> {
    this.#requireOpen(true);
    if (this.#info.staged) {
      await this.#commits.stage(this.#tables.finished());
      this.#isStaged = true;
    }
    this.#checks = checks;
    const results = await this.#runChecks();
    this.#checksFailed = results.some((result) => !result.passed);
    return results;
  }

  async publish(): Promise<Commit> {
    this.#requireOpen(true);
    requirePassed(this.#checksFailed);
    this.#tables.requireComplete();
    const incomplete = this.#tables.incomplete();
    const end = {
      status: incomplete === undefined ? 'succeeded' : 'failed',
      ...(incomplete !== undefined && { error: incomplete }),
    } as const;
    const state = this.#tables.stagedState();
    if (this.#isStaged) await this.#commits.publish(state, end, () => this.#stageAgain());
    else if (this.#info.staged) await this.#commits.commit(this.#tables.finished(), state, end);
    else await this.#commits.commit([], [], end);
    await this.#maintain();
    await this.#end();
    return done;
  }

  async abort(reason: string, options: { readonly keepStaged?: boolean } = {}): Promise<AbortResult> {
    if (this.#hasEnded) return { staged: [] };
    const { staged, branch } = this.#commits;
    const keeps = options.keepStaged === true;
    const isOfTables = this.#commits instanceof LoadCommits;
    const stale = keeps || !isOfTables ? [] : staged.map((table) => ({ table, branches: [branch] }));
    const status = this.#checksFailed ? 'checks_failed' : 'failed';
    try {
      this.#commits.discard();
      if (this.#commits instanceof BranchCommits && !keeps) await this.#commits.removeBranch();
      await this.#commits.commit([], [], { status, error: reason }, stale);
    } catch (error) {
      // The reason of the abort matters more, and is on its way to the caller.
      log.warn('the end of load {loadId} could not be noted: {message}', {
        loadId: this.#info.loadId,
        message: error instanceof Error ? error.message : String(error),
      });
    }
    await this.#end();
    return { staged: keeps ? staged.map(({ definition }) => `${definition.name}@${branch}`) : [] };
  }

  #runChecks(): Promise<CheckResult[]> {
    const definitions = new Map([...this.#tables].map(([name, table]) => [name, table.definition]));
    const { auditHouse, auditBranch } = this.#commits;
    return runChecks(auditHouse, auditBranch, definitions, this.#checks, this.#info.signal);
  }

  /** Another commit came first: what was checked is staged and checked again on top of it. */
  async #stageAgain(): Promise<void> {
    await this.#commits.stage(this.#tables.finished());
    const failed = (await this.#runChecks()).find((result) => !result.passed);
    if (!failed) return;
    this.#checksFailed = true;
    throw new PlumbingError(
      'CHECK_FAILED',
      `check ${failed.name} of table "${failed.table}" held before another commit came first, and no longer holds: ${failed.message}`,
    );
  }

  /** Tables that have gathered many snapshots are made small again. The load is done; whatever goes wrong here can wait. */
  async #maintain(): Promise<void> {
    const { maintenance } = this.#house.options;
    if (maintenance === false) return;
    const due = this.#tables
      .all()
      .flatMap(({ loaded }) => loaded ?? [])
      .filter(({ metadata }) => metadata.snapshots.length > snapshotsBeforeMaintenance);
    if (due.length === 0) return;
    try {
      await maintainTables(this.#house, {
        ...maintenance,
        tables: due.map(({ identifier }) => identifier.name),
        signal: this.#info.signal,
      });
    } catch (error) {
      log.warn('the maintenance after load {loadId} did not succeed: {message}', {
        loadId: this.#info.loadId,
        message: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async #end(): Promise<void> {
    this.#hasEnded = true;
    try {
      this.#commits.discard();
    } finally {
      await this.#onEnd();
    }
  }

  #taking(name: string): TableLoad {
    this.#requireOpen();
    return this.#tables.get(name);
  }

  #requireOpen(isLast = false): void {
    requireOpen({ hasEnded: this.#hasEnded, isAudited: this.#isStaged }, isLast);
  }
}
