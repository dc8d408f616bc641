/** Changes to a table's metadata, and what must hold for them: in the form of the Iceberg REST specification. */
import { PlumbingError } from '../errors/index.ts';
import { mainBranch, snapshotById } from './metadata.ts';
import type { PartitionSpec, Snapshot, SnapshotRef, SortOrder, TableMetadata } from './metadata.ts';
import type { Schema } from './types.ts';

/** One change. `-1` as an id stands for what the update before it added. */
export type MetadataUpdate =
  | { readonly action: 'assign-uuid'; readonly uuid: string }
  | { readonly action: 'upgrade-format-version'; readonly 'format-version': number }
  | { readonly action: 'set-location'; readonly location: string }
  | { readonly action: 'add-schema'; readonly schema: Schema; readonly 'last-column-id': number }
  | { readonly action: 'set-current-schema'; readonly 'schema-id': number }
  | { readonly action: 'add-spec'; readonly spec: PartitionSpec }
  | { readonly action: 'set-default-spec'; readonly 'spec-id': number }
  | { readonly action: 'add-sort-order'; readonly 'sort-order': SortOrder }
  | { readonly action: 'set-default-sort-order'; readonly 'sort-order-id': number }
  | { readonly action: 'add-snapshot'; readonly snapshot: Snapshot }
  | ({ readonly action: 'set-snapshot-ref'; readonly 'ref-name': string } & SnapshotRef)
  | { readonly action: 'remove-snapshot-ref'; readonly 'ref-name': string }
  | { readonly action: 'remove-snapshots'; readonly 'snapshot-ids': readonly bigint[] }
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] };

/** One condition. A commit whose conditions do not hold has certainly changed nothing. */
export type Requirement =
  | { readonly type: 'assert-create' }
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  | {
      readonly type: 'assert-ref-snapshot-id';
      readonly ref: string;
      /** `null`: there must be no such ref. */
      readonly 'snapshot-id': bigint | null;
    }
  | { readonly type: 'assert-last-assigned-field-id'; readonly 'last-assigned-field-id': number }
  | { readonly type: 'assert-current-schema-id'; readonly 'current-schema-id': number }
  | { readonly type: 'assert-default-spec-id'; readonly 'default-spec-id': number };

/**
 * Lets a branch name another snapshot. How long it and its snapshots are kept stays as it was set.
 *
 * @param id of a snapshot that the table has, or that is added by an update before this one
 */
export function moveBranch({ refs }: TableMetadata, name: string, id: bigint): MetadataUpdate {
  const { type = 'branch', ...settings } = refs[name] ?? {};
  return { action: 'set-snapshot-ref', ...settings, type, 'ref-name': name, 'snapshot-id': id };
}

/** Metadata of a table that is being made, without schema, spec and sort order yet. */
function emptyMetadata(nowMs: number): TableMetadata {
  return {
    'format-version': 2,
    'table-uuid': '',
    location: '',
    'last-sequence-number': 0n,
    'last-updated-ms': nowMs,
    'last-column-id': 0,
    schemas: [],
    'current-schema-id': -1,
    'partition-specs': [],
    'default-spec-id': -1,
    'last-partition-id': 999,
    properties: {},
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    'sort-orders': [],
    'default-sort-order-id': 0,
    refs: {},
  };
}

/** Whether a condition holds for a table; `undefined` stands for a table that is not there. */
export function holds(requirement: Requirement, metadata: TableMetadata | undefined): boolean {
  if (requirement.type === 'assert-create') return metadata === undefined;
  if (!metadata) return false;
  switch (requirement.type) {
    case 'assert-table-uuid':
      return metadata['table-uuid'] === requirement.uuid;
    case 'assert-ref-snapshot-id':
      return (metadata.refs[requirement.ref]?.['snapshot-id'] ?? null) === requirement['snapshot-id'];
    case 'assert-last-assigned-field-id':
      return metadata['last-column-id'] === requirement['last-assigned-field-id'];
    case 'assert-current-schema-id':
      return metadata['current-schema-id'] === requirement['current-schema-id'];
    case 'assert-default-spec-id':
      return metadata['default-spec-id'] === requirement['default-spec-id'];
    default:
      return requirement satisfies never;
  }
}

/**
 * The metadata after some changes, made in their order. Without `base` a table is made.
 *
 * @throws PlumbingError `SCHEMA_INVALID` for a change that can not be made, `DEST_FOREIGN` for a table of format version 1,
 * whose readers would not understand what is written here.
 */
export function applyUpdates(
  base: TableMetadata | undefined,
  updates: readonly MetadataUpdate[],
  nowMs: number,
): TableMetadata {
  let metadata = base ?? emptyMetadata(nowMs);
  // The clock may have gone back since; a table's time never does.
  const timeMs = Math.max(nowMs, metadata['last-updated-ms']);
  for (const update of updates) metadata = apply(metadata, update, timeMs);
  if (metadata['format-version'] < 2) {
    throw new PlumbingError(
      'DEST_FOREIGN',
      `${metadata.location}: tables of format version 1 are only read; have the program that wrote it upgrade it to 2`,
    );
  }
  return { ...metadata, 'last-updated-ms': timeMs };
}

