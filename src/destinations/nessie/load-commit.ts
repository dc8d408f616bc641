/** The commit with which a load came to a branch, and what it has changed there. */
import { isPlumbingError } from '../../errors/index.ts';
import { mainBranch, snapshotOf } from '../../iceberg/metadata.ts';
import type { TableMetadata } from '../../iceberg/metadata.ts';
import { stringifyJson } from '../../model/index.ts';
import type { Lakehouse } from '../iceberg/lakehouse.ts';
import { loadsTable, readRecords } from '../iceberg/load-records.ts';
import { readState, stateProperty } from '../iceberg/state-properties.ts';
import type { UndoableLoad } from '../iceberg/undo-record.ts';
import { undoRefused } from '../iceberg/undo-refused.ts';
import type { TableNote } from '../iceberg/undo-notes.ts';
import type { NessieApi } from './nessie-api.ts';
import type { NessieChange, NessieCommitChanges, NessieContent } from './nessie-contents.ts';

/** Commits of the branch among which that of the load is looked for. */
const maxCommits = 10_000;

/** Where a load is looked for. */
export interface SearchedBranch {
  readonly api: NessieApi;
  /** The branch at a commit: `main@hash`. */
  readonly ref: string;
  /** The tables as another reference has them. */
  readonly at: (ref: string) => Lakehouse;
  readonly namespace: string;
}

/**
 * The changes that put back what the tables of a load were before it: their content of then, or none.
 *
 * @throws PlumbingError `UNDO_REFUSED` when the load is too far back, when its commit holds more than the load, when a table was
 * changed since, or when what it was before is gone; errors of the server as they are
 */
export async function earlierContents(branch: SearchedBranch, load: UndoableLoad): Promise<NessieChange[]> {
  const { api, ref, at, namespace } = branch;
  const { loadId } = load.record;
  const { path } = at(ref);
  const commits = await commitsOf(branch, loadId);
  const changes: NessieChange[] = [];
  for (const note of load.notes) {
    const elements = [namespace, note.table];
    const refuse: Refuse = (why, advice) =>
      undoRefused(path, loadId, `table "${note.table}": ${why}`, advice);
    const own = commits.filter((commit) => commit.changes.some((change) => isSame(change, elements)));
    const [commit] = own;
    if (!commit) throw refuse('the history of the branch has no commit of the load that changed it', byHand);
    if (own.length > 1) throw refuse('more than one commit has changed it', byHand);
    const left = commit.changes.find((change) => isSame(change, elements))?.content;
    const [now] = await api.contents.at(ref, [elements]);
    const house = at(`${nameOf(ref)}@${commit.hash}`);
    if (!left || !(isSameContent(now?.content, left) || (await isSameTable(at(ref), house, note.table)))) {
      throw refuse(
        'it was changed since',
        'take back what came later first, latest first, or mend the table by hand',
      );
    }
    const parent = `${nameOf(ref)}@${commit.parentHash}`;
    await requireOwn(house, at(parent), note, loadId, refuse);
    const [before] = await api.contents.at(parent, [elements]);
    changes.push(before ?? { elements });
  }
  return changes;
}

type Refuse = (why: string, advice: string) => Error;

const byHand = 'mend the table by hand';

/** The commits that have written the record of a load. One is the rule; the end of a load that was given up may be apart. */
async function commitsOf(branch: SearchedBranch, loadId: string): Promise<NessieCommitChanges[]> {
  const { api, ref, at, namespace } = branch;
  const { path } = at(ref);
  const found: NessieCommitChanges[] = [];
  /** The last commit that wrote records, with the records as it has left them. */
  let later: { readonly commit: NessieCommitChanges; readonly tokens: Tokens } | undefined;
  const compare = (tokens: Tokens): void => {
    if (!later || later.tokens.get(loadId) === tokens.get(loadId)) return;
    const others = [...later.tokens].filter(([id, token]) => id !== loadId && tokens.get(id) !== token);
    if (others.length > 0)
      throw undoRefused(path, loadId, 'it came to the branch by a merge with other loads', byHand);
    found.push(later.commit);
  };
  let passed = 0;
  for await (const commit of api.contents.changes(ref)) {
    if (++passed > maxCommits)
      throw undoRefused(
        path,
        loadId,
        `it is not among the latest ${maxCommits} commits of the branch`,
        byHand,
      );
    if (!commit.changes.some((change) => isSame(change, [namespace, loadsTable]))) continue;
    const tokens = await tokensAt(at(`${nameOf(ref)}@${commit.hash}`));
    compare(tokens);
    if (!tokens.has(loadId)) return found;
    later = { commit, tokens };
  }
  compare(new Map());
  return found;
}

/** Commit tokens of run records, by load. */
type Tokens = ReadonlyMap<string, string>;

async function tokensAt(house: Lakehouse): Promise<Tokens> {
  const records = readRecords((await house.load(loadsTable))?.metadata);
  return new Map(records.map(({ loadId, commitToken }) => [loadId, commitToken]));
}

/** Refuses a commit in which other writers had a part, and a state of before of which files are gone. */
async function requireOwn(
  house: Lakehouse,
  parent: Lakehouse,
  { table, rows }: TableNote,
  loadId: string,
  refuse: Refuse,
): Promise<void> {
  const after = snapshotOf((await house.load(table))?.metadata ?? empty);
  let before;
  try {
    before = snapshotOf((await parent.load(table))?.metadata ?? empty);
    await parent.manifests.list(before);
  } catch (cause) {
    // A server that does not answer now may do so later.
    if (isPlumbingError(cause) && (cause.retryable || /^(HTTP|AUTH)_/.test(cause.code))) throw cause;
    throw Object.assign(refuse('what it was before can not be read any more', byHand), { cause });
  }
  const idBefore = before?.['snapshot-id'].toString() ?? null;
  const idAfter = after?.['snapshot-id'].toString() ?? null;
  const isOwn = idAfter === idBefore || after?.summary['plumbing.load-id'] === loadId;
  if (isOwn && idBefore === (rows ? rows.before : idAfter)) return;
  throw refuse('it came to the branch together with changes of others', byHand);
}

const empty = { refs: {}, snapshots: [] } as unknown as Parameters<typeof snapshotOf>[0];

/** Runs without news only note that they have looked. */
async function isSameTable(now: Lakehouse, then: Lakehouse, table: string): Promise<boolean> {
  const [a, b] = [await now.load(table), await then.load(table)];
  return a !== undefined && b !== undefined && meaningOf(a.metadata) === meaningOf(b.metadata);
}

/** Rows, columns, cursors and settings of a table, without the times at which cursors were stored. */
function meaningOf(metadata: TableMetadata): string {
  const settings = Object.entries(metadata.properties).filter(
    ([key]) => !key.startsWith(stateProperty('')) && !key.startsWith('nessie.'),
  );
  const state = readState(metadata).map(({ updatedAt: _time, ...entry }) => entry);
  return stringifyJson([
    metadata['table-uuid'],
    metadata.refs[mainBranch]?.['snapshot-id'].toString() ?? null,
    metadata['current-schema-id'],
    metadata['default-spec-id'],
    settings.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    state,
  ]);
}

function isSameContent(a: NessieContent | undefined, b: NessieContent): boolean {
  return a !== undefined && a.id === b.id && a.metadataLocation === b.metadataLocation;
}

function isSame(change: { readonly elements: readonly string[] }, elements: readonly string[]): boolean {
  return JSON.stringify(change.elements) === JSON.stringify(elements);
}

function nameOf(ref: string): string {
  return ref.split('@')[0] as string;
}
