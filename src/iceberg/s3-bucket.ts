/** Signed requests to one bucket, and when they are sent again. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { PlumbingError, isPlumbingError } from '../errors/index.ts';
import { getLogger } from '../logging/index.ts';
import { refusal } from './s3-error.ts';
import { encodeRfc3986, objectUrl } from './s3-location.ts';
import type { S3Access } from './s3-location.ts';
import { errorCodeOf } from './s3-xml.ts';

const log = getLogger('iceberg', 's3');
const maxTries = 4;
const baseDelayMs = 300;
/** Uploads slower than this are given up. */
const slowestBytesPerMs = 64;

/** One request. */
export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Names the request in errors. */
  readonly location: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** The answer to a request that succeeded, whole. */
export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** One bucket. Neither this nor any error of it shows credentials. */
export class S3Bucket {
  readonly #access: S3Access;
  readonly #bucket: string;
  /** Keys that were derived for the day; the names of its entries hold the secret. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  constructor(access: S3Access, bucket: string) {
    this.#access = access;
    this.#bucket = bucket;
  }

  /** {@link S3Bucket.sendOnce}, up to 4 times while the error is retryable. For requests that may be repeated freely. */
  async send(request: S3Request): Promise<S3Answer> {
    return retrying(() => this.sendOnce(request));
  }

  /**
   * Sends a request and reads the whole answer. Redirects are not followed.
   *
   * @throws PlumbingError as {@link refusal} says; `DEST_FAILED` (retryable) when the connection fails or stalls.
   */
  async sendOnce(request: S3Request): Promise<S3Answer> {
    const { location, body } = request;
    const abort = new AbortController();
    const timeoutMs = this.#access.timeoutMs + (body?.byteLength ?? 0) / slowestBytesPerMs;
    const idle = setTimeout(() => abort.abort(), timeoutMs);
    try {
      const response = await this.#fetch(request, abort.signal);
      const answer = {
        status: response.status,
        headers: response.headers,
        body: await bodyOf(response, () => idle.refresh()),
      };
      const failure = failureOf(request, answer);
      if (failure) throw failure;
      return answer;
    } catch (error) {
      if (isPlumbingError(error)) throw error;
      const reason = abort.signal.aborted ? 'no progress in time' : reasonOf(error);
      throw new PlumbingError(
        'DEST_FAILED',
        `${location}: the connection to S3 failed (${reason}); check the network and the endpoint`,
        // What went wrong may quote headers, so it is no cause.
        { retryable: !untrusted.test(reason), context: { location, reason } },
      );
    } finally {
      clearTimeout(idle);
    }
  }

  async #fetch(request: S3Request, signal: AbortSignal): Promise<Response> {
    const { method, key, query = {}, headers, body } = request;
    const url = objectUrl(this.#access, this.#bucket, key);
    url.search = Object.entries(query)
      .map(([name, value]) => `${name}=${encodeRfc3986(value)}`)
      .join('&');
    const { region, accessKeyId, secretAccessKey, sessionToken } = this.#access;
    const signed = await new AwsV4Signer({
      method,
      url: url.href,
      headers: {
        ...headers,
        // S3 then refuses a body that arrives differently.
        'x-amz-content-sha256': createHash('sha256')
          .update(body ?? '')
          .digest('hex'),
      },
      service: 's3',
      region,
      accessKeyId: accessKeyId.reveal(),
      secretAccessKey: secretAccessKey.reveal(),
      ...(sessionToken && { sessionToken: sessionToken.reveal() }),
      cache: this.#signingKeys,
    }).sign();
    // Not signed, for proxies change it; files are wanted as they are stored.
    signed.headers.set('accept-encoding', 'identity');
    return fetch(url, {
      method,
      headers: signed.headers,
      body: (body as Uint8Array<ArrayBuffer> | undefined) ?? null,
      redirect: 'manual',
      signal,
    });
  }
}

/** Tries up to 4 times while the error is retryable, with growing, random pauses. */
export async function retrying<T>(tryOnce: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await tryOnce();
    } catch (error) {
      if (tries >= maxTries || !isPlumbingError(error, 'DEST_FAILED') || !error.retryable) throw error;
      const delayMs = Math.random() * baseDelayMs * 2 ** (tries - 1);
      log.info('{what}; attempt {attempt} follows in {delayMs} ms', {
        what: error.message,
        attempt: tries + 1,
        delayMs: Math.round(delayMs),
      });
      await delay(delayMs);
    }
  }
}

async function bodyOf(response: Response, onProgress: () => void): Promise<Uint8Array> {
  onProgress();
  const chunks: Uint8Array[] = [];
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    onProgress();
    chunks.push(chunk);
  }
  const { buffer, byteOffset, byteLength } = Buffer.concat(chunks);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function failureOf(request: S3Request, { status, body }: S3Answer): PlumbingError | undefined {
  const { method, location, key, headers } = request;
  const isSuccess = status >= 200 && status < 300;
  // Ending an upload in parts takes long, so S3 says 200 at once and what came of it later.
  const s3Code = isSuccess && method !== 'POST' ? undefined : errorCodeOf(Buffer.from(body).toString());
  if (isSuccess && s3Code === undefined) return undefined;
  const reads = (method === 'GET' || method === 'HEAD') && key !== '';
  const creates = headers?.['if-none-match'] !== undefined;
  const doing = reads ? 'read' : creates ? 'create' : 'other';
  return refusal(location, { status: isSuccess ? lateStatus(s3Code) : status, s3Code, doing });
}

/** The status that S3 would have sent, had it known. */
function lateStatus(s3Code = ''): number {
  if (s3Code === 'PreconditionFailed') return 412;
  if (s3Code === 'ConditionalRequestConflict') return 409;
  return /^(InternalError|SlowDown|ServiceUnavailable|RequestTimeout|Unknown)$/.test(s3Code) ? 503 : 400;
}

/** The system's word for what went wrong, e.g. ECONNREFUSED; never the message. */
function reasonOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return error instanceof Error ? error.name : 'unknown';
}

/** Failures of TLS, which stay until a person does something. */
const untrusted = /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;
