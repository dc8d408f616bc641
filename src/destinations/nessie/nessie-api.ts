/** Nessie's own API, version 2: branches, tags, history, merges. */
import { HttpError, PlumbingError } from '../../errors/index.ts';
import type { HttpClient, HttpRequest } from '../../http/index.ts';
import { isAnswer } from '../../iceberg/commit-request.ts';
import type { CatalogHeaders } from '../../iceberg/rest-credentials.ts';
import { refusal } from '../../iceberg/rest-refusal.ts';
import { NessieClient } from './nessie-client.ts';
import { NessieContents } from './nessie-contents.ts';

/** A branch or tag, and the commit that it is at. */
export interface NessieReference {
  readonly type: 'BRANCH' | 'TAG';
  readonly name: string;
  readonly hash: string;
}

/** One commit. */
export interface NessieCommit {
  readonly hash: string;
  readonly message: string;
  /** ISO 8601. */
  readonly commitTime: string;
  readonly parentHashes: readonly string[];
  readonly properties: Readonly<Record<string, readonly string[]>>;
}

/** A table, view or namespace as a reference has it. */
export interface NessieEntry {
  readonly type: string;
  readonly elements: readonly string[];
}

/** What differs between two references. */
export interface NessieDifference {
  readonly elements: readonly string[];
  readonly change: 'added' | 'removed' | 'changed';
}

/** What stands in the way of a merge. */
export interface NessieConflict {
  readonly elements: readonly string[];
  /** e.g. `VALUE_DIFFERS` */
  readonly type: string;
}

/** How a merge ended. `conflict`: nothing was changed. `unknown`: it may have happened. */
export type NessieMerge =
  | { readonly outcome: 'committed'; readonly hash: string }
  | { readonly outcome: 'conflict'; readonly conflicts: readonly NessieConflict[] }
  | { readonly outcome: 'unknown'; readonly cause: unknown };

/** Options of {@link NessieApi.merge}. */
export interface NessieMergeOptions {
  readonly message?: string;
  /** Only says how it would end. */
  readonly dryRun?: boolean;
}

/** What is asked of a server. `http` is bound to `/api/v2/`. */
export class NessieApi {
  /** What references have, and had. */
  readonly contents: NessieContents;
  readonly #client: NessieClient;

