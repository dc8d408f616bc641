/** Keeping tables small and fast: compaction, snapshot expiry, and the sweep of leftovers. */
import { PlumbingError } from '../../errors/index.ts';
import type { LoadedTable } from '../../iceberg/catalog.ts';
import { expireUpdates, expiredSnapshots } from '../../iceberg/expire-snapshots.ts';
import { moveBranch } from '../../iceberg/metadata-update.ts';
import { mainBranch } from '../../iceberg/metadata.ts';
import { orphanFiles } from '../../iceberg/orphan-files.ts';
import { onlyReachableFrom } from '../../iceberg/reachable-files.ts';
import { produceSnapshot, removeQuietly } from '../../iceberg/snapshot-producer.ts';
import { commitTables } from './commit-tables.ts';
import type { PreparedCommit } from './commit-tables.ts';
import { compactFiles, filesToCompact } from './compact.ts';
import type { Lakehouse } from './lakehouse.ts';
import { loadsTable } from './load-records.ts';
import type { MaintenanceOptions, TableMaintenance } from './maintenance-options.ts';
import { quarantineTable } from './quarantine-table.ts';
import { definitionProperty } from './table-shape.ts';

const dayMs = 86_400_000;
const never = new AbortController().signal;
const nothing: PreparedCommit = { commits: [], discard: async () => {} };

/** Maintains the tables of a warehouse, one after the other; a table that is being loaded as well is no obstacle. */
export async function maintainTables(
  house: Lakehouse,
  options: MaintenanceOptions,
): Promise<TableMaintenance[]> {
  const names = options.tables ?? (await ownTables(house));
  if (options.tables) await requireTables(house, options.tables);
  const done: TableMaintenance[] = [];
  for (const name of names) {
    options.signal?.throwIfAborted();
    done.push(await maintainTable(house, name, options));
  }
  return done;
}

async function requireTables(house: Lakehouse, names: readonly string[]): Promise<void> {
  const present = await house.tables();
  const missing = names.find((name) => !present.includes(name));
  if (missing === undefined) return;
  throw new PlumbingError(
    'CONFIG_INVALID',
    `the warehouse has no table "${missing}"; it has ${present.toSorted().join(', ') || 'none'}`,
  );
}

/** What other programs keep in the namespace has rules of its own for how long snapshots stay. */
async function ownTables(house: Lakehouse): Promise<string[]> {
  const own: string[] = [];
  for (const name of await house.tables()) {
    if (name === loadsTable || name === quarantineTable) own.push(name);
    else if ((await house.load(name))?.metadata.properties[definitionProperty] !== undefined) own.push(name);
  }
  return own;
}

async function maintainTable(
  house: Lakehouse,
  table: string,
  options: MaintenanceOptions,
): Promise<TableMaintenance> {
  const {
    compact = true,
    expireOlderThanDays = 5,
    retainLast = 10,
    removeOrphansOlderThanDays = 3,
  } = options;
  const { dryRun = false, signal = never } = options;
  const compacted = compact ? await compactTable(house, table, dryRun, signal) : { removed: 0, added: 0 };
  const expired =
    expireOlderThanDays === null
      ? { snapshots: 0, files: 0 }
      : await expire(house, table, { olderThanMs: daysAgo(expireOlderThanDays), retainLast }, dryRun, signal);
  const orphans =
    removeOrphansOlderThanDays === null
      ? 0
      : await sweep(house, table, daysAgo(removeOrphansOlderThanDays), dryRun);
  return {
    table,
    filesCompacted: compacted.removed,
    filesWritten: compacted.added,
    snapshotsExpired: expired.snapshots,
    filesRemoved: expired.files,
    orphansRemoved: orphans,
  };
}

function daysAgo(days: number): number {
  return Date.now() - days * dayMs;
}

