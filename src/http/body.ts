/** Reads a body within its limits of size and time. */
import { PlumbingError } from '../errors/index.ts';

/** Bounds of one body. */
export interface BodyLimits {
  readonly maxBytes: number;
  readonly idleTimeoutMs: number;
  /** Names the request in errors. */
  readonly what: string;
}

/**
 * All bytes of a body after content decoding. `abort` ends the request.
 *
 * @throws PlumbingError `LIMIT_EXCEEDED` as soon as the body is too large; `HTTP_TIMEOUT` (retryable) when it stalls.
 */
export async function readBody(
  response: Response,
  limits: BodyLimits,
  abort: (reason: PlumbingError) => void,
): Promise<Uint8Array> {
  if (!response.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let idle: NodeJS.Timeout | undefined;
  const stalled = (): void =>
    abort(
      new PlumbingError('HTTP_TIMEOUT', `${limits.what}: the body stalled for ${limits.idleTimeoutMs} ms`, {
        retryable: true,
      }),
    );
  try {
    idle = setTimeout(stalled, limits.idleTimeoutMs);
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      idle.refresh();
      size += chunk.byteLength;
      if (size > limits.maxBytes) {
        const error = new PlumbingError(
          'LIMIT_EXCEEDED',
          `${limits.what}: the body is larger than ${limits.maxBytes} bytes`,
        );
        abort(error);
        throw error;
      }
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(idle);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, size);
}
