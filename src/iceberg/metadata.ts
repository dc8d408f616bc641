/** The metadata file of a table (Iceberg specification, "Table Metadata"), with its 64-bit ids as bigints. */
import { PlumbingError } from '../errors/index.ts';
import { parseJson } from '../http/json.ts';
import type { Schema } from './types.ts';

/** How values of one column make a partition value. */
export interface PartitionField {
  readonly 'source-id': number;
  /** From 1000 on, never used again. */
  readonly 'field-id': number;
  readonly name: string;
  readonly transform: string;
}

/** How a table's files are cut into partitions. Without fields: not at all. */
export interface PartitionSpec {
  readonly 'spec-id': number;
  readonly fields: readonly PartitionField[];
}

/** In which order rows lie within a data file. */
export interface SortOrder {
  readonly 'order-id': number;
  readonly fields: readonly {
    readonly transform: string;
    readonly 'source-id': number;
    readonly direction: 'asc' | 'desc';
    readonly 'null-order': 'nulls-first' | 'nulls-last';
  }[];
}

/** What a snapshot did. */
export type Operation = 'append' | 'replace' | 'overwrite' | 'delete';

/** The state of a table at one time. */
export interface Snapshot {
  readonly 'snapshot-id': bigint;
  readonly 'parent-snapshot-id'?: bigint;
  readonly 'sequence-number': bigint;
  readonly 'timestamp-ms': number;
  readonly 'manifest-list': string;
  readonly summary: { readonly operation: Operation } & Readonly<Record<string, string>>;
  readonly 'schema-id'?: number;
}

/** A branch or tag. */
export interface SnapshotRef {
  readonly 'snapshot-id': bigint;
  readonly type: 'branch' | 'tag';
  readonly 'min-snapshots-to-keep'?: number;
  readonly 'max-snapshot-age-ms'?: number;
  readonly 'max-ref-age-ms'?: number;
}

/** A table: all of its schemas, specs, snapshots and refs. Fields of the file that are not named here are kept. */
export interface TableMetadata {
  readonly 'format-version': number;
  readonly 'table-uuid': string;
  readonly location: string;
  readonly 'last-sequence-number': bigint;
  readonly 'last-updated-ms': number;
  readonly 'last-column-id': number;
  readonly schemas: readonly Schema[];
  readonly 'current-schema-id': number;
  readonly 'partition-specs': readonly PartitionSpec[];
  readonly 'default-spec-id': number;
  readonly 'last-partition-id': number;
  readonly properties: Readonly<Record<string, string>>;
  readonly 'current-snapshot-id'?: bigint;
  readonly snapshots: readonly Snapshot[];
  readonly 'snapshot-log': readonly { readonly 'snapshot-id': bigint; readonly 'timestamp-ms': number }[];
  readonly 'metadata-log': readonly { readonly 'metadata-file': string; readonly 'timestamp-ms': number }[];
  readonly 'sort-orders': readonly SortOrder[];
  readonly 'default-sort-order-id': number;
  readonly refs: Readonly<Record<string, SnapshotRef>>;
}

/** The branch that readers see. */
export const mainBranch = 'main';

/**
 * Reads the text of a metadata file. A file of format version 1 is read as well: it is given the fields of version 2.
 *
 * @throws PlumbingError `DEST_CORRUPT` for a text that is none, `DEST_FOREIGN` for a format version above 2.
 */
export function parseMetadata(text: string, location: string): TableMetadata {
  let raw: unknown;
  try {
    raw = parseJson(text, location);
  } catch (error) {
    throw corrupt(location, 'it is no JSON', error);
  }
  return readMetadataJson(raw, location);
}

/**
 * Reads metadata that was parsed already, without loss of digits. Errors as {@link parseMetadata}.
 */
export function readMetadataJson(json: unknown, location: string): TableMetadata {
  if (typeof json !== 'object' || json === null) throw corrupt(location, 'it is no JSON object');
  const raw = json as Record<string, unknown>;
  const version = raw['format-version'];
  if (version !== 1 && version !== 2) {
    throw new PlumbingError(
      'DEST_FOREIGN',
      `${location}: format version ${String(version)} of Iceberg is not supported; versions 1 and 2 are`,
    );
  }
  if (typeof raw['location'] !== 'string' || typeof raw['table-uuid'] !== 'string') {
    throw corrupt(location, 'it has no location or table-uuid');
  }
  try {
    return normalize(raw);
  } catch (error) {
    throw corrupt(location, 'a field is missing or of a wrong type', error);
  }
}

function corrupt(location: string, why: string, cause?: unknown): PlumbingError {
  return new PlumbingError('DEST_CORRUPT', `${location} is no Iceberg table metadata: ${why}`, { cause });
}

/** The text of a metadata file. */
export function metadataText(metadata: TableMetadata): string {
  return stringifyIds(metadata);
}

