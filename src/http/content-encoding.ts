/** Undoes the content codings of a body. Reference: RFC 9110, section 8.4. */
import { Readable, pipeline } from 'node:stream';
import type { Duplex } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { PlumbingError } from '../errors/index.ts';

/** More layers than anybody needs are refused: each one multiplies what a few bytes can grow to. */
const maxLayers = 3;

const decoders: ReadonlyMap<string, () => Duplex> = new Map([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['deflate', () => createInflate()],
  ['br', () => createBrotliDecompress()],
]);

/**
 * `body` as it was before its codings; as it is where one of them is not known. A body without a byte has none to undo: some
 * servers name a coding all the same. Reading fails when a body ends too early or does not decode.
 *
 * @throws PlumbingError `LIMIT_EXCEEDED`, while it is read, for more than three codings.
 */
export function decoded(body: Readable, contentEncoding: string | null): AsyncIterable<Uint8Array> {
  const codings = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  const layers = codings.toReversed().map((coding) => decoders.get(coding));
  if (!layers.every((layer) => layer !== undefined)) return body;
  return layers.length === 0 ? body : decode(body, layers);
}

async function* decode(body: Readable, layers: readonly (() => Duplex)[]): AsyncGenerator<Uint8Array> {
  if (layers.length > maxLayers) {
    throw new PlumbingError(
      'LIMIT_EXCEEDED',
      `the body was encoded ${layers.length} times over, which is refused beyond ${maxLayers}`,
    );
  }
  const chunks = body[Symbol.asyncIterator]() as AsyncGenerator<Uint8Array>;
  const first = await chunks.next();
  if (first.done) return;
  // An error in any of them reaches whoever reads the last one.
  yield* layers.reduce<Readable>(
    (from, decoder) => pipeline(from, decoder(), () => undefined),
    Readable.from(withFirst(first.value, chunks), { objectMode: false }),
  );
}

async function* withFirst(first: Uint8Array, others: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* others;
}
