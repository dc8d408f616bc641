/** Opens a warehouse whose catalog is a Nessie server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbingError, isPlumbingError } from '../../errors/index.ts';
import { createHttpClient } from '../../http/index.ts';
import type { Catalog, CatalogBranches } from '../../iceberg/catalog.ts';
import { durationMs } from '../../iceberg/commit-request.ts';
import { resolveIo } from '../../iceberg/io-of.ts';
import type { StoreOptions } from '../../iceberg/io-of.ts';
import { KeyLender } from '../../iceberg/key-lender.ts';
import { lentIo } from '../../iceberg/lent-io.ts';
import { restCatalog } from '../../iceberg/rest-catalog.ts';
import type { RestCatalog } from '../../iceberg/rest-catalog.ts';
import { authorization, sendAuthorized } from '../../iceberg/rest-credentials.ts';
import { refusal } from '../../iceberg/rest-refusal.ts';
import { createLoadId } from '../../model/load-id.ts';
import { Lakehouse } from '../iceberg/lakehouse.ts';
import { NessieApi } from './nessie-api.ts';
import type { NessieReference } from './nessie-api.ts';
import { serverUrl, warehouseOptions } from './options.ts';
import type { NessieOptions } from './options.ts';
import { resolveReference } from './reference.ts';

/** How long the server remembers the keys of commits: an ISO 8601 duration. */
const lifetimeProperty = 'idempotency-key-lifetime';

/** How often a branch is made or removed when nobody answers. */
const branchTries = 4;
const branchDelayMs = 200;

/** A server that answers. */
export interface NessieConnection {
  readonly api: NessieApi;
  /** The branch, tag, or `branch@hash` that was asked for. */
  readonly ref: string;
  /** Whether it can be written to. */
  readonly isBranch: boolean;
  readonly house: Lakehouse;
  /** The same tables as another reference has them; to read, and to commit where it is a branch. */
  readonly at: (ref: string) => Lakehouse;
}

/**
 * Asks the server for its configuration.
 *
 * @throws PlumbingError `CONFIG_INVALID` for options that can't work or a reference that does not exist, `AUTH_REJECTED` for
 * credentials that the server does not take, `DEST_FAILED` and `HTTP_*` when it does not answer as Nessie does.
 */
export async function openNessie(options: NessieOptions): Promise<NessieConnection> {
  const url = serverUrl(options);
  if (options.token !== undefined && options.oauth2)
    throw new PlumbingError('CONFIG_INVALID', 'Nessie: give a token or oauth2, not both');
  const headers = authorization(options.token === undefined ? options.oauth2 : { token: options.token });
  const { timeoutMs = 60_000 } = options;
  const client = (path: string): ReturnType<typeof createHttpClient> =>
    createHttpClient({
      baseUrl: `${url}${path}`,
      timeoutMs,
      idleTimeoutMs: timeoutMs,
      retry: { baseDelayMs: 250, maxDelayMs: 10_000 },
    });
  const api = new NessieApi(client('api/v2/'), headers);
  const { defaultBranch, noAncestorHash } = await api.config();
  const { ref, isBranch } = await resolveReference(api, options, defaultBranch);
  const http = client('iceberg/');
  const query = options.warehouse === undefined ? {} : { warehouse: options.warehouse };
  const answer = await sendAuthorized(headers, (own) =>
    http.request({ path: 'v1/config', query, headers: own }),
  ).catch((error: unknown) => {
    throw refusal(error);
  });
  const config = answer.json() as Readonly<Record<string, unknown>>;
  const { defaults = {}, overrides = {} } = config as Record<string, Record<string, string>>;
  const location = defaults['warehouse'] ?? overrides['warehouse'];
  if (location === undefined || !/^[a-z0-9]+:\/\//.test(location))
    throw new PlumbingError(
      'DEST_FAILED',
      'Nessie does not say where its warehouse lies; check nessie.catalog.warehouses',
    );
  const warehouseName = decodeURIComponent(defaults['prefix'] ?? '').split('|')[1];
  const warehouse = location.replace(/\/+$/, '');
  // Servers differ in where they say it.
  const lifetimes = [config, overrides, defaults].map((part) => durationMs(part[lifetimeProperty]));
  const lifetimeMs = lifetimes.find((ms) => ms !== undefined);
  const keys = lifetimeMs === undefined ? undefined : { lifetimeMs, next: () => createLoadId(new Date()) };
  const store = storeOf(options, { ...defaults, ...overrides });
  const { lender } = store;
  const catalogOf = (at: string): RestCatalog =>
    restCatalog({ http, headers, prefix: prefixOf(at, warehouseName), warehouse, keys, lender });
  const io = resolveIo(store);
  const settings = warehouseOptions(options, warehouse);
  const target = catalogOf(ref);
  // Branches of nothing have nothing in common, and can't be merged.
  const begin = async (hash: string): Promise<boolean> => {
    if (hash !== noAncestorHash) return false;
    await target.makeNamespace([settings.namespace]);
    return true;
  };
  const branches = new NessieBranches(api, ref, catalogOf, begin);
  const house = new Lakehouse(Object.assign(target, { branches }), io, settings);
  return { api, ref, isBranch, house, at: (other) => house.withCatalog(catalogOf(other)) };
}

/** The storage with the keys that were given, or with those that the catalog lends. */
function storeOf(
  { s3: own = {} }: NessieOptions,
  server: Readonly<Record<string, string>>,
): StoreOptions & { readonly lender?: KeyLender } {
  const { accessKeyId, secretAccessKey } = own;
  if (accessKeyId === undefined && secretAccessKey === undefined) {
    const lender = new KeyLender(own, server);
    return { lender, remote: lentIo(lender) };
  }
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new PlumbingError(
      'CONFIG_INVALID',
      'Nessie: s3 needs accessKeyId and secretAccessKey, or none of them',
    );
  const { 'client.region': region = 'us-east-1', 's3.endpoint': endpoint } = server;
  return {
    s3: { region, ...(endpoint !== undefined && { endpoint }), ...own, accessKeyId, secretAccessKey },
  };
}

/** A slash in a name would end the prefix; Nessie takes another character for it. */
function prefixOf(ref: string, warehouse: string | undefined): string {
  const name = ref.replaceAll('/', '\u001f');
  return encodeURIComponent(warehouse === undefined ? name : `${name}|${warehouse}`);
}

/** Does again what may be done twice, while the server does not answer or others are in the way. */
async function untilAnswered(act: (isAgain: boolean) => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await act(tries > 1);
    } catch (error) {
      if (tries >= branchTries || !isPlumbingError(error) || !error.retryable) throw error;
      await sleep(Math.random() * branchDelayMs * 2 ** tries);
    }
  }
}

