/** The Nessie destination. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PlumbingError } from '../../errors/index.ts';
import type { Destination } from '../../model/index.ts';
import { IcebergSession } from '../iceberg/session.ts';
import { openNessie } from './open-nessie.ts';
import { placeOf } from './options.ts';
import type { NessieOptions } from './options.ts';
import { undoByContents } from './undo.ts';

/**
 * Apache Iceberg tables in object storage, with a Project Nessie server as their catalog (its Iceberg REST and API version 2).
 *
 * A load, with all its streams, cursors and run record, is one commit on the branch: readers see all of it or nothing. With checks
 * it is committed to a branch of its own, checked there, and merged; when a check fails that branch stays, for a week, and the
 * report names it. When another commit came first the load is planned anew on top of it, and checked again. Nothing is ever forced.
 *
 * @throws PlumbingError `CONFIG_INVALID` for an address that is none. `open` throws `CONFIG_INVALID` for a branch that does not
 * exist, and for a tag, commit or time that is not only to be read, `AUTH_REJECTED` for credentials that the server does not take, `HTTP_*` when it does not answer; `begin`
 * throws `DEST_BUSY` (retryable) when another load of the pipeline on this machine does not end in time, and as `iceberg` does;
 * commits throw `COMMIT_CONFLICT` (retryable) when others come first each time, `COMMIT_UNKNOWN` when the server
 * can't be asked what became of one.
 *
 * @example
 * ```ts
 * const report = await run({ source: comdirect(), destination: nessie(loadNessieConfig()) });
 * ```
 */
export function nessie(options: NessieOptions): Destination {
  return {
    name: 'nessie',
    location: placeOf(options),
    checkpoint: { rows: 50_000, intervalMs: 60_000 },
    async open({ readOnly = false, signal } = {}) {
      signal?.throwIfAborted();
      const connection = await openNessie(options);
      const { house, isBranch } = connection;
      if (!readOnly) {
        if (!isBranch) throw onlyRead(house.path);
        await mkdir(dirname(house.options.lockFile), { recursive: true, mode: 0o700 });
      }
      return new IcebergSession(house, readOnly, undoByContents(connection));
    },
  };
}

function onlyRead(path: string): PlumbingError {
  return new PlumbingError(
    'CONFIG_INVALID',
    `${path}: tags, commits and times of Nessie can only be read; name a branch (option ref, NESSIE_REF) without a time (option at, NESSIE_AT)`,
  );
}
