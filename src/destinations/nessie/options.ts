/** What the Nessie destination is told: where the server is, which branch, how to reach its storage. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { stateFolder } from '../../config/index.ts';
import { PlumbingError } from '../../errors/index.ts';
import type { PartitionBy } from '../../iceberg/partition.ts';
import type { ClientCredentials } from '../../iceberg/rest-credentials.ts';
import type { S3Options } from '../../iceberg/s3-io.ts';
import type { Secret } from '../../logging/index.ts';
import { toTimestamp } from '../../model/index.ts';
import type { WarehouseOptions } from '../iceberg/options.ts';

/** Options of the Nessie destination. */
export interface NessieOptions {
  /** The server's address, e.g. `https://nessie.example.com`; `/iceberg` and `/api/v2` are below it. https, or http on this machine. */
  readonly uri: string;
  /** The branch to write to; to read also a tag, or `branch@hash`. Default: the server's default branch. */
  readonly ref?: string;
  /** Reads the reference as it was at this time: an ISO 8601 timestamp with a time zone, or a `Date`. */
  readonly at?: string | Date;
  /** The name of a warehouse that the server knows. Default: the server's default one. */
  readonly warehouse?: string;
  /** A bearer token. */
  readonly token?: string | Secret;
  /** Client credentials of OAuth 2, in place of a token. */
  readonly oauth2?: ClientCredentials;
  /**
   * How to reach the storage of the tables. Region and endpoint may be left to the server. Without `accessKeyId` and
   * `secretAccessKey` the server is asked for temporary keys with each table (vended credentials), which are renewed before they end.
   */
  readonly s3?: Partial<S3Options>;
  /** The namespace of the tables. Default `default`. */
  readonly namespace?: string;
  /** How new tables are cut into partitions, by table. Default: not at all. */
  readonly partitionBy?: Readonly<Record<string, readonly PartitionBy[]>>;
  /** How long a load waits for another load of the same pipeline on this machine. Default 60,000. */
  readonly lockTimeoutMs?: number;
  /** How often a commit or merge is tried when others come first. Default 20. */
  readonly commitTries?: number;
  /** Data files are closed at this size. Default 64 MiB. */
  readonly targetFileBytes?: number;
  /** Data files below this size are written anew when one of their rows changes; larger ones get a delete file. Default 1 MiB. */
  readonly rewriteBelowBytes?: number;
  /** Deadline of one request in milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
}

const mebibyte = 1024 * 1024;

/** The server's address without the path of one of its APIs, with a slash at the end. `CONFIG_INVALID` for no URL. */
export function serverUrl({ uri }: Pick<NessieOptions, 'uri'>): string {
  if (typeof uri !== 'string' || !URL.canParse(uri))
    throw new PlumbingError('CONFIG_INVALID', 'the URI of Nessie is no URL; expected https://host[:port]');
  return `${uri.replace(/\/+$/, '').replace(/\/(iceberg|api(\/v\d)?)$/, '')}/`;
}

/** How it is named in messages: without credentials, with the branch and the time. */
export function placeOf(options: Pick<NessieOptions, 'uri' | 'ref' | 'at'>): string {
  const { host, pathname } = new URL(serverUrl(options));
  const { ref, at } = options;
  const time = at instanceof Date ? (toTimestamp(at) ?? 'no time') : at;
  return `${host}${pathname === '/' ? '' : pathname}${ref === undefined ? '' : `#${ref}`}${time === undefined ? '' : ` at ${time}`}`;
}

/** Completes options with what the server says. */
export function warehouseOptions(options: NessieOptions, warehouseLocation: string): WarehouseOptions {
  const place = placeOf(options);
  const hash = createHash('sha256').update(place).digest('hex').slice(0, 16);
  return {
    warehouse: place,
    warehouseLocation,
    namespace: options.namespace ?? 'default',
    partitionBy: options.partitionBy ?? {},
    engine: 'auto',
    lockTimeoutMs: options.lockTimeoutMs ?? 60_000,
    lockFile: join(stateFolder(), 'locks', `nessie-${hash}`),
    commitTries: options.commitTries ?? 20,
    targetFileBytes: options.targetFileBytes ?? 64 * mebibyte,
    rewriteBelowBytes: options.rewriteBelowBytes ?? mebibyte,
    // Other branches may need what this one does not: that is for nessie-gc.
    maintenance: false,
  };
}
