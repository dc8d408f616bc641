/** Catalogs that speak Iceberg's REST protocol (its OpenAPI specification, version 1). */
import { HttpError, PlumbingError } from '../errors/index.ts';
import { failpoint } from '../failpoints/index.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../http/index.ts';
import type { Catalog, CommitResult, LoadedTable, TableCommit, TableIdentifier } from './catalog.ts';
import { sendCommit } from './commit-request.ts';
import type { IdempotencyKeys } from './commit-request.ts';
import type { KeyLender } from './key-lender.ts';
import { readMetadataJson } from './metadata.ts';
import { withOnePropertyUpdate } from './one-property-update.ts';
import { sendAuthorized } from './rest-credentials.ts';
import type { CatalogHeaders } from './rest-credentials.ts';
import { refusal } from './rest-refusal.ts';

/** What a REST catalog works with. */
export interface RestCatalogOptions {
  /** Bound to the catalog's address, e.g. `https://nessie.example.com/iceberg/`, with a patient GET. */
  readonly http: HttpClient;
  /** Sends the credentials along. */
  readonly headers: CatalogHeaders;
  /** As the configuration of the server gives it: encoded already. Empty for a server without prefixes. */
  readonly prefix: string;
  /** Under which new tables lie, e.g. `s3://lake`. */
  readonly warehouse: string;
  /** Where the server's configuration has `idempotency-key-lifetime`. */
  readonly keys?: IdempotencyKeys | undefined;
  /** Takes the keys of storage that the catalog lends. Absent: none are asked for. */
  readonly lender?: KeyLender | undefined;
}

/** Has the catalog send keys for the files of a table. */
const delegation = { 'x-iceberg-access-delegation': 'vended-credentials' };

/**
 * Makes the catalog. All tables of a commit are changed in one step (`transactions/commit`), which the server has to support, as
 * Nessie, Polaris and Lakekeeper do. A commit is sent once, never again by itself, unless the server keeps keys for that: a refusal
 * for too many requests (429) has certainly changed nothing, a conflict (409) neither, unless it answers a second delivery of the same
 * request (`mayBeOwn`); an answer that is lost, late or of status 408 or 5xx
 * leaves the outcome unknown; any other refusal is an error.
 *
 * @throws PlumbingError from each method: `AUTH_REJECTED` for 401 and 403, `DEST_FAILED` for other refusals and for answers that
 * make no sense, `HTTP_*` when a read fails for good.
 */
export function restCatalog(options: RestCatalogOptions): RestCatalog {
  return new Client(options);
}

/** See {@link restCatalog}. */
export interface RestCatalog extends Catalog {
  /** Makes a namespace, and those above it, unless they are there. Commits do it by themselves. */
  makeNamespace(namespace: readonly string[]): Promise<void>;
}

class Client implements RestCatalog {
  readonly location: string;
  readonly #options: RestCatalogOptions;
  readonly #namespaces = new Set<string>();

  constructor(options: RestCatalogOptions) {
    this.#options = options;
    this.location = options.http.origin;
  }

