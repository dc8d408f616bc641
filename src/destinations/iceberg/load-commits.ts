/** The commits of one load: rows, cursors and run record together, on the main branch or on one for checks. */
import type { LoadedTable, TableCommit } from '../../iceberg/catalog.ts';
import { mainBranch } from '../../iceberg/metadata.ts';
import { toTimestamp } from '../../model/index.ts';
import type { LoadInfo, StateEntry, TableCounts } from '../../model/index.ts';
import type { LoadTables } from '../../model/load-tables.ts';
import { auditBranch, withoutBranches } from './audit-branch.ts';
import type { StaleBranches } from './audit-branch.ts';
import { commitTables } from './commit-tables.ts';
import type { PreparedCommit } from './commit-tables.ts';
import type { Lakehouse } from './lakehouse.ts';
import { QuarantineLoad } from './quarantine-load.ts';
import { quarantineTable } from './quarantine-table.ts';
import { RunRecord } from './run-record.ts';
import type { LoadEnd } from './run-record.ts';
import type { CommitContext } from './table-commit.ts';
import type { PreparedTable, TableLoad } from './table-load.ts';
import { definitionProperty } from './table-shape.ts';

type Prepared = ReadonlyMap<TableLoad, PreparedTable>;

/** A try of a commit, with what it is made of. */
interface Made {
  readonly commits: readonly TableCommit[];
  readonly prepared: Prepared;
}

/** See the module's title. */
export class LoadCommits {
  readonly record: RunRecord;
  readonly #house: Lakehouse;
  readonly #info: LoadInfo;
  readonly #tables: LoadTables<TableLoad>;
  readonly #quarantine: QuarantineLoad;
  /** The branch on which rows are checked. */
  readonly branch: string;
  /** Tables whose rows are on the audit branch, with the counts that they will have. */
  #staged = new Map<TableLoad, TableCounts>();
  /** The snapshots that readers of these tables saw when they were staged. */
  #mains = new Map<TableLoad, string>();

  /** `branch` is that of the tables on which rows are checked. */
  constructor(
    house: Lakehouse,
    info: LoadInfo,
    tables: LoadTables<TableLoad>,
    branch = auditBranch(info.loadId),
  ) {
    this.#house = house;
    this.#info = info;
    this.#tables = tables;
    this.branch = branch;
    this.record = new RunRecord(house, info);
    this.#quarantine = new QuarantineLoad(house, info);
  }

