/** Where a store of the S3 kind is, and where in it a file is. */
import { PlumbingError } from '../errors/index.ts';
import { Secret } from '../logging/index.ts';

/** How to reach a store of the S3 kind. */
export interface S3Options {
  /** `https://host[:port][/path]`, of any store that speaks S3. Default: that of AWS for `region`. */
  readonly endpoint?: string;
  /** The region requests are signed for, e.g. `eu-central-1`; many other stores take `us-east-1` or `auto`. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string | Secret;
  /** Of temporary credentials. */
  readonly sessionToken?: string | Secret;
  /** Whether the bucket is in the path, not in the host name. Default: `true` when `endpoint` is given. */
  readonly pathStyle?: boolean;
  /** How long a request may go without progress; uploads get 1 ms more for each 64 bytes. Default 60,000. */
  readonly timeoutMs?: number;
}

/** Options that were found usable. */
export interface S3Access {
  readonly endpoint: URL | undefined;
  readonly region: string;
  readonly accessKeyId: Secret;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
  readonly pathStyle: boolean;
  readonly timeoutMs: number;
}

/** The parts of a location; `root` is what comes before the key, e.g. `s3://bucket/`. */
export interface S3Location {
  readonly root: string;
  readonly bucket: string;
  readonly key: string;
}

/**
 * Checks {@link S3Options}.
 *
 * @throws PlumbingError `CONFIG_INVALID`, which never repeats a value that may be secret.
 */
export function checkS3Options(options: S3Options): S3Access {
  const { endpoint, region, pathStyle = endpoint !== undefined, timeoutMs = 60_000 } = options;
  if (!/^[A-Za-z0-9-]+$/.test(region))
    throw invalid('the S3 region is not a name like eu-central-1; set it, some stores take "auto"');
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31)) throw invalid('timeoutMs is no positive number');
  return {
    endpoint: endpoint === undefined ? undefined : checkEndpoint(endpoint),
    region,
    accessKeyId: checkCredential('accessKeyId', options.accessKeyId),
    secretAccessKey: checkCredential('secretAccessKey', options.secretAccessKey),
    sessionToken:
      options.sessionToken === undefined ? undefined : checkCredential('sessionToken', options.sessionToken),
    pathStyle,
    timeoutMs,
  };
}

function checkEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search + url.hash + url.username + url.password !== '')
    throw invalid('the S3 endpoint is no URL like https://host[:port]; pass credentials on their own');
  return url;
}

/** Headers refuse other characters with an error that quotes them. */
function checkCredential(name: string, value: string | Secret): Secret {
  const secret = typeof value === 'string' ? new Secret(value) : value;
  if (!/^[\x21-\x7e]+$/.test(secret.reveal()))
    throw invalid(`${name} of S3 is empty or has spaces or line breaks; check where it comes from`);
  return secret;
}

/**
 * Takes an `s3://bucket/key` location apart; `s3a://` and `s3n://` mean the same. The key is taken literally.
 *
 * @throws PlumbingError `CONFIG_INVALID` for anything else.
 */
export function parseS3Location(location: string): S3Location {
  const match = /^(s3[an]?:\/\/([A-Za-z0-9][\w.-]{1,254})\/)(.*)$/su.exec(location);
  const [, root, bucket, key] = match ?? [];
  if (root === undefined || bucket === undefined || key === undefined)
    throw invalid(`${JSON.stringify(location)} is no location in S3; expected s3://bucket/key`);
  return { root, bucket, key };
}

/**
 * The URL of an object, or of the bucket when `key` is empty.
 *
 * @throws PlumbingError `CONFIG_INVALID` for a key that no URL can carry: with a `.` or `..` between slashes.
 */
export function objectUrl(access: S3Access, bucket: string, key: string): URL {
  // A dot in the bucket's name does not match the certificate of the host.
  const inPath = access.pathStyle || (access.endpoint === undefined && bucket.includes('.'));
  const url = new URL(access.endpoint ?? awsEndpoint(access.region));
  if (!inPath) {
    url.hostname = `${bucket}.${url.hostname}`;
    if (!url.hostname.startsWith(`${bucket}.`))
      throw invalid(`the bucket ${bucket} can not be part of a host name there; set pathStyle: true`);
  }
  const base = url.pathname.replace(/\/$/, '');
  const path = `${base}${inPath ? `/${bucket}` : ''}/${encodeKey(key)}`;
  url.pathname = path;
  if (url.pathname !== path)
    throw invalid(`the key ${JSON.stringify(key)} has a part . or .., which S3 can not be asked for`);
  return url;
}

/** Percent-encodes as signatures of AWS want it: all but letters, digits and `-._~`. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function encodeKey(key: string): string {
  if (!key.isWellFormed()) throw invalid(`the key ${JSON.stringify(key)} is no valid Unicode`);
  return encodeRfc3986(key).replaceAll('%2F', '/');
}

function awsEndpoint(region: string): string {
  return `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

function invalid(message: string): PlumbingError {
  return new PlumbingError('CONFIG_INVALID', message);
}
