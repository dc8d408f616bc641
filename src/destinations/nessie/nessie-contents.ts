/** What Nessie keeps under a name, as a reference had it at a commit; and commits that put it back. */
import { HttpError, PlumbingError } from '../../errors/index.ts';
import { refusal } from '../../iceberg/rest-refusal.ts';
import type { NessieClient } from './nessie-client.ts';

/** A table as Nessie knows it: which metadata file is its current one. Fields that are not named here are kept. */
export interface NessieContent {
  readonly type: string;
  readonly id: string;
  readonly metadataLocation?: string;
}

/** What a commit has changed under one name; without content it was deleted. */
export interface NessieChange {
  readonly elements: readonly string[];
  readonly content?: NessieContent;
}

/** A commit with its changes. */
export interface NessieCommitChanges {
  readonly hash: string;
  /** The commit before it on the same branch. */
  readonly parentHash: string;
  readonly changes: readonly NessieChange[];
}

const pageSize = 100;

/** See the module's title. */
export class NessieContents {
  readonly #client: NessieClient;

  constructor(client: NessieClient) {
    this.#client = client;
  }

  /** The commits of a reference, e.g. `main@hash`, newest first, as many as are asked for; `HTTP_*`, `DEST_FAILED` as reads. */
  async *changes(ref: string): AsyncGenerator<NessieCommitChanges> {
    const query = { fetch: 'ALL', 'max-records': String(pageSize) };
    const pages = this.#client.eachPage(`trees/${encodeURIComponent(ref)}/history`, 'logEntries', query);
    for await (const entries of pages) for (const entry of entries) yield toChanges(entry as RawEntry);
  }

  /** The hash of the latest commit at or before a time, in ISO 8601 with a fraction; `undefined` when there is none. */
  async hashAt(ref: string, time: string): Promise<string | undefined> {
    const path = `trees/${encodeURIComponent(`${ref}*${time}`)}/history`;
    const { logEntries } = (await this.#client.get(path, { 'max-records': '1' })) as {
      logEntries: RawEntry[];
    };
    return logEntries[0]?.commitMeta.hash;
  }

  /** What a reference has under some names; names that it does not have are left out. */
  async at(ref: string, names: readonly (readonly string[])[]): Promise<NessieChange[]> {
    const path = `trees/${encodeURIComponent(ref)}/contents`;
    const body = { json: { requestedKeys: names.map((elements) => ({ elements })) } };
    try {
      const { contents } = (await this.#client.send({ method: 'POST', path, body })) as {
        contents: { key: { elements: string[] }; content: NessieContent }[];
      };
      return contents.map(({ key, content }) => ({ elements: key.elements, content }));
    } catch (error) {
      throw refusal(error);
    }
  }

  /**
   * Commits changes to a branch that nobody else writes to. Sent once.
   *
   * @throws PlumbingError `COMMIT_CONFLICT` (retryable) when the branch has moved, `AUTH_REJECTED`, `DEST_FAILED`; `HTTP_*` when
   * it may have happened
   */
  async commit(
    branch: { readonly name: string; readonly hash: string },
    message: string,
    changes: readonly NessieChange[],
  ): Promise<void> {
    const path = `trees/${encodeURIComponent(`${branch.name}@${branch.hash}`)}/history/commit`;
    const operations = changes.map(({ elements, content }) =>
      content ? { type: 'PUT', key: { elements }, content } : { type: 'DELETE', key: { elements } },
    );
    const body = { json: { commitMeta: { message }, operations } };
    try {
      await this.#client.send({ method: 'POST', path, body });
    } catch (error) {
      if (error instanceof HttpError && error.status === 409) {
        throw new PlumbingError('COMMIT_CONFLICT', `branch "${branch.name}" of Nessie has moved meanwhile`, {
          retryable: true,
          cause: error,
        });
      }
      throw refusal(error);
    }
  }
}

interface RawEntry {
  readonly commitMeta: { readonly hash: string };
  readonly parentCommitHash: string;
  readonly operations?:
    | readonly {
        readonly type: string;
        readonly key: { readonly elements: readonly string[] };
        readonly content?: NessieContent | null;
      }[]
    | null;
}

function toChanges({ commitMeta, parentCommitHash, operations }: RawEntry): NessieCommitChanges {
  return {
    hash: commitMeta.hash,
    parentHash: parentCommitHash,
    changes: (operations ?? []).map(({ key: { elements }, content }) => ({
      elements,
      ...(content && { content }),
    })),
  };
}