  constructor(http: HttpClient, headers: CatalogHeaders) {
    this.#client = new NessieClient(http, headers);
    this.contents = new NessieContents(this.#client);
  }

  /** The branch that the server takes for its main one, and where a branch is that nobody has committed to. */
  async config(): Promise<{ readonly defaultBranch: string; readonly noAncestorHash?: string }> {
    return (await this.#client.get('config')) as { defaultBranch: string; noAncestorHash?: string };
  }

  /** `undefined` when there is none of that name. */
  async reference(name: string): Promise<NessieReference | undefined> {
    try {
      const { reference } = (await this.#client.get(`trees/${encodeURIComponent(name)}`)) as {
        reference: NessieReference;
      };
      return reference;
    } catch (error) {
      if (error instanceof PlumbingError && error.cause instanceof HttpError && error.cause.status === 404)
        return undefined;
      throw error;
    }
  }

  /** All branches and tags whose names begin so. */
  async references(prefix = ''): Promise<NessieReference[]> {
    const filter = prefix === '' ? {} : { filter: `ref.name.startsWith('${prefix.replaceAll("'", "\\'")}')` };
    return this.#client.pages('trees', 'references', filter) as Promise<NessieReference[]>;
  }

  /** Makes a branch or tag at the commit of another reference. `COMMIT_CONFLICT` when the name is taken. */
  async create(type: 'BRANCH' | 'TAG', name: string, from: NessieReference): Promise<NessieReference> {
    const request = { method: 'POST', path: 'trees', query: { name, type }, body: { json: from } } as const;
    try {
      const { reference } = (await this.#client.send(request)) as { reference: NessieReference };
      return reference;
    } catch (error) {
      if (error instanceof HttpError && error.status === 409) {
        throw new PlumbingError('COMMIT_CONFLICT', `Nessie has a reference "${name}" already`, {
          retryable: true,
          cause: error,
        });
      }
      throw refusal(error);
    }
  }

  /** Puts a branch or tag at another commit. `COMMIT_CONFLICT` when it has moved meanwhile. */
  async assign(reference: NessieReference, to: NessieReference): Promise<void> {
    await this.#change({ method: 'PUT', path: `trees/${pathOf(reference)}`, body: { json: to } }, reference);
  }

  /** Deletes a branch or tag. One that is not there is no error; `COMMIT_CONFLICT` when it has moved meanwhile. */
  async remove(reference: NessieReference): Promise<void> {
    await this.#change({ method: 'DELETE', path: `trees/${pathOf(reference)}` }, reference);
  }

  /** What a reference has, e.g. `main` or `main@hash`. */
  async entries(ref: string): Promise<NessieEntry[]> {
    const found = await this.#client.pages(`trees/${encodeURIComponent(ref)}/entries`, 'entries', {});
    return (found as { type: string; name: { elements: string[] } }[]).map(({ type, name }) => ({
      type,
      elements: name.elements,
    }));
  }

  /** What differs at `to` from what is at `from`. */
  async diff(from: string, to: string): Promise<NessieDifference[]> {
    const path = `trees/${encodeURIComponent(from)}/diff/${encodeURIComponent(to)}`;
    const found = await this.#client.pages(path, 'diffs', {});
    return (found as { key: { elements: string[] }; from?: unknown; to?: unknown }[]).map((diff) => ({
      elements: diff.key.elements,
      change: diff.from === null || diff.from === undefined ? 'added' : diff.to ? 'changed' : 'removed',
    }));
  }

  /** The latest commits of a reference, newest first. */
  async history(ref: string, limit = 100): Promise<NessieCommit[]> {
    const page = (await this.#client.get(`trees/${encodeURIComponent(ref)}/history`, {
      'max-records': String(limit),
    })) as { logEntries: { commitMeta: RawCommit }[] };
    return page.logEntries.map(({ commitMeta }) => ({
      hash: commitMeta.hash,
      message: commitMeta.message,
      commitTime: commitMeta.commitTime,
      parentHashes: commitMeta.parentCommitHashes ?? [],
      properties: commitMeta.allProperties ?? {},
    }));
  }

  /**
   * Merges `from` into the branch `into`, as one commit. Both are as they were read: commits that came to `into` since are no
   * obstacle unless they changed the same tables. Sent once, and never with force.
   */
  async merge(
    from: NessieReference,
    into: NessieReference,
    { message, dryRun = false }: NessieMergeOptions = {},
  ): Promise<NessieMerge> {
    try {
      const result = (await this.#client.send({
        method: 'POST',
        path: `trees/${pathOf(into)}/history/merge`,
        body: {
          json: {
            fromRefName: from.name,
            fromHash: from.hash,
            defaultKeyMergeMode: 'NORMAL',
            ...(message !== undefined && { message }),
            ...(dryRun && { dryRun, isDryRun: dryRun }),
          },
        },
      })) as RawMerge;
      if (result.wasApplied || (dryRun && result.wasSuccessful))
        return { outcome: 'committed', hash: result.resultantTargetHash ?? into.hash };
      return { outcome: 'conflict', conflicts: conflictsOf(result) };
    } catch (error) {
      if (!(error instanceof HttpError)) {
        if (isAnswer(error)) return { outcome: 'unknown', cause: error };
        throw error;
      }
      const { status } = error;
      if (status === 409) return { outcome: 'conflict', conflicts: conflictsOf(bodyOf(error)) };
      if (status === 429) return { outcome: 'conflict', conflicts: [] };
      if (status === 408 || status >= 500) return { outcome: 'unknown', cause: error };
      throw refusal(error);
    }
  }

  async #change(request: HttpRequest, { name }: NessieReference): Promise<void> {
    try {
      await this.#client.send(request);
    } catch (error) {
      if (error instanceof HttpError && error.status === 404) return;
      if (error instanceof HttpError && error.status === 409) {
        throw new PlumbingError('COMMIT_CONFLICT', `reference "${name}" of Nessie has moved meanwhile`, {
          retryable: true,
          cause: error,
        });
      }
      throw refusal(error);
    }
  }
}

interface RawCommit {
  readonly hash: string;
  readonly message: string;
  readonly commitTime: string;
  readonly parentCommitHashes?: readonly string[];
  readonly allProperties?: Readonly<Record<string, readonly string[]>>;
}

interface RawMerge {
  readonly wasApplied?: boolean;
  readonly wasSuccessful?: boolean;
  readonly resultantTargetHash?: string;
  readonly details?: readonly {
    readonly key: { readonly elements: readonly string[] };
    readonly conflict?: { readonly conflictType?: string } | null;
  }[];
  /** Of an error. */
  readonly errorDetails?: {
    readonly conflicts?: readonly {
      readonly conflictType?: string;
      readonly key?: { readonly elements: readonly string[] };
    }[];
  };
}

function conflictsOf({ details = [], errorDetails }: RawMerge): NessieConflict[] {
  const ofTables = details.flatMap(({ key, conflict }) =>
    conflict ? [{ elements: key.elements, type: conflict.conflictType ?? 'UNKNOWN' }] : [],
  );
  const told = (errorDetails?.conflicts ?? []).map(({ conflictType, key }) => ({
    elements: key?.elements ?? [],
    type: conflictType ?? 'UNKNOWN',
  }));
  return [...ofTables, ...told];
}

function bodyOf(error: HttpError): RawMerge {
  try {
    return JSON.parse(error.bodyText()) as RawMerge;
  } catch {
    return {};
  }
}

/** As a path of the API names a reference at a commit. */
function pathOf({ name, hash }: NessieReference): string {
  return encodeURIComponent(`${name}@${hash}`);
}
