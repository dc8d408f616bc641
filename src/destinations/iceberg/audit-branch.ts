/** Branches on which rows lie that are not published yet. */
import type { TableCommit } from '../../iceberg/catalog.ts';
import type { MetadataUpdate } from '../../iceberg/metadata-update.ts';
import type { LoadTables } from '../../model/load-tables.ts';
import type { StoredRecord } from './load-records.ts';
import type { TableLoad } from './table-load.ts';

const prefix = 'audit_';

/** Branches of a table that go. */
export interface StaleBranches {
  readonly table: TableLoad;
  readonly branches: readonly string[];
}

/** The branch of a load. */
export function auditBranch(loadId: string): string {
  return `${prefix}${loadId}`;
}

/** Branches that earlier loads of a pipeline have left for inspection. */
export function staleBranches(
  tables: LoadTables<TableLoad>,
  pipeline: string,
  records: readonly StoredRecord[],
): StaleBranches[] {
  const pipelines = new Map(records.map((record) => [auditBranch(record.loadId), record.pipeline]));
  return tables.all().map((table) => ({
    table,
    branches: Object.keys(table.loaded?.metadata.refs ?? {}).filter(
      (ref) => ref.startsWith(prefix) && (pipelines.get(ref) ?? pipeline) === pipeline,
    ),
  }));
}

/** The commits, with branches taken away: a table that has no commit of its own gets one. */
export function withoutBranches(
  commits: readonly TableCommit[],
  stale: readonly StaleBranches[],
): TableCommit[] {
  const next = [...commits];
  for (const { table, branches } of stale) {
    const base = table.loaded;
    if (!base) continue;
    const updates = branches
      .filter((branch) => base.metadata.refs[branch])
      .map((branch): MetadataUpdate => ({ action: 'remove-snapshot-ref', 'ref-name': branch }));
    if (updates.length === 0) continue;
    const { identifier } = base;
    const index = next.findIndex((commit) => commit.identifier.name === identifier.name);
    const known = next[index];
    const uuid = base.metadata['table-uuid'];
    if (known) next[index] = { ...known, updates: [...known.updates, ...updates] };
    else next.push({ identifier, base, requirements: [{ type: 'assert-table-uuid', uuid }], updates });
  }
  return next;
}