async function compactTable(
  house: Lakehouse,
  name: string,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<{ removed: number; added: number }> {
  let result = { removed: 0, added: 0 };
  const prepare = async (token: string): Promise<PreparedCommit> => {
    const base = await house.load(name);
    const chosen = base ? await filesToCompact(house, base) : [];
    result = { removed: chosen.length, added: 0 };
    if (!base || chosen.length === 0 || dryRun) return nothing;
    const changes = await compactFiles(house, base, chosen);
    result = { removed: chosen.length, added: changes.added.length };
    const summary = { 'plumbing.commit-token': token };
    const { io, manifests } = house;
    const { snapshot, written } = await produceSnapshot(io, manifests, base.metadata, mainBranch, {
      ...changes,
      summary,
    }).catch(async (error: unknown) => {
      await changes.discard();
      throw error;
    });
    return {
      commits: [
        {
          identifier: base.identifier,
          base,
          requirements: [
            { type: 'assert-table-uuid', uuid: base.metadata['table-uuid'] },
            {
              type: 'assert-ref-snapshot-id',
              ref: mainBranch,
              'snapshot-id': base.metadata.refs[mainBranch]?.['snapshot-id'] ?? null,
            },
          ],
          updates: [
            { action: 'add-snapshot', snapshot },
            moveBranch(base.metadata, mainBranch, snapshot['snapshot-id']),
          ],
        },
      ],
      discard: async () => {
        await changes.discard();
        await removeQuietly(io, written);
      },
    };
  };
  await commitTables(house, { prepare, isThere: (token) => hasToken(house, name, token) }, signal);
  return result;
}

async function hasToken(house: Lakehouse, name: string, token: string): Promise<boolean> {
  const table = await house.load(name);
  return table?.metadata.snapshots.some(({ summary }) => summary['plumbing.commit-token'] === token) ?? false;
}

async function expire(
  house: Lakehouse,
  name: string,
  retention: { readonly olderThanMs: number; readonly retainLast: number },
  dryRun: boolean,
  signal: AbortSignal,
): Promise<{ snapshots: number; files: number }> {
  let gone: readonly string[] = [];
  let snapshots = 0;
  const prepare = async (): Promise<PreparedCommit> => {
    const base = await house.load(name);
    const expired = base && ownsFiles(base) ? expiredSnapshots(base.metadata, retention) : [];
    snapshots = expired.length;
    if (!base || expired.length === 0) return nothing;
    const kept = base.metadata.snapshots.filter((snapshot) => !expired.includes(snapshot));
    gone = await onlyReachableFrom(house.manifests, base.metadata, expired, kept);
    if (dryRun) return nothing;
    const requirements = [{ type: 'assert-table-uuid', uuid: base.metadata['table-uuid'] } as const];
    return {
      commits: [{ identifier: base.identifier, base, requirements, updates: expireUpdates(expired) }],
      discard: async () => {},
    };
  };
  // When the answer is lost, the files stay: the sweep of leftovers finds them later.
  const isThere = async (): Promise<boolean> => {
    gone = [];
    const table: LoadedTable | undefined = await house.load(name);
    return (
      table === undefined || !ownsFiles(table) || expiredSnapshots(table.metadata, retention).length === 0
    );
  };
  await commitTables(house, { prepare, isThere }, signal);
  if (!dryRun) await removeQuietly(house.io, gone);
  return { snapshots, files: gone.length };
}

/** Of a table whose property says otherwise, files may belong to other tables as well. */
function ownsFiles({ metadata }: LoadedTable): boolean {
  return metadata.properties['gc.enabled'] !== 'false';
}

async function sweep(house: Lakehouse, name: string, olderThanMs: number, dryRun: boolean): Promise<number> {
  const table = await house.load(name);
  if (!table || !ownsFiles(table)) return 0;
  const orphans = await orphanFiles(house.io, house.manifests, table, olderThanMs);
  if (!dryRun) {
    await removeQuietly(
      house.io,
      orphans.map(({ location }) => location),
    );
  }
  return orphans.length;
}
