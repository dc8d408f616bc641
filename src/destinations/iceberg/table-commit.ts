/** What commits of tables are made of. */
import type { LoadedTable } from '../../iceberg/catalog.ts';
import type { MetadataUpdate, Requirement } from '../../iceberg/metadata-update.ts';
import { mainBranch } from '../../iceberg/metadata.ts';
import type { StateEntry } from '../../model/index.ts';

/** What a commit is made for. */
export interface CommitContext {
  readonly token: string;
  /** The branch that the new snapshot goes to. On any but `main` the table itself stays as it is. */
  readonly branch: string;
  readonly state: readonly StateEntry[];
  readonly now: string;
}

/** On an audit branch the new schema is known, but not yet the table's. */
export function visible(
  updates: readonly MetadataUpdate[],
  base: LoadedTable | undefined,
  { branch }: CommitContext,
): MetadataUpdate[] {
  if (branch === mainBranch || !base) return [...updates];
  return updates.filter(({ action }) => action !== 'set-current-schema');
}

/** What must hold for a commit on top of `base`; one that moves rows or cursors needs the rows to be those that it was made for. */
export function requirementsOf({ metadata }: LoadedTable, needsRows: boolean): Requirement[] {
  const uuid: Requirement = { type: 'assert-table-uuid', uuid: metadata['table-uuid'] };
  if (!needsRows) return [uuid];
  const snapshotId = metadata.refs[mainBranch]?.['snapshot-id'] ?? null;
  return [uuid, { type: 'assert-ref-snapshot-id', ref: mainBranch, 'snapshot-id': snapshotId }];
}