const { rawJSON: rawJson } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** JSON in which bigints keep all their digits. */
export function stringifyIds(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? rawJson(item.toString()) : item,
  );
}

/** The snapshot that a branch or tag points to; `undefined` for an empty table. */
export function snapshotOf(metadata: TableMetadata, ref = mainBranch): Snapshot | undefined {
  const id = metadata.refs[ref]?.['snapshot-id'];
  return id === undefined ? undefined : snapshotById(metadata, id);
}

/** The snapshot of an id, if the table still has it. */
export function snapshotById(metadata: TableMetadata, id: bigint): Snapshot | undefined {
  return metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id);
}

/** The schema of an id; default: the current one. */
export function schemaOf(metadata: TableMetadata, id = metadata['current-schema-id']): Schema {
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === id);
  if (schema) return schema;
  throw new PlumbingError('DEST_CORRUPT', `${metadata.location}: the table has no schema ${id}`);
}

/** The partition spec of an id; default: the one for new files. */
export function specOf(metadata: TableMetadata, id = metadata['default-spec-id']): PartitionSpec {
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === id);
  if (spec) return spec;
  throw new PlumbingError('DEST_CORRUPT', `${metadata.location}: the table has no partition spec ${id}`);
}

type Raw = Record<string, unknown>;

function normalize(raw: Raw): TableMetadata {
  const currentId = raw['current-snapshot-id'];
  // Absent, null and -1 all say: the table has no rows yet.
  const hasCurrent = currentId !== undefined && currentId !== null && BigInt(currentId as number) !== -1n;
  const schemas = (raw['schemas'] as Schema[] | undefined) ?? [
    { ...(raw['schema'] as Schema), 'schema-id': (raw['schema'] as Partial<Schema>)['schema-id'] ?? 0 },
  ];
  const specs = (raw['partition-specs'] as PartitionSpec[] | undefined) ?? [
    { 'spec-id': 0, fields: (raw['partition-spec'] as PartitionSpec['fields'] | undefined) ?? [] },
  ];
  const { 'current-snapshot-id': _dropped, ...rest } = raw;
  const refs = Object.fromEntries(
    Object.entries((raw['refs'] as Record<string, Raw> | undefined) ?? {}).map(([name, ref]) => [
      name,
      { ...ref, 'snapshot-id': BigInt(ref['snapshot-id'] as number) },
    ]),
  ) as Record<string, SnapshotRef>;
  if (hasCurrent) {
    refs[mainBranch] = {
      ...(refs[mainBranch] ?? { type: 'branch' }),
      'snapshot-id': BigInt(currentId as number),
    };
  }
  return {
    ...(rest as unknown as TableMetadata),
    'last-sequence-number': BigInt((raw['last-sequence-number'] as number | undefined) ?? 0),
    schemas,
    'current-schema-id': (raw['current-schema-id'] as number | undefined) ?? schemas[0]?.['schema-id'] ?? 0,
    'partition-specs': specs,
    'default-spec-id': (raw['default-spec-id'] as number | undefined) ?? 0,
    'last-partition-id': (raw['last-partition-id'] as number | undefined) ?? lastPartitionId(specs),
    properties: (raw['properties'] as Record<string, string> | undefined) ?? {},
    ...(hasCurrent && { 'current-snapshot-id': BigInt(currentId as number) }),
    snapshots: list(raw['snapshots']).map((item) => snapshot(item)),
    'snapshot-log': list(raw['snapshot-log']).map((item) => ({
      ...(item as { 'timestamp-ms': number }),
      'snapshot-id': BigInt(item['snapshot-id'] as number),
    })),
    'metadata-log': list(raw['metadata-log']) as unknown as TableMetadata['metadata-log'],
    'sort-orders': (raw['sort-orders'] as SortOrder[] | undefined) ?? [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': (raw['default-sort-order-id'] as number | undefined) ?? 0,
    refs,
  };
}

function list(value: unknown): Raw[] {
  return (value as Raw[] | undefined | null) ?? [];
}

function snapshot(raw: Raw): Snapshot {
  const parent = raw['parent-snapshot-id'];
  const { 'parent-snapshot-id': _dropped, ...rest } = raw;
  return {
    ...(rest as unknown as Snapshot),
    'snapshot-id': BigInt(raw['snapshot-id'] as number),
    ...(parent !== undefined && parent !== null && { 'parent-snapshot-id': BigInt(parent as number) }),
    'sequence-number': BigInt((raw['sequence-number'] as number | undefined) ?? 0),
    summary: (raw['summary'] as Snapshot['summary'] | undefined) ?? { operation: 'append' },
  };
}

function lastPartitionId(specs: readonly PartitionSpec[]): number {
  return Math.max(999, ...specs.flatMap((spec) => spec.fields.map((field) => field['field-id'])));
}
