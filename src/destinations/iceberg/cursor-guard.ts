/** Cursors that another run may have moved meanwhile. */
import { PlumbingError } from '../../errors/index.ts';
import type { TableMetadata } from '../../iceberg/metadata.ts';
import { stringifyJson } from '../../model/index.ts';
import type { StateEntry } from '../../model/index.ts';
import { readState } from './state-properties.ts';

/** The cursors of one table that a run goes on from. */
export class CursorGuard {
  readonly #path: string;
  readonly #pipeline: string;
  #expected = new Map<string, string>();

  constructor(path: string, pipeline: string) {
    this.#path = path;
    this.#pipeline = pipeline;
  }

  /** Takes the cursors of a table as those that the run goes on from. */
  expect(metadata: TableMetadata | undefined): void {
    const known = metadata ? readState(metadata, this.#pipeline) : [];
    this.#expected = new Map(known.map((entry) => [entry.partition, stringifyJson(entry)]));
  }

  /**
   * Refuses to move cursors that are not the expected ones any more: then the rows of another run are there, and ours perhaps
   * the same.
   *
   * @throws PlumbingError `COMMIT_CONFLICT` (retryable)
   */
  require(metadata: TableMetadata | undefined, state: readonly StateEntry[]): void {
    const known = metadata ? readState(metadata, this.#pipeline) : [];
    for (const { stream, partition } of state) {
      const entry = known.find(
        (candidate) => candidate.stream === stream && candidate.partition === partition,
      );
      if ((entry && stringifyJson(entry)) === this.#expected.get(partition)) continue;
      throw new PlumbingError(
        'COMMIT_CONFLICT',
        `${this.#path}: another run of pipeline "${this.#pipeline}" has moved the cursor of stream "${stream}" meanwhile; run again`,
        { retryable: true, context: { stream } },
      );
    }
  }
}
