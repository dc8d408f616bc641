/** Which commit of the server is meant: that of a branch, of a tag, or of a time. */
import { PlumbingError } from '../../errors/index.ts';
import { toTimestamp } from '../../model/index.ts';
import type { NessieApi } from './nessie-api.ts';
import type { NessieOptions } from './options.ts';

/** A reference that exists. */
export interface ResolvedReference {
  /** A branch, a tag, or one of them at a commit: `main@hash`. */
  readonly ref: string;
  /** Whether it can be written to. */
  readonly isBranch: boolean;
}

/**
 * Finds the reference of some options; a time becomes the latest commit that was there then.
 *
 * @throws PlumbingError `CONFIG_INVALID` when there is no such branch or tag, no such time, or no commit yet at that time;
 * `AUTH_REJECTED`, `DEST_FAILED` and `HTTP_*` when the server can not be asked
 */
export async function resolveReference(
  api: NessieApi,
  options: Pick<NessieOptions, 'ref' | 'at'>,
  defaultBranch: string,
): Promise<ResolvedReference> {
  const { ref = defaultBranch, at } = options;
  const [name = '', hash] = ref.split('@');
  const reference = await api.reference(name);
  if (!reference) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      `Nessie has no branch or tag "${name}"; create it, or name another one (option ref, NESSIE_REF)`,
    );
  }
  if (at === undefined) return { ref, isBranch: hash === undefined && reference.type === 'BRANCH' };
  if (hash !== undefined)
    throw new PlumbingError('CONFIG_INVALID', `Nessie: give a commit ("${ref}") or a time (at), not both`);
  const time = toTimestamp(at);
  if (time === undefined) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      'Nessie: at (NESSIE_AT) is no timestamp with a time zone, e.g. 2026-11-01T00:00:00Z',
    );
  }
  const commit = await api.contents.hashAt(name, time);
  if (commit !== undefined) return { ref: `${name}@${commit}`, isBranch: false };
  throw new PlumbingError('CONFIG_INVALID', `Nessie: "${name}" had no commit yet at ${time}`);
}
