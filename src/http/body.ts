/** Reads a body within its limits of size and time. */
import { PlumbingError } from '../errors/index.ts';
import type { OpenAnswer } from './transport.ts';

/** Bounds of one body. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** What becomes of a larger body: an error, or its beginning. */
  readonly beyond: 'fail' | 'cut';
  readonly idleTimeoutMs: number;
  /** Names the request in errors. */
  readonly what: string;
}

/**
 * The bytes of a body after content decoding. `controller` is that of the request, which ends when a limit is passed.
 *
 * @throws PlumbingError `LIMIT_EXCEEDED` as soon as the body is too large; `HTTP_TIMEOUT` (retryable) when it stalls;
 * `HTTP_BAD_BODY` (retryable) when it breaks off or does not decode; else the reason for which the request was aborted.
 */
export async function readBody(
  response: Pick<OpenAnswer, 'body'>,
  { maxBytes, beyond, idleTimeoutMs, what }: BodyLimits,
  controller: AbortController,
): Promise<Uint8Array> {
  if (!response.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const idle = setTimeout(() => {
    controller.abort(
      new PlumbingError(
        'HTTP_TIMEOUT',
        `${what}: the body stalled for ${idleTimeoutMs} ms; try again later`,
        {
          retryable: true,
        },
      ),
    );
  }, idleTimeoutMs);
  try {
    for await (const chunk of response.body) {
      idle.refresh();
      size += chunk.byteLength;
      chunks.push(chunk);
      if (size <= maxBytes) continue;
      if (beyond === 'cut') return Buffer.concat(chunks, maxBytes);
      throw new PlumbingError(
        'LIMIT_EXCEEDED',
        `${what}: the body is larger than ${maxBytes} bytes; ask for less at once, or raise maxBytes`,
      );
    }
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    if (error instanceof PlumbingError) throw error;
    throw new PlumbingError(
      'HTTP_BAD_BODY',
      `${what}: the body broke off after ${size} bytes; try again later`,
      {
        retryable: true,
      },
    );
  } finally {
    clearTimeout(idle);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, size);
}
