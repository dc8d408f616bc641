/** Creates objects that must not exist yet, also when the answer of S3 gets lost. */
import { randomUUID } from 'node:crypto';
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import { getLogger } from '../logging/index.ts';
import { retrying } from './s3-bucket.ts';
import type { S3Bucket, S3Request } from './s3-bucket.ts';
import { completionOf, textOf } from './s3-xml.ts';

const log = getLogger('iceberg', 's3');
/** Larger files go up in parts. */
const maxSingleBytes = 32 * 1024 * 1024;
const minPartBytes = 8 * 1024 * 1024;
const maxParts = 10_000;
const partsAtOnce = 4;
/** Tells a write of ours from one of others with the same content. */
const writeIdHeader = 'x-amz-meta-plumbing-write';

interface Target {
  readonly bucket: S3Bucket;
  readonly location: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly writeId: string;
}

/**
 * Creates an object, in parts above 32 MiB. It appears whole, or not at all. Tried up to 4 times; an answer that got lost is
 * followed by a look at what is there now, so a write that has landed counts as one, and is never taken for a conflict.
 * Parts of an upload that failed are removed.
 *
 * @throws PlumbingError `COMMIT_CONFLICT` when there is an object already; else as {@link S3Bucket.sendOnce}.
 */
export async function createObject(
  bucket: S3Bucket,
  location: string,
  key: string,
  bytes: Uint8Array,
): Promise<void> {
  const target = { bucket, location, key, bytes, writeId: randomUUID() };
  if (bytes.byteLength > maxSingleBytes) return createInParts(target);
  const headers = { 'if-none-match': '*', [writeIdHeader]: target.writeId };
  return once(target, { method: 'PUT', location, key, headers, body: bytes });
}

/** Sends the request that makes the object appear. */
async function once(target: Target, request: S3Request): Promise<void> {
  let mayHaveLanded = false;
  try {
    await retrying(async () => {
      try {
        await target.bucket.sendOnce(request);
      } catch (error) {
        // 409 tells that others are at work on the key, not that there is an object.
        const isKnown = isAboutObject(error) && (mayHaveLanded || error.context['status'] === 409);
        if (!isKnown) {
          mayHaveLanded ||= isPlumbingError(error, 'DEST_FAILED') && error.retryable;
          throw error;
        }
        const found = await whatIsThere(target);
        if (found === 'ours') return;
        // An earlier try may still be at work on the other side.
        if (found === 'nothing' && error.context['status'] === 409) throw asRetryable(error);
        throw error;
      }
    });
  } catch (error) {
    if (!mayHaveLanded || !isPlumbingError(error, 'DEST_FAILED') || !error.retryable) throw error;
    if ((await whatIsThere(target).catch(() => undefined)) !== 'ours') throw error;
  }
}

/** Whether an answer depends on what an earlier try did: the object is there, or its upload is over. */
function isAboutObject(error: unknown): error is PlumbingError {
  return isPlumbingError(error) && [404, 409, 412].includes(error.context['status'] as number);
}

function asRetryable({ message, context }: PlumbingError): PlumbingError {
  return new PlumbingError('DEST_FAILED', message, { retryable: true, context });
}

async function whatIsThere({
  bucket,
  location,
  key,
  bytes,
  writeId,
}: Target): Promise<'ours' | 'others' | 'nothing'> {
  let headers;
  try {
    ({ headers } = await bucket.send({ method: 'HEAD', location, key }));
  } catch (error) {
    if (isPlumbingError(error, 'DEST_CORRUPT')) return 'nothing';
    throw error;
  }
  const foundId = headers.get(writeIdHeader);
  if (foundId !== null) return foundId === writeId ? 'ours' : 'others';
  if (headers.get('content-length') !== String(bytes.byteLength)) return 'others';
  const { body } = await bucket.send({ method: 'GET', location, key });
  return Buffer.compare(body, bytes) === 0 ? 'ours' : 'others';
}

async function createInParts(target: Target): Promise<void> {
  const { bucket, location, key, writeId } = target;
  const started = await bucket.send({
    method: 'POST',
    location,
    key,
    query: { uploads: '' },
    headers: { [writeIdHeader]: writeId },
  });
  const uploadId = textOf(Buffer.from(started.body).toString(), 'UploadId');
  if (!uploadId) {
    throw new PlumbingError(
      'DEST_FAILED',
      `${location}: the store started an upload without an id; check that the endpoint is one of S3`,
    );
  }
  try {
    const etags = await uploadParts(target, uploadId);
    await once(target, {
      method: 'POST',
      location,
      key,
      query: { uploadId },
      headers: { 'if-none-match': '*' },
      body: Buffer.from(completionOf(etags)),
    });
  } catch (error) {
    await bucket.send({ method: 'DELETE', location, key, query: { uploadId } }).catch(() => {
      log.warn('{location}: parts of a failed upload were left behind; a lifecycle rule can remove them', {
        location,
      });
    });
    throw error;
  }
}

async function uploadParts({ bucket, location, key, bytes }: Target, uploadId: string): Promise<string[]> {
  const partBytes = Math.max(minPartBytes, Math.ceil(bytes.byteLength / maxParts));
  const count = Math.ceil(bytes.byteLength / partBytes);
  const etags: string[] = [];
  let next = 0;
  let hasFailed = false;
  const work = async (): Promise<void> => {
    while (next < count && !hasFailed) {
      const index = next++;
      try {
        const { headers } = await bucket.send({
          method: 'PUT',
          location,
          key,
          query: { partNumber: String(index + 1), uploadId },
          body: bytes.subarray(index * partBytes, (index + 1) * partBytes),
        });
        etags[index] = headers.get('etag') ?? '';
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  // All must have ended before the upload is given up, or a late part would stay behind.
  const results = await Promise.allSettled(Array.from({ length: partsAtOnce }, work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return etags;
}