class NessieBranches implements CatalogBranches {
  readonly #api: NessieApi;
  readonly #target: string;
  readonly #catalogOf: (ref: string) => Catalog;
  readonly #begin: (hash: string) => Promise<boolean>;
  /** Where the target was when each branch was made. */
  readonly #bases = new Map<string, NessieReference>();

  /** `begin` commits something to a target that has no commit yet; tells whether it did. */
  constructor(
    api: NessieApi,
    target: string,
    catalogOf: (ref: string) => Catalog,
    begin: (hash: string) => Promise<boolean>,
  ) {
    this.#begin = begin;
    this.#api = api;
    this.#target = target;
    this.#catalogOf = catalogOf;
  }

  async create(name: string): Promise<Catalog> {
    await this.remove(name);
    let base = await this.#reference(this.#target);
    if (await this.#begin(base.hash)) base = await this.#reference(this.#target);
    await untilAnswered(async (isAgain) => {
      // The name is of this load alone: what is there by now was made by a request that nobody answered, perhaps for an earlier try.
      const found = isAgain ? await this.#api.reference(name) : undefined;
      if (found?.hash === base.hash) return;
      if (found) await this.#api.remove(found);
      await this.#api.create('BRANCH', name, base);
    });
    this.#bases.set(name, base);
    return this.#catalogOf(name);
  }

  async merge(name: string, message: string): Promise<'committed' | 'conflict' | 'unknown'> {
    const from = await this.#reference(name);
    const into = this.#bases.get(name) ?? (await this.#reference(this.#target));
    const { outcome } = await this.#api.merge(from, into, { message });
    return outcome;
  }

  async remove(name: string): Promise<void> {
    await untilAnswered(async () => {
      const reference = await this.#api.reference(name);
      if (reference) await this.#api.remove(reference);
    });
  }

  async list(prefix: string): Promise<readonly string[]> {
    const found = await this.#api.references(prefix);
    return found.filter(({ type }) => type === 'BRANCH').map(({ name }) => name);
  }

  async #reference(name: string): Promise<NessieReference> {
    const reference = await this.#api.reference(name);
    if (reference) return reference;
    throw new PlumbingError('DEST_FAILED', `Nessie has no branch "${name}" any more; run again`, {
      retryable: true,
    });
  }
}