  async loadTable(identifier: TableIdentifier): Promise<LoadedTable | undefined> {
    const path = `${this.#namespacePath(identifier.namespace)}/tables/${encodeURIComponent(identifier.name)}`;
    let answer: HttpResponse;
    try {
      answer = await this.#request({ path, query: { snapshots: 'all' } }, this.#delegation);
    } catch (error) {
      if (error instanceof HttpError && error.status === 404) return undefined;
      throw refusal(error);
    }
    const told = answer.json() as Record<string, unknown>;
    const { metadata: json, 'metadata-location': location } = told;
    if (typeof location !== 'string')
      throw new PlumbingError(
        'DEST_FAILED',
        `${this.location}: table "${identifier.name}" has no metadata file`,
      );
    const metadata = readMetadataJson(json, location);
    this.#options.lender?.keep(
      metadata.location,
      told,
      this,
      async () => void (await this.loadTable(identifier)),
    );
    return { identifier, metadata, metadataLocation: location };
  }

  async listTables(namespace: readonly string[]): Promise<readonly string[]> {
    const names: string[] = [];
    let token: string | undefined;
    do {
      let answer: HttpResponse;
      try {
        const query = token === undefined ? {} : { pageToken: token };
        answer = await this.#request({ path: `${this.#namespacePath(namespace)}/tables`, query });
      } catch (error) {
        if (error instanceof HttpError && error.status === 404) return [];
        throw refusal(error);
      }
      const page = answer.json() as { identifiers?: { name: string }[]; 'next-page-token'?: string | null };
      names.push(...(page.identifiers ?? []).map(({ name }) => name));
      // Some end with an empty one.
      const next = page['next-page-token'] || undefined;
      if (next !== undefined && next === token)
        throw new PlumbingError('PAGINATION_LOOP', `${this.location}: the list of tables does not go on`);
      token = next;
    } while (token !== undefined);
    return names;
  }

  /** Table by table: REST catalogs have no moment of all tables. */
  async metadataLocations(namespace: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const locations = new Map<string, string>();
    for (const name of await this.listTables(namespace)) {
      const loaded = await this.loadTable({ namespace, name });
      if (loaded) locations.set(name, loaded.metadataLocation);
    }
    return locations;
  }

  defaultLocation({ namespace, name }: TableIdentifier): string {
    const folder = (text: string): string => encodeURIComponent(text).replaceAll(/[%*'()!]/g, '_');
    // Another table of the same name, on another branch or before it was dropped, must not share the folder.
    const unique = `${folder(name)}_${crypto.randomUUID()}`;
    return [this.#options.warehouse, ...namespace.map(folder), unique].join('/');
  }

  /** Files of a table are written before it is there: place and keys are those of a creation that is never finished. */
  async newLocation(identifier: TableIdentifier): Promise<string> {
    const { lender } = this.#options;
    if (!lender) return this.defaultLocation(identifier);
    const told = await this.#stageCreate(identifier);
    const { location } = told['metadata'] as { readonly location: string };
    const renew = async (): Promise<void> => {
      if ((await this.loadTable(identifier))?.metadata.location !== location)
        lender.keep(location, await this.#stageCreate(identifier), this, renew);
    };
    lender.keep(location, told, this, renew);
    return location;
  }

  async #stageCreate({ namespace, name }: TableIdentifier): Promise<Record<string, unknown>> {
    await this.makeNamespace(namespace);
    const schema = { type: 'struct', 'schema-id': 0, fields: [] };
    const body = { json: { name, schema, 'stage-create': true } };
    const path = `${this.#namespacePath(namespace)}/tables`;
    try {
      const answer = await this.#request({ method: 'POST', path, body }, delegation);
      return answer.json() as Record<string, unknown>;
    } catch (error) {
      if (!(error instanceof HttpError && error.status === 409)) throw refusal(error);
      throw new PlumbingError(
        'COMMIT_CONFLICT',
        `${this.location}: another program has made table "${name}" meanwhile; run again`,
        { retryable: true, cause: error },
      );
    }
  }

  async commit(changes: readonly TableCommit[]): Promise<CommitResult> {
    for (const { base, identifier } of changes) if (!base) await this.makeNamespace(identifier.namespace);
    const body = {
      json: {
        'table-changes': changes.map(({ identifier, requirements, updates }) => ({
          identifier,
          requirements,
          updates: withOnePropertyUpdate(updates),
        })),
      },
    };
    failpoint('iceberg.commit_begins');
    const path = `${this.#root}transactions/commit`;
    // What is wrong with the credentials is no word about the commit.
    await this.#options.headers();
    const sent = await sendCommit(
      (headers) => this.#request({ method: 'POST', path, body }, headers),
      this.#options.keys,
    );
    if (sent.outcome !== 'committed') return sent;
    try {
      const tables: LoadedTable[] = [];
      for (const { identifier } of changes) {
        const loaded = await this.loadTable(identifier);
        if (loaded) tables.push(loaded);
      }
      return { outcome: 'committed', tables };
    } catch (cause) {
      // It has happened, but what it has made is not known.
      return { outcome: 'unknown', cause };
    }
  }

  async dropTable({ namespace, name }: TableIdentifier): Promise<void> {
    const path = `${this.#namespacePath(namespace)}/tables/${encodeURIComponent(name)}`;
    try {
      await this.#request({ method: 'DELETE', path });
    } catch (error) {
      if (!(error instanceof HttpError && error.status === 404)) throw refusal(error);
    }
  }

  async close(): Promise<void> {
    // Nothing is kept open.
  }

  async makeNamespace(namespace: readonly string[]): Promise<void> {
    for (let depth = 1; depth <= namespace.length; depth++) {
      const part = namespace.slice(0, depth);
      const key = JSON.stringify(part);
      if (this.#namespaces.has(key)) continue;
      const body = { json: { namespace: part, properties: {} } };
      try {
        if (!(await this.#hasNamespace(part)))
          await this.#request({ method: 'POST', path: `${this.#root}namespaces`, body });
      } catch (error) {
        if (!(error instanceof HttpError && error.status === 409)) throw refusal(error);
      }
      this.#namespaces.add(key);
    }
  }

  async #hasNamespace(namespace: readonly string[]): Promise<boolean> {
    try {
      await this.#request({ path: this.#namespacePath(namespace) });
      return true;
    } catch (error) {
      if (error instanceof HttpError && error.status === 404) return false;
      throw error;
    }
  }

  async #request(
    request: Omit<HttpRequest, 'headers'>,
    more: Readonly<Record<string, string>> = {},
  ): Promise<HttpResponse> {
    const { http, headers } = this.#options;
    return sendAuthorized(headers, (own) => http.request({ ...request, headers: { ...more, ...own } }));
  }

  get #delegation(): Readonly<Record<string, string>> {
    return this.#options.lender ? delegation : {};
  }

  get #root(): string {
    const { prefix } = this.#options;
    return prefix === '' ? 'v1/' : `v1/${prefix}/`;
  }

  #namespacePath(namespace: readonly string[]): string {
    return `${this.#root}namespaces/${encodeURIComponent(namespace.join('\u001f'))}`;
  }
}
