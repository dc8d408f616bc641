/** Manifest lists: the Avro file of a snapshot that names its manifests. Written in format version 2, read in 1 and 2. */
import { PlumbingError } from '../errors/index.ts';
import { decodeAvro, encodeAvro } from './avro.ts';
import type { AvroRecord, AvroSchema } from './avro.ts';
import type { ManifestFile, PartitionSummary } from './data-file.ts';

/** What a manifest list is written for. */
export interface ManifestListContext {
  readonly snapshotId: bigint;
  readonly parentSnapshotId: bigint | undefined;
  readonly sequenceNumber: bigint;
}

/** The bytes of a manifest list. */
export function encodeManifestList(
  context: ManifestListContext,
  manifests: readonly ManifestFile[],
): Uint8Array {
  const header = {
    'snapshot-id': String(context.snapshotId),
    'parent-snapshot-id': String(context.parentSnapshotId ?? 'null'),
    'sequence-number': String(context.sequenceNumber),
    'format-version': '2',
  };
  return encodeAvro(listSchema, header, manifests.map(recordOf));
}

/** The manifests that a list names. */
export function decodeManifestList(bytes: Uint8Array, location: string): ManifestFile[] {
  const { records } = decodeAvro(bytes, location);
  return records.map((record) => {
    if (typeof record['manifest_path'] !== 'string')
      throw new PlumbingError('DEST_CORRUPT', `${location} is no Iceberg manifest list: a path is missing`);
    return manifestOf(record);
  });
}

function recordOf(manifest: ManifestFile): AvroRecord {
  return {
    manifest_path: manifest.location,
    manifest_length: manifest.lengthBytes,
    partition_spec_id: manifest.specId,
    content: manifest.content === 'data' ? 0 : 1,
    sequence_number: manifest.sequenceNumber,
    min_sequence_number: manifest.minSequenceNumber,
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: manifest.addedFiles,
    existing_files_count: manifest.existingFiles,
    deleted_files_count: manifest.deletedFiles,
    added_rows_count: manifest.addedRows,
    existing_rows_count: manifest.existingRows,
    deleted_rows_count: manifest.deletedRows,
    partitions:
      manifest.partitions?.map((summary) => ({
        contains_null: summary.containsNull,
        contains_nan: summary.containsNan ?? null,
        lower_bound: summary.lowerBound ? Buffer.from(summary.lowerBound) : null,
        upper_bound: summary.upperBound ? Buffer.from(summary.upperBound) : null,
      })) ?? null,
    key_metadata: null,
  };
}

function manifestOf(record: AvroRecord): ManifestFile {
  // Version 1 may leave counts out; then there may be any.
  const count = (name: string, older: string): number => Number(record[name] ?? record[older] ?? 1);
  const rows = (name: string): bigint => (record[name] as bigint | null | undefined) ?? 0n;
  const partitions = record['partitions'] as AvroRecord[] | null | undefined;
  return {
    location: record['manifest_path'] as string,
    lengthBytes: record['manifest_length'] as bigint,
    specId: record['partition_spec_id'] as number,
    content: record['content'] === 1 ? 'deletes' : 'data',
    sequenceNumber: rows('sequence_number'),
    minSequenceNumber: rows('min_sequence_number'),
    addedSnapshotId: (record['added_snapshot_id'] as bigint | null | undefined) ?? 0n,
    addedFiles: count('added_files_count', 'added_data_files_count'),
    existingFiles: count('existing_files_count', 'existing_data_files_count'),
    deletedFiles: count('deleted_files_count', 'deleted_data_files_count'),
    addedRows: rows('added_rows_count'),
    existingRows: rows('existing_rows_count'),
    deletedRows: rows('deleted_rows_count'),
    ...(partitions && { partitions: partitions.map(summaryOf) }),
  };
}

function summaryOf(record: AvroRecord): PartitionSummary {
  const { contains_nan: nan, lower_bound: lower, upper_bound: upper } = record;
  return {
    containsNull: record['contains_null'] === true,
    ...(typeof nan === 'boolean' && { containsNan: nan }),
    ...(lower instanceof Uint8Array && { lowerBound: Uint8Array.from(lower) }),
    ...(upper instanceof Uint8Array && { upperBound: Uint8Array.from(upper) }),
  };
}

const field = (id: number, name: string, type: unknown): AvroSchema => ({ name, type, 'field-id': id });
const optional = (id: number, name: string, type: unknown): AvroSchema => ({
  name,
  type: ['null', type],
  default: null,
  'field-id': id,
});

const summarySchema = {
  type: 'record',
  name: 'r508',
  fields: [
    field(509, 'contains_null', 'boolean'),
    optional(518, 'contains_nan', 'boolean'),
    optional(510, 'lower_bound', 'bytes'),
    optional(511, 'upper_bound', 'bytes'),
  ],
};

const listSchema: AvroSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    field(500, 'manifest_path', 'string'),
    field(501, 'manifest_length', 'long'),
    field(502, 'partition_spec_id', 'int'),
    field(517, 'content', 'int'),
    field(515, 'sequence_number', 'long'),
    field(516, 'min_sequence_number', 'long'),
    field(503, 'added_snapshot_id', 'long'),
    field(504, 'added_files_count', 'int'),
    field(505, 'existing_files_count', 'int'),
    field(506, 'deleted_files_count', 'int'),
    field(512, 'added_rows_count', 'long'),
    field(513, 'existing_rows_count', 'long'),
    field(514, 'deleted_rows_count', 'long'),
    optional(507, 'partitions', { type: 'array', items: summarySchema, 'element-id': 508 }),
    optional(519, 'key_metadata', 'bytes'),
  ],
};
