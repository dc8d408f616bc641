/** Where the files of tables lie: a folder, or an S3 bucket. */

/** A file that {@link FileIo.list} found. */
export interface ListedFile {
  readonly location: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970, by the store's clock. */
  readonly modifiedMs: number;
}

/**
 * Reads and writes whole files by their location (`file:///data/t/x.parquet`, `s3://bucket/t/x.parquet`). Files are never
 * changed once they are written: each has a name that was never used before.
 *
 * @throws PlumbingError from each method: `DEST_FAILED` (retryable for faults of network and server) or `DEST_FULL`;
 * reading a file that is not there is `DEST_CORRUPT`, because something pointed to it.
 */
export interface FileIo {
  /** All bytes of a file. */
  read(location: string): Promise<Uint8Array>;
  /** The bytes from `start` to before `end`. */
  readRange(location: string, start: number, end: number): Promise<Uint8Array>;
  /**
   * Creates a file, whole or not at all, durable when the promise is fulfilled. `COMMIT_CONFLICT` when it exists already.
   */
  write(location: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file; one that is not there is no error. */
  remove(location: string): Promise<void>;
  /** All files whose location starts with `prefix` (a folder, ending in `/`), in any order. */
  list(prefix: string): AsyncIterable<ListedFile>;
}

/**
 * Checks the bounds of {@link FileIo.readRange}.
 *
 * @throws RangeError for anything but whole numbers with `0 <= start <= end`.
 */
export function checkRange(start: number, end: number): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start)
    throw new RangeError(`bytes ${start} to ${end} are no range of a file`);
}
