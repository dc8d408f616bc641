/** Opens DuckDB over SQLite files and Iceberg warehouses. */
import { PlumbingError } from '../errors/index.ts';
import type { IcebergOptions } from '../destinations/iceberg/index.ts';
import type { NessieOptions } from '../destinations/nessie/index.ts';
import { quoteIdentifier } from '../model/sql-text.ts';
import { Analytics } from './analytics.ts';
import { AttachedFile } from './attached-file.ts';
import type { Attachment } from './attachment.ts';
import { Attachments } from './attachments.ts';
import { loadDuckDb } from './duckdb.ts';
import { FileAttachment } from './file-attachment.ts';
import { Mirror } from './mirror.ts';
import type { MirrorEvent } from './mirror.ts';
import { makeScanFunctions } from './scan-function.ts';
import type { ScanErrors } from './scan-function.ts';

/** What begins the path of a warehouse. */
const lakePrefix = /^iceberg:(?:\/\/)?/;
/** What begins the address of a Nessie server; alone it means that of `NESSIE_URI`. */
const nessiePrefix = /^nessie:(?=https?:|$)/;

/** Options of {@link openAnalytics}. */
export interface AnalyticsOptions {
  /**
   * SQLite files, and warehouses of Iceberg tables in folders, by the name under which their tables are read:
   * `{ bank: 'comdirect.db', lake: 'iceberg:./warehouse' }` gives `bank.account_balances` and `lake.account_balances`.
   * A warehouse whose catalog or namespace is not the usual one is attached by the options of its destination. Tables of a
   * Nessie server, at its branch, tag or commit `ref`, by the options of that destination or by `nessie:https://HOST`, for which the
   * variables of `loadNessieConfig` count. Their files are fetched, when a query first names a table, into a private folder.
   */
  readonly attach: Readonly<Record<string, string | IcebergOptions | NessieOptions>>;
  /**
   * What becomes of a column in a file of another program whose values do not fit its declared type: `error`, the default,
   * ends the query; `varchar` reads all columns of such files as text.
   */
  readonly mixedTypes?: 'error' | 'varchar';
  /**
   * Queries read a columnar copy of each file, kept in the folder `<file>.mirror` (mode 0700) and brought up to date before a
   * query; tables of other programs are read from the file itself. The copy may be deleted at any time. Default: false.
   */
  readonly mirror?: boolean;
  /** Told when a copy was made, brought up to date, or could not be used. */
  readonly onMirror?: (event: MirrorEvent) => void;
}

/**
 * Opens an in-process DuckDB in which the tables of SQLite files and of Iceberg warehouses can be read and joined. They are
 * only read; nothing is downloaded. Each query sees one consistent snapshot of each file and of each warehouse, also while a
 * load is writing to it.
 *
 * @throws PlumbingError `OPTIONAL_PEER_MISSING` without the package `@duckdb/node-api`; `CONFIG_INVALID` for an alias that
 * is no name, or that two files share, and for a warehouse in S3; as `openSqlite` does for files that can't be read, and as
 * `iceberg` and `nessie` for warehouses.
 *
 * @example
 * ```ts
 * await using db = await openAnalytics({ attach: { bank: 'comdirect.db' } });
 * console.log(await db.query('SELECT count(*) AS n FROM bank.account_balances').all());
 * ```
 */
export async function openAnalytics(options: AnalyticsOptions): Promise<Analytics> {
  const duck = await loadDuckDb();
  const files = new Map<string, AttachedFile>();
  const lakes = new Map<string, Attachment>();
  try {
    for (const [alias, target] of Object.entries(options.attach)) {
      checkAlias(alias, [...files.keys(), ...lakes.keys()]);
      if (typeof target === 'string' && !lakePrefix.test(target) && !nessiePrefix.test(target)) {
        files.set(alias, await AttachedFile.open(alias, target, options.mixedTypes ?? 'error'));
        continue;
      }
      const { AttachedLake } = await import('./attached-lake.ts');
      if (typeof target === 'object' && 'uri' in target)
        lakes.set(alias, await AttachedLake.openNessie(alias, duck, target));
      else if (typeof target === 'string' && nessiePrefix.test(target)) {
        const { loadNessieConfig } = await import('../destinations/nessie/config.ts');
        const options = loadNessieConfig(process.env, target.replace(nessiePrefix, '') || undefined);
        lakes.set(alias, await AttachedLake.openNessie(alias, duck, options));
      } else {
        const lake = typeof target === 'string' ? { warehouse: target.replace(lakePrefix, '') } : target;
        lakes.set(alias, await AttachedLake.open(alias, duck, lake));
      }
    }
    const instance = await duck.DuckDBInstance.create(':memory:', {
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    // Or the days of timestamps would be those of the machine's zone, while results are in UTC.
    await connection.run("SET TimeZone = 'UTC'");
    const scanErrors: ScanErrors = { last: undefined };
    for (const scan of makeScanFunctions(duck, files, scanErrors)) connection.registerTableFunction(scan);
    const attached = [...files.values()].map((file) => {
      const mirror = options.mirror ? new Mirror(connection, file, options.onMirror) : undefined;
      return new FileAttachment(file, mirror);
    });
    const attachments = new Attachments(connection, [...attached, ...lakes.values()]);
    return new Analytics(duck, instance, connection, attachments, scanErrors);
  } catch (error) {
    for (const file of files.values()) file.close();
    for (const lake of lakes.values()) await lake.close();
    throw error;
  }
}

function checkAlias(alias: string, taken: readonly string[]): void {
  quoteIdentifier(alias);
  const fail = (what: string): never => {
    throw new PlumbingError('CONFIG_INVALID', `attach: ${what}`);
  };
  if (/^(main|temp|memory|system|information_schema|pg_catalog|_plumbing_.*)$/i.test(alias))
    fail(`"${alias}" is a reserved name; take another`);
  if (taken.some((other) => other.toLowerCase() === alias.toLowerCase()))
    fail(`two files are called "${alias}" (case does not count)`);
}