  /** Tables that have rows on that branch. */
  get staged(): readonly TableLoad[] {
    return [...this.#staged.keys()];
  }

  /** Commits rows, state and run record together. `stale` are branches that go. */
  async commit(
    tables: readonly TableLoad[],
    state: readonly StateEntry[],
    end: LoadEnd,
    stale: readonly StaleBranches[] = [],
  ): Promise<void> {
    const owners = state.flatMap(({ stream }) => this.#tables.find(stream) ?? []);
    const involved = [...new Set([...tables, ...owners])];
    try {
      const all = [...involved, ...(await this.#quarantine.take(tables))];
      const seen = [...all, ...stale.map(({ table }) => table)];
      const { committed, prepared } = await this.#run(seen, async (token) => {
        const prepared = await this.#prepare(all, mainBranch, state, token);
        const commits = withoutBranches(commitsOf(prepared), stale);
        const record = this.#recordCommit(token, end, countsOf(prepared), state, undoable(commits, tables));
        return { commits: [...commits, record], prepared };
      });
      for (const [table, { counts }] of prepared) table.committed(find(committed, table), counts);
      for (const { table } of stale)
        if (!prepared.has(table)) table.saw(find(committed, table) ?? table.loaded);
    } catch (error) {
      this.#quarantine.discard();
      throw error;
    }
  }

  /** Puts the rows of a staged load on a branch of each table, where only checks look; also again, on top of what is there now. */
  async stage(tables: readonly TableLoad[]): Promise<void> {
    if (this.#staged.size > 0) await this.refresh(tables);
    const { committed, prepared } = await this.#run(tables, async (token) => {
      const prepared = await this.#prepare(tables, this.branch, [], token);
      const commits = commitsOf(prepared);
      const record = this.#recordCommit(token, { status: 'running' }, new Map(), [], commits);
      return { commits: [...commits, record], prepared };
    });
    this.#staged = new Map();
    for (const [table, { counts }] of prepared) {
      table.saw(find(committed, table) ?? table.loaded);
      this.#staged.set(table, counts);
      this.#mains.set(table, mainOf(table));
    }
  }

  /** Makes visible what was staged. `again` stages and checks anew, on top of another commit that came first. */
  async publish(state: readonly StateEntry[], end: LoadEnd, again: () => Promise<void>): Promise<void> {
    const tables = this.staged;
    const quarantine = await this.#quarantine.take(tables);
    const { committed } = await this.#run([...tables, ...quarantine], async (token) => {
      if (tables.some((table) => mainOf(table) !== this.#mains.get(table))) await again();
      const prepared = await this.#prepare(quarantine, mainBranch, [], token);
      const publications = tables.flatMap((table): TableCommit[] => {
        const own = this.#context(token, mainBranch, this.#stateOf(table, state));
        return table.loaded ? [table.publication(table.loaded, this.branch, own)] : [];
      });
      const changed = publications.filter(({ updates }) => updates.length > 0);
      const commits = [...changed, ...commitsOf(prepared)];
      const record = this.#recordCommit(token, end, this.#staged, state, undoable(commits, tables));
      return { commits: [...commits, record], prepared };
    });
    for (const [table, counts] of this.#staged) table.committed(find(committed, table), counts);
    this.#staged = new Map();
  }

  /** The branch of the tables in {@link auditHouse} on which rows are checked. */
  get auditBranch(): string {
    return this.branch;
  }

  /** Where rows are checked. */
  get auditHouse(): Lakehouse {
    return this.#house;
  }

  /** Looks at tables and records as they are now. */
  async refresh(tables: readonly TableLoad[]): Promise<void> {
    await this.record.refresh();
    for (const table of tables) table.saw(await this.#house.load(table.definition.name));
  }

  /** Adds all that goes with staged rows to where they are; gives the token of the commit. For a catalog that is a branch itself. */
  async seal(state: readonly StateEntry[], end: LoadEnd): Promise<string> {
    const tables = this.staged;
    const quarantine = await this.#quarantine.take(tables);
    const { token } = await this.#run([...tables, ...quarantine], async (token) => {
      const prepared = await this.#prepare(quarantine, mainBranch, [], token);
      const cursors = tables.flatMap(
        (table) => table.stateCommit(this.#context(token, mainBranch, this.#stateOf(table, state))) ?? [],
      );
      const commits = [...cursors, ...commitsOf(prepared)];
      const record = this.#recordCommit(token, end, this.#staged, state, undoable(commits, tables));
      return { commits: [...commits, record], prepared };
    });
    return token;
  }

  /** What was staged is what readers of `house` see now. */
  async settle(house: Lakehouse): Promise<void> {
    for (const [table, counts] of this.#staged)
      table.committed(await house.load(table.definition.name), counts);
    this.#staged = new Map();
  }

  /** Drops what was not committed. */
  discard(): void {
    for (const table of this.#tables.all()) table.discard();
    this.#quarantine.discard();
  }

  /** Runs a commit; what it needs is looked at again before each further try. Gives what was prepared for the try that was committed. */
  async #run(
    tables: readonly TableLoad[],
    make: (token: string) => Promise<Made>,
  ): Promise<{
    readonly committed: readonly LoadedTable[];
    readonly prepared: Prepared;
    readonly token: string;
  }> {
    const prepare = async (token: string, isRetry: boolean): Promise<Made & PreparedCommit> => {
      if (isRetry) await this.refresh(tables);
      const made = await make(token);
      return { ...made, discard: () => discardAll(made.prepared) };
    };
    const isThere = (token: string): Promise<boolean> => this.record.isThere(token);
    const done = await commitTables(this.#house, { prepare, isThere }, this.#info.signal);
    this.record.settle(done.tables);
    return { committed: done.tables, prepared: done.prepared.prepared, token: done.token };
  }

  async #prepare(
    tables: readonly TableLoad[],
    branch: string,
    state: readonly StateEntry[],
    token: string,
  ): Promise<Prepared> {
    const prepared = new Map<TableLoad, PreparedTable>();
    try {
      for (const table of tables) {
        const context = this.#context(token, branch, this.#stateOf(table, state));
        prepared.set(table, await table.prepare(table.loaded, context));
      }
      return prepared;
    } catch (error) {
      await discardAll(prepared);
      throw error;
    }
  }

  #context(token: string, branch: string, state: readonly StateEntry[]): CommitContext {
    return { token, branch, state, now: toTimestamp(new Date()) as string };
  }

  #stateOf(table: TableLoad, state: readonly StateEntry[]): StateEntry[] {
    return state.filter(({ stream }) => this.#tables.find(stream) === table);
  }

  #recordCommit(
    token: string,
    end: LoadEnd,
    soon: ReadonlyMap<TableLoad, TableCounts>,
    state: readonly StateEntry[],
    noted: readonly TableCommit[],
  ): TableCommit {
    const counts = [...this.#tables].map(([name, table]) => [name, soon.get(table) ?? table.counts] as const);
    // Cursors of streams that have no table, or none with columns yet.
    const homeless = state.filter(
      ({ stream }) => (this.#tables.find(stream)?.definition.columns.length ?? 0) === 0,
    );
    return this.record.commit(token, end, Object.fromEntries(counts), homeless, noted);
  }
}

/** What a staged load builds on: rows, columns and definition. Another program may change columns without a snapshot. */
function mainOf({ loaded }: TableLoad): string {
  if (!loaded) return '';
  const { refs, properties, 'current-schema-id': schemaId } = loaded.metadata;
  return `${refs[mainBranch]?.['snapshot-id']} ${schemaId} ${properties[definitionProperty]}`;
}

/** Rows that were set aside stay, whatever becomes of their load; rows that it has released go back when it is taken back. */
function undoable(commits: readonly TableCommit[], tables: readonly TableLoad[]): readonly TableCommit[] {
  if (tables.some(({ released }) => released.size > 0)) return commits;
  return commits.filter(({ identifier }) => identifier.name !== quarantineTable);
}

async function discardAll(prepared: Prepared): Promise<void> {
  for (const { discard } of prepared.values()) await discard();
}

function commitsOf(prepared: Prepared): TableCommit[] {
  return [...prepared.values()].flatMap(({ commit }) => commit ?? []);
}

function countsOf(prepared: Prepared): Map<TableLoad, TableCounts> {
  return new Map([...prepared].map(([table, { counts }]) => [table, counts]));
}

function find(committed: readonly LoadedTable[], table: TableLoad): LoadedTable | undefined {
  return committed.find(({ identifier }) => identifier.name === table.definition.name);
}
