/** Files of tables in buckets of S3, or of any store that speaks like it. */
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import { failpoint } from '../failpoints/index.ts';
import { checkRange } from './file-io.ts';
import type { FileIo, ListedFile } from './file-io.ts';
import { S3Bucket } from './s3-bucket.ts';
import type { S3Answer, S3Request } from './s3-bucket.ts';
import { createObject } from './s3-create.ts';
import { checkS3Options, parseS3Location } from './s3-location.ts';
import type { S3Access, S3Options } from './s3-location.ts';
import { parseListPage } from './s3-xml.ts';

export type { S3Options } from './s3-location.ts';

/**
 * Reads and writes objects at `s3://bucket/key` (`s3a://` and `s3n://` as well), whose keys are taken literally.
 *
 * A write sends `If-None-Match: *`, so it creates an object whole or leaves an existing one alone; the store must support
 * that, also where an upload in parts ends (above 32 MiB). Every body is signed by its hash. Failures of network and server
 * (429, 5xx) are tried up to 4 times with growing, random pauses; after a lost answer a write looks whether it has landed.
 * Redirects are never followed. Lists skip keys that end in `/`, which stand for folders.
 *
 * @throws PlumbingError from this function: `CONFIG_INVALID` for options that can not work. From each method: `DEST_FAILED`,
 * retryable for failures of network and server, final for refused credentials, a wrong bucket or a redirect; `DEST_FULL`
 * (retryable) when the store has no space left; `DEST_CORRUPT` for reading an object that is not there or shorter than the
 * range; `COMMIT_CONFLICT` for writing one that is; `CONFIG_INVALID` for a location that can not be in S3. No error or log
 * holds credentials.
 *
 * @example
 * ```ts
 * const io = s3Io({ region: 'eu-central-1', accessKeyId, secretAccessKey });
 * await io.write('s3://lake/t/data/1.parquet', bytes);
 * ```
 */
export function s3Io(options: S3Options): FileIo {
  return new S3Io(checkS3Options(options));
}

class S3Io implements FileIo {
  readonly #access: S3Access;
  readonly #buckets = new Map<string, S3Bucket>();

  constructor(access: S3Access) {
    this.#access = access;
  }

  async read(location: string): Promise<Uint8Array> {
    return (await this.#send('GET', location)).body;
  }

  async readRange(location: string, start: number, end: number): Promise<Uint8Array> {
    checkRange(start, end);
    const wanted = end - start;
    // HTTP has no way to ask for no bytes.
    if (wanted === 0) return new Uint8Array();
    const { status, body } = await this.#send('GET', location, { range: `bytes=${start}-${end - 1}` });
    // Some stores ignore the range of small objects.
    const bytes = status === 206 ? body : body.slice(start, end);
    if (bytes.byteLength !== wanted) {
      throw new PlumbingError(
        'DEST_CORRUPT',
        `${location}: ends before byte ${end}; it was cut short, restore it from a backup`,
        { context: { location, start, end } },
      );
    }
    return bytes;
  }

  async write(location: string, bytes: Uint8Array): Promise<void> {
    const { bucket, key } = fileAt(location);
    await createObject(this.#bucket(bucket), location, key, bytes);
    failpoint('iceberg.file_written');
  }

  async remove(location: string): Promise<void> {
    try {
      await this.#send('DELETE', location);
    } catch (error) {
      const { status, s3Code } = isPlumbingError(error) ? error.context : {};
      if (status !== 404 || s3Code === 'NoSuchBucket') throw error;
    }
  }

  async *list(prefix: string): AsyncGenerator<ListedFile> {
    const folder = prefix.endsWith('/') ? prefix : `${prefix}/`;
    const { root, bucket, key } = parseS3Location(folder);
    let token: string | undefined;
    do {
      const query = {
        'list-type': '2',
        prefix: key,
        'encoding-type': 'url',
        ...(token && { 'continuation-token': token }),
      };
      const { body } = await this.#bucket(bucket).send({ method: 'GET', location: folder, key: '', query });
      const page = parseListPage(Buffer.from(body).toString(), folder);
      for (const { key: found, ...file } of page.files) {
        if (!found.endsWith('/')) yield { location: root + found, ...file };
      }
      if (page.nextToken !== undefined && page.nextToken === token) {
        throw new PlumbingError('DEST_FAILED', `${folder}: the list does not go on; try again later`, {
          retryable: true,
        });
      }
      token = page.nextToken;
    } while (token !== undefined);
  }

  async #send(
    method: S3Request['method'],
    location: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<S3Answer> {
    const { bucket, key } = fileAt(location);
    return this.#bucket(bucket).send({ method, location, key, headers });
  }

  #bucket(name: string): S3Bucket {
    let bucket = this.#buckets.get(name);
    if (!bucket) this.#buckets.set(name, (bucket = new S3Bucket(this.#access, name)));
    return bucket;
  }
}

function fileAt(location: string): { bucket: string; key: string } {
  const { bucket, key } = parseS3Location(location);
  if (key === '' || key.endsWith('/'))
    throw new PlumbingError('CONFIG_INVALID', `${location} is the location of a folder, not of a file`);
  return { bucket, key };
}
