/** Who has the keys for which file, when a REST catalog lends them with its tables. */
import { PlumbingError } from '../errors/index.ts';
import { getLogger } from '../logging/index.ts';
import { oneScheme, readLentKeys } from './lent-keys.ts';
import type { LentKeys } from './lent-keys.ts';
import type { S3Options } from './s3-location.ts';

const log = getLogger('iceberg', 'rest');
/** New keys are asked for so long before the old ones end. */
const spareMs = 60_000;

/** Of so many givers each table is remembered. */
const maxRenewals = 5;

/** Asks a catalog for the table's keys again, which then tells {@link KeyLender.keep}. */
export type Renew = () => Promise<void>;

interface Table {
  readonly keys: readonly LentKeys[];
  readonly gotMs: number;
  /** By who gave them; the latest is the last. The branch of one may be gone. */
  readonly renewals: Map<object, Renew>;
  renewing: Promise<void> | undefined;
}

/** Keeps the keys of each table until shortly before their end. Shared by all that see a catalog, whichever branch of it. */
export class KeyLender {
  readonly #own: Partial<S3Options>;
  readonly #server: Readonly<Record<string, string>>;
  /** By location, with a slash at the end. */
  readonly #tables = new Map<string, Table>();

  /** `own` goes before what the catalog says of the store, `server` is what it says of all tables. */
  constructor(own: Partial<S3Options>, server: Readonly<Record<string, string>>) {
    this.#own = own;
    this.#server = server;
  }

  /** A catalog has answered. `giver` and `renew`: whom to ask again, and how. */
  keep(location: string, answer: Readonly<Record<string, unknown>>, giver: object, renew: Renew): void {
    const folder = folderOf(location);
    const { renewals = new Map<object, Renew>(), renewing } = this.#tables.get(folder) ?? {};
    renewals.delete(giver);
    renewals.set(giver, renew);
    // A reader that looks for a long time sees many states of the catalog.
    const [oldest] = renewals.keys();
    if (renewals.size > maxRenewals && oldest) renewals.delete(oldest);
    const keys = readLentKeys(answer, this.#own, this.#server);
    this.#tables.set(folder, { keys, gotMs: Date.now(), renewals, renewing });
  }

  /**
   * The keys for a file. `refused` are those that the store did not take.
   *
   * @throws PlumbingError `CONFIG_INVALID` when the catalog lends none, else as the catalog does.
   */
  async keysFor(location: string, refused?: LentKeys): Promise<LentKeys> {
    const path = oneScheme(location);
    const folder = this.#folderOf(path);
    const table = this.#tables.get(folder ?? '');
    if (folder === undefined || !table) throw noKeys(location);
    const known = choose(table, path);
    if (known && known !== refused && !isEnding(known, table.gotMs)) return known;
    // Those that are asked for at the same time are asked for once.
    await (table.renewing ??= this.#renew(folder, table).finally(() => {
      const now = this.#tables.get(folder);
      if (now) now.renewing = undefined;
    }));
    const keys = choose(this.#tables.get(folder) ?? table, path);
    if (!keys) throw noKeys(location);
    return keys;
  }

  async #renew(folder: string, table: Table): Promise<void> {
    log.debug('asking the catalog for new keys for {folder}', { folder });
    let failure: unknown = noKeys(folder);
    for (const renew of [...table.renewals.values()].toReversed()) {
      try {
        await renew();
        // A table of that name that lies elsewhere brings no keys for this one.
        if (this.#tables.get(folder) !== table) return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #folderOf(path: string): string | undefined {
    const folders = [...this.#tables.keys()].filter((folder) => path.startsWith(folder));
    const inside = longest(folders, (folder) => folder.length);
    if (inside !== undefined) return inside;
    // Some tables have files elsewhere.
    const opens = ([, { keys }]: [string, Table]): boolean =>
      keys.some(({ prefix }) => prefix !== '' && path.startsWith(prefix));
    return [...this.#tables].find(opens)?.[0];
  }
}

function noKeys(location: string): PlumbingError {
  return new PlumbingError(
    'CONFIG_INVALID',
    `the catalog lends no keys for ${location}; give keys of the storage (S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY), or let the catalog vend credentials`,
  );
}

/** The longest prefix wins, as the specification has it; keys without one are for what nothing else fits. */
function choose({ keys }: Table, path: string): LentKeys | undefined {
  return longest(
    keys.filter(({ prefix }) => path.startsWith(prefix)),
    ({ prefix }) => prefix.length,
  );
}

function longest<T>(items: readonly T[], lengthOf: (item: T) => number): T | undefined {
  return items.toSorted((a, b) => lengthOf(b) - lengthOf(a))[0];
}

function isEnding({ endMs }: LentKeys, gotMs: number): boolean {
  if (endMs === undefined) return false;
  const lifeMs = endMs - gotMs;
  return Date.now() >= gotMs + Math.max(lifeMs - spareMs, lifeMs / 2);
}

function folderOf(location: string): string {
  return `${oneScheme(location).replace(/\/+$/, '')}/`;
}
