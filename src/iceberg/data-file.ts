/** Files of rows and of deletes, as manifests describe them. */
import type { Cell } from './types.ts';

/** What a file holds. */
export type FileContent = 'data' | 'position-deletes' | 'equality-deletes';

/** Figures on the columns of a file, by field id. A figure that is absent is unknown. */
export interface ColumnStatistics {
  readonly columnSizes: ReadonlyMap<number, bigint>;
  /** Values, nulls included. */
  readonly valueCounts: ReadonlyMap<number, bigint>;
  readonly nullCounts: ReadonlyMap<number, bigint>;
  readonly nanCounts: ReadonlyMap<number, bigint>;
  /** No value is below; as single-value bytes. */
  readonly lowerBounds: ReadonlyMap<number, Uint8Array>;
  /** No value is above. */
  readonly upperBounds: ReadonlyMap<number, Uint8Array>;
}

/** One file. */
export interface DataFile {
  readonly content: FileContent;
  readonly location: string;
  /** e.g. `PARQUET` */
  readonly format: string;
  readonly specId: number;
  /** Values of the spec's fields, in their order. */
  readonly partition: readonly Cell[];
  readonly recordCount: bigint;
  readonly fileSizeBytes: bigint;
  readonly statistics: ColumnStatistics;
  readonly splitOffsets?: readonly bigint[];
  readonly equalityIds?: readonly number[];
  readonly sortOrderId?: number;
}

/** A file in a manifest, with what became of it there. */
export interface ManifestEntry {
  readonly status: 'existing' | 'added' | 'deleted';
  /** The snapshot that added, or deleted, it. */
  readonly snapshotId: bigint;
  /** Deletes apply to rows of a lower number, and position deletes to those of an equal one. */
  readonly sequenceNumber: bigint;
  /** The snapshot's number that added the file itself. */
  readonly fileSequenceNumber: bigint;
  readonly file: DataFile;
}

/** What is in a manifest, told by the manifest list. */
export interface ManifestFile {
  readonly location: string;
  readonly lengthBytes: bigint;
  readonly specId: number;
  readonly content: 'data' | 'deletes';
  readonly sequenceNumber: bigint;
  readonly minSequenceNumber: bigint;
  readonly addedSnapshotId: bigint;
  readonly addedFiles: number;
  readonly existingFiles: number;
  readonly deletedFiles: number;
  readonly addedRows: bigint;
  readonly existingRows: bigint;
  readonly deletedRows: bigint;
  /** One a field of the spec; absent when unknown. */
  readonly partitions?: readonly PartitionSummary[];
}

/** The values of one partition field over all files of a manifest. */
export interface PartitionSummary {
  readonly containsNull: boolean;
  readonly containsNan?: boolean;
  readonly lowerBound?: Uint8Array;
  readonly upperBound?: Uint8Array;
}