function apply(metadata: TableMetadata, update: MetadataUpdate, nowMs: number): TableMetadata {
  switch (update.action) {
    case 'assign-uuid':
      return { ...metadata, 'table-uuid': update.uuid };
    case 'upgrade-format-version':
      if (update['format-version'] < metadata['format-version'])
        throw invalid('its format version can not go back');
      return { ...metadata, 'format-version': update['format-version'] };
    case 'set-location':
      return { ...metadata, location: update.location };
    case 'add-schema': {
      const id = metadata.schemas.reduce((highest, schema) => Math.max(highest, schema['schema-id'] + 1), 0);
      return {
        ...metadata,
        schemas: [...metadata.schemas, { ...update.schema, 'schema-id': id }],
        'last-column-id': Math.max(metadata['last-column-id'], update['last-column-id']),
      };
    }
    case 'set-current-schema': {
      const id = update['schema-id'] === -1 ? metadata.schemas.at(-1)?.['schema-id'] : update['schema-id'];
      if (!metadata.schemas.some((schema) => schema['schema-id'] === id))
        throw invalid('there is no such schema');
      return { ...metadata, 'current-schema-id': id as number };
    }
    case 'add-spec': {
      const id = metadata['partition-specs'].reduce(
        (highest, spec) => Math.max(highest, spec['spec-id'] + 1),
        0,
      );
      const last = update.spec.fields.reduce(
        (highest, field) => Math.max(highest, field['field-id']),
        metadata['last-partition-id'],
      );
      return {
        ...metadata,
        'partition-specs': [...metadata['partition-specs'], { ...update.spec, 'spec-id': id }],
        'last-partition-id': last,
      };
    }
    case 'set-default-spec': {
      const id =
        update['spec-id'] === -1 ? metadata['partition-specs'].at(-1)?.['spec-id'] : update['spec-id'];
      return { ...metadata, 'default-spec-id': id as number };
    }
    case 'add-sort-order':
      return { ...metadata, 'sort-orders': [...metadata['sort-orders'], update['sort-order']] };
    case 'set-default-sort-order': {
      const id =
        update['sort-order-id'] === -1
          ? metadata['sort-orders'].at(-1)?.['order-id']
          : update['sort-order-id'];
      return { ...metadata, 'default-sort-order-id': id as number };
    }
    case 'add-snapshot':
      return addSnapshot(metadata, update.snapshot);
    case 'set-snapshot-ref': {
      const { action: _action, 'ref-name': name, ...ref } = update;
      return setRef(metadata, name, ref, nowMs);
    }
    case 'remove-snapshot-ref': {
      const { [update['ref-name']]: _removed, ...refs } = metadata.refs;
      return { ...metadata, refs };
    }
    case 'remove-snapshots':
      return removeSnapshots(metadata, new Set(update['snapshot-ids']));
    case 'set-properties':
      return { ...metadata, properties: { ...metadata.properties, ...update.updates } };
    case 'remove-properties': {
      const removals = new Set(update.removals);
      const kept = Object.entries(metadata.properties).filter(([key]) => !removals.has(key));
      return { ...metadata, properties: Object.fromEntries(kept) };
    }
    default:
      return update satisfies never;
  }
}

function addSnapshot(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  if (snapshotById(metadata, snapshot['snapshot-id'])) throw invalid('it has a snapshot of that id already');
  if (snapshot['sequence-number'] <= metadata['last-sequence-number'])
    throw invalid('the snapshot is older than its newest one');
  return {
    ...metadata,
    snapshots: [...metadata.snapshots, snapshot],
    'last-sequence-number': snapshot['sequence-number'],
  };
}

function setRef(metadata: TableMetadata, name: string, ref: SnapshotRef, nowMs: number): TableMetadata {
  const id = ref['snapshot-id'];
  if (!snapshotById(metadata, id)) throw invalid(`ref "${name}" names a snapshot that it does not have`);
  const refs = { ...metadata.refs, [name]: ref };
  if (name !== mainBranch || metadata['current-snapshot-id'] === id) return { ...metadata, refs };
  return {
    ...metadata,
    refs,
    'current-snapshot-id': id,
    'snapshot-log': [...metadata['snapshot-log'], { 'snapshot-id': id, 'timestamp-ms': nowMs }],
  };
}

function removeSnapshots(metadata: TableMetadata, ids: ReadonlySet<bigint>): TableMetadata {
  for (const [name, ref] of Object.entries(metadata.refs)) {
    if (ids.has(ref['snapshot-id'])) throw invalid(`ref "${name}" still names a snapshot that is to go`);
  }
  const log = metadata['snapshot-log'];
  // The log tells what was current when; before a gap it would tell wrong.
  const lastGap = log.findLastIndex((item) => ids.has(item['snapshot-id']));
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter((snapshot) => !ids.has(snapshot['snapshot-id'])),
    'snapshot-log': log.slice(lastGap + 1),
  };
}

function invalid(what: string): PlumbingError {
  return new PlumbingError('SCHEMA_INVALID', `the table can not be changed: ${what}`);
}
