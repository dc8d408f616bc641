/** Merges a branch of the catalog once, and finds out what became of that. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbingError } from '../../errors/index.ts';
import type { CatalogBranches } from '../../iceberg/catalog.ts';
import { getLogger } from '../../logging/index.ts';

const log = getLogger('destinations');
/** How long a merge of unknown outcome may still come late, and how often it is looked for. */
const lookups = 5;
const lookupMs = 500;

/** How the branches of a pipeline begin; the rest is an id that tells when. */
export function branchPrefix(pipeline: string): string {
  return `plumbing_${createHash('sha256').update(pipeline).digest('hex').slice(0, 12)}_`;
}

/**
 * Merges. `isThere` looks whether the merge is a part of what readers see. After `conflict` it may still come late, until the
 * branch is gone.
 *
 * @throws PlumbingError `COMMIT_UNKNOWN` when the outcome can't be looked up
 */
export async function mergeBranch(
  { path }: { readonly path: string },
  branches: CatalogBranches,
  branch: string,
  message: string,
  isThere: () => Promise<boolean>,
): Promise<'committed' | 'conflict'> {
  const outcome = await branches.merge(branch, message);
  if (outcome === 'committed') return outcome;
  if (outcome === 'unknown') log.warn('the catalog did not answer a merge; looking it up', {});
  // A conflict may be with this very merge, when its first answer was lost on the way.
  try {
    for (let i = 0; ; i++) {
      if (await isThere()) return 'committed';
      if (outcome === 'conflict' || i === lookups) break;
      await sleep(lookupMs);
    }
  } catch (cause) {
    throw new PlumbingError(
      'COMMIT_UNKNOWN',
      `${path}: the catalog did not answer a merge, and can not be asked about it. Run again: what is there will not be done twice`,
      { cause },
    );
  }
  return 'conflict';
}

/** Removes branches on which no outcome hangs. */
export async function quietly(branch: string, remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    log.warn('branch {branch} could not be removed: {message}', {
      branch,
      message: error instanceof Error ? error.message : String(error),
    });
  }
}
