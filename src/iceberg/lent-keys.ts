/** Keys of storage that a REST catalog lends with a table ("vended credentials"), as its answers have them. */
import { Secret } from '../logging/index.ts';
import type { S3Options } from './s3-location.ts';

/** Keys, and where and how long they are good. */
export interface LentKeys {
  /** What locations begin with that they open; empty for whatever the table has. */
  readonly prefix: string;
  readonly s3: S3Options;
  /** Milliseconds since 1970; `undefined` when the catalog does not say. */
  readonly endMs: number | undefined;
}

/**
 * Reads the keys from an answer of `loadTable`, or of a staged creation: those of `storage-credentials`, each for its prefix, and those of
 * `config`. Where to reach the store is taken from `own`, then from the answer, then from `server`.
 */
export function readLentKeys(
  answer: Readonly<Record<string, unknown>>,
  own: Partial<S3Options>,
  server: Readonly<Record<string, string>>,
): LentKeys[] {
  const config = { ...server, ...textsOf(answer['config']) };
  const listed = answer['storage-credentials'];
  const credentials = (Array.isArray(listed) ? (listed as Record<string, unknown>[]) : []).map((entry) => ({
    prefix: typeof entry['prefix'] === 'string' ? oneScheme(entry['prefix']) : '',
    config: { ...config, ...textsOf(entry['config']) },
  }));
  return [...credentials, { prefix: '', config }].flatMap(
    (entry) => keysOf(entry.prefix, entry.config, own) ?? [],
  );
}

/** `s3a` and `s3n` mean `s3`. */
export function oneScheme(location: string): string {
  return location.replace(/^s3[an]:\/\//, 's3://');
}

function keysOf(
  prefix: string,
  config: Readonly<Record<string, string>>,
  own: Partial<S3Options>,
): LentKeys | undefined {
  const { 's3.access-key-id': id, 's3.secret-access-key': secret, 's3.session-token': token } = config;
  if (!id || !secret) return undefined;
  const region = own.region ?? config['client.region'] ?? config['s3.region'] ?? 'us-east-1';
  const endpoint = own.endpoint ?? config['s3.endpoint'];
  const inPath = config['s3.path-style-access'];
  const pathStyle = own.pathStyle ?? (inPath === undefined ? undefined : inPath === 'true');
  const endMs = Number(config['s3.session-token-expires-at-ms'] ?? Number.NaN);
  return {
    prefix,
    s3: {
      region,
      accessKeyId: id,
      secretAccessKey: new Secret(secret),
      ...(token && { sessionToken: new Secret(token) }),
      ...(endpoint !== undefined && { endpoint }),
      ...(pathStyle !== undefined && { pathStyle }),
      ...(own.timeoutMs !== undefined && { timeoutMs: own.timeoutMs }),
    },
    endMs: Number.isFinite(endMs) ? endMs : undefined,
  };
}

function textsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) => {
      const isPlain = typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean';
      return isPlain ? [[name, String(item)]] : [];
    }),
  );
}
